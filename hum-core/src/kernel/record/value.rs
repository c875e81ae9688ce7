/// What one column of one row holds, in the few types that every store has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Nothing.
    Null,
    /// Ids, numbers in E.164, names of states, JSON, words of people.
    Text(String),
    /// Numbers; times as microseconds, UTC.
    Int(i64),
    /// Yes or no.
    Bool(bool),
    /// Sealed texts, hashes.
    Bytes(Vec<u8>),
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// [`Value::Text`]
    Text,
    /// [`Value::Int`]
    Int,
    /// [`Value::Bool`]
    Bool,
    /// [`Value::Bytes`]
    Bytes,
}

impl Value {
    /// Whatever has one spelling: ids, numbers in E.164, names of states.
    pub fn text(value: impl std::fmt::Display) -> Self {
        Self::Text(value.to_string())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}
