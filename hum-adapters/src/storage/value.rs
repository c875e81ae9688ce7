//! What goes into and comes out of a database, in the few types that both databases have.

use std::fmt::Display;

use hum_core::{clock::Timestamp, store::StoreError};
use serde::{Serialize, de::DeserializeOwned};

use super::table::Table;

/// One column of one row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Value {
    Null,
    Text(String),
    Int(i64),
    Bool(bool),
    Bytes(Vec<u8>),
}

impl Value {
    /// Ids, numbers in E.164 and names of states: whatever has one spelling.
    pub(crate) fn text(value: impl Display) -> Self {
        Self::Text(value.to_string())
    }

    pub(crate) fn opt_text(value: Option<impl Display>) -> Self {
        value.map_or(Self::Null, Self::text)
    }

    /// What is only carried, never searched.
    pub(crate) fn json(value: &impl Serialize) -> Self {
        // Everything that is carried has string keys and finite numbers, so this cannot fail.
        Self::Text(serde_json::to_string(value).unwrap_or_default())
    }

    pub(crate) fn opt_json(value: Option<&impl Serialize>) -> Self {
        value.map_or(Self::Null, Self::json)
    }

    pub(crate) fn opt_int(value: Option<i64>) -> Self {
        value.map_or(Self::Null, Self::Int)
    }

    /// Microseconds, UTC: the same number in both databases, and no rounding on the way.
    pub(crate) fn time(value: Timestamp) -> Self {
        Self::Int(value.as_micros())
    }

    pub(crate) fn opt_time(value: Option<Timestamp>) -> Self {
        value.map_or(Self::Null, Self::time)
    }

    pub(crate) fn opt_bytes(value: Option<&[u8]>) -> Self {
        value.map_or(Self::Null, |bytes| Self::Bytes(bytes.to_vec()))
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

/// Reads the columns of one row by name; whatever does not fit is `Corrupt` and names its table and column.
///
/// Each column is read once and moved out, in any order; reading in the table's order is fastest.
pub(crate) struct Row<'a> {
    table: &'static Table,
    values: &'a mut [Value],
    next: usize,
}

impl<'a> Row<'a> {
    /// `values` are the columns of `table`, in its order.
    pub(crate) fn new(table: &'static Table, values: &'a mut [Value]) -> Self {
        Self { table, values, next: 0 }
    }

    pub(crate) fn corrupt(&self, column: &'static str, detail: impl Display) -> StoreError {
        StoreError::Corrupt { table: self.table.name, column, detail: detail.to_string() }
    }

    fn take(&mut self, column: &'static str) -> Result<Value, StoreError> {
        let columns = self.table.columns;
        let here = columns.get(self.next).filter(|found| found.name == column).map(|_| self.next);
        let index = here.or_else(|| columns.iter().position(|found| found.name == column));
        let Some(value) = index.and_then(|index| self.values.get_mut(index)) else {
            return Err(self.corrupt(column, "not read"));
        };
        self.next = index.unwrap_or(0) + 1;
        Ok(std::mem::replace(value, Value::Null))
    }

    pub(crate) fn opt_text(&mut self, column: &'static str) -> Result<Option<String>, StoreError> {
        match self.take(column)? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            _ => Err(self.corrupt(column, "not a text")),
        }
    }

    pub(crate) fn text(&mut self, column: &'static str) -> Result<String, StoreError> {
        self.opt_text(column)?.ok_or_else(|| self.corrupt(column, "missing"))
    }

    pub(crate) fn opt_int(&mut self, column: &'static str) -> Result<Option<i64>, StoreError> {
        match self.take(column)? {
            Value::Null => Ok(None),
            Value::Int(int) => Ok(Some(int)),
            _ => Err(self.corrupt(column, "not a number")),
        }
    }

    pub(crate) fn int(&mut self, column: &'static str) -> Result<i64, StoreError> {
        self.opt_int(column)?.ok_or_else(|| self.corrupt(column, "missing"))
    }

    /// A number of a narrower type.
    pub(crate) fn small<T: TryFrom<i64>>(&mut self, column: &'static str) -> Result<T, StoreError> {
        let int = self.int(column)?;
        T::try_from(int).map_err(|_| self.corrupt(column, "out of range"))
    }

    /// SQLite has no booleans: 0 and 1.
    pub(crate) fn bool(&mut self, column: &'static str) -> Result<bool, StoreError> {
        match self.take(column)? {
            Value::Bool(bool) => Ok(bool),
            Value::Int(int @ (0 | 1)) => Ok(int == 1),
            _ => Err(self.corrupt(column, "not a boolean")),
        }
    }

    pub(crate) fn opt_bytes(&mut self, column: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        match self.take(column)? {
            Value::Null => Ok(None),
            Value::Bytes(bytes) => Ok(Some(bytes)),
            _ => Err(self.corrupt(column, "not bytes")),
        }
    }

    pub(crate) fn bytes(&mut self, column: &'static str) -> Result<Vec<u8>, StoreError> {
        self.opt_bytes(column)?.ok_or_else(|| self.corrupt(column, "missing"))
    }

    /// A SHA-256.
    pub(crate) fn hash(&mut self, column: &'static str) -> Result<[u8; 32], StoreError> {
        self.bytes(column)?.try_into().map_err(|_| self.corrupt(column, "not 32 bytes"))
    }

    pub(crate) fn opt_time(&mut self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.opt_int(column)?.map(Timestamp::from_micros))
    }

    pub(crate) fn time(&mut self, column: &'static str) -> Result<Timestamp, StoreError> {
        self.int(column).map(Timestamp::from_micros)
    }

    /// Ids and numbers in E.164: whatever has `FromStr`.
    pub(crate) fn opt_parsed<T: std::str::FromStr>(&mut self, column: &'static str) -> Result<Option<T>, StoreError>
    where
        T::Err: Display,
    {
        let Some(text) = self.opt_text(column)? else { return Ok(None) };
        text.parse().map(Some).map_err(|error| self.corrupt(column, error))
    }

    pub(crate) fn parsed<T: std::str::FromStr>(&mut self, column: &'static str) -> Result<T, StoreError>
    where
        T::Err: Display,
    {
        self.opt_parsed(column)?.ok_or_else(|| self.corrupt(column, "missing"))
    }

    /// A name of a closed set, by core's own reverse of `as_str`.
    pub(crate) fn opt_named<T>(&mut self, column: &'static str, parse: fn(&str) -> Option<T>) -> Result<Option<T>, StoreError> {
        let Some(text) = self.opt_text(column)? else { return Ok(None) };
        parse(&text).map(Some).ok_or_else(|| self.corrupt(column, "unknown name"))
    }

    pub(crate) fn named<T>(&mut self, column: &'static str, parse: fn(&str) -> Option<T>) -> Result<T, StoreError> {
        self.opt_named(column, parse)?.ok_or_else(|| self.corrupt(column, "missing"))
    }

    pub(crate) fn opt_json<T: DeserializeOwned>(&mut self, column: &'static str) -> Result<Option<T>, StoreError> {
        let Some(text) = self.opt_text(column)? else { return Ok(None) };
        // serde_json's own message may quote the value, so only the kind of trouble is passed on.
        serde_json::from_str(&text).map(Some).map_err(|error| {
            self.corrupt(column, format_args!("{:?} error at byte {} of the JSON", error.classify(), error.column()))
        })
    }

    pub(crate) fn json<T: DeserializeOwned>(&mut self, column: &'static str) -> Result<T, StoreError> {
        self.opt_json(column)?.ok_or_else(|| self.corrupt(column, "missing"))
    }
}
