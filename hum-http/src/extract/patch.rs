use serde::{Deserialize, Deserializer};

/// A field of a PATCH: absent, or a value. Where null is a value, `T` is an `Option`; elsewhere
/// null is refused. Its field has `#[serde(default)]`, and `#[schema(value_type = T)]` to be
/// described as what it holds.
#[derive(Debug, Clone)]
pub(crate) struct Patch<T>(pub Option<T>);

impl<T> Default for Patch<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Patch<T> {
    /// Puts the value, if there is one, where it belongs.
    pub fn apply(self, to: &mut T) {
        if let Some(value) = self.0 {
            *to = value;
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(|value| Self(Some(value)))
    }
}
