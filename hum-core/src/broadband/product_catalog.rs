use std::{
    fmt,
    ops::Deref,
    sync::{Arc, OnceLock},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::CatalogueGroup;

/// What a provider sells at a place. The same at most places, and most of an answer: so it is
/// shared, and its texts are made once.
#[derive(Clone, Default)]
pub struct ProductCatalog(Arc<Shared>);

#[derive(Default)]
struct Shared {
    groups: Vec<CatalogueGroup>,
    /// As it is stored.
    stored: OnceLock<Option<Box<RawValue>>>,
    /// As people see it.
    shown: OnceLock<Option<Box<RawValue>>>,
}

impl ProductCatalog {
    /// Its JSON as people see it: what `view` makes of it, the first time. There is one such view
    /// in a program.
    pub fn shown<'a, V: Serialize>(
        &'a self,
        view: impl FnOnce(&'a [CatalogueGroup]) -> V,
    ) -> Option<&'a RawValue> {
        self.0
            .shown
            .get_or_init(|| to_raw_value(&view(&self.0.groups)).ok())
            .as_deref()
    }
}

impl From<Vec<CatalogueGroup>> for ProductCatalog {
    fn from(groups: Vec<CatalogueGroup>) -> Self {
        Self(Arc::new(Shared {
            groups,
            ..Shared::default()
        }))
    }
}

impl Deref for ProductCatalog {
    type Target = [CatalogueGroup];
    fn deref(&self) -> &[CatalogueGroup] {
        &self.0.groups
    }
}

impl PartialEq for ProductCatalog {
    fn eq(&self, other: &Self) -> bool {
        self.0.groups == other.0.groups
    }
}

impl fmt::Debug for ProductCatalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.groups.fmt(f)
    }
}

impl Serialize for ProductCatalog {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self
            .0
            .stored
            .get_or_init(|| to_raw_value(&self.0.groups).ok())
        {
            Some(json) => json.serialize(serializer),
            None => self.0.groups.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ProductCatalog {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from)
    }
}
