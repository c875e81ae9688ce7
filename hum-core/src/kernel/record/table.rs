//! What a table looks like, and a row of it.

use super::{Field, Record, Type, Value, from_json, to_json};
use crate::kernel::store::StoreError;

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name, the same in every store.
    pub name: &'static str,
    /// What it holds.
    pub kind: Type,
    /// Whether it may hold nothing.
    pub nullable: bool,
    /// Whether it is a part of the primary key.
    pub in_key: bool,
    /// Whether an update writes it. What never changes is left out, or every index on it would be
    /// written again.
    pub changes: bool,
}

impl Column {
    /// A column for values of `T`, which an update writes.
    pub const fn of<T: Field>(name: &'static str) -> Self {
        Self {
            name,
            kind: T::KIND,
            nullable: T::NULLABLE,
            in_key: false,
            changes: true,
        }
    }

    /// A column for JSON, which an update writes.
    pub const fn json(name: &'static str, nullable: bool) -> Self {
        Self {
            name,
            kind: Type::Text,
            nullable,
            in_key: false,
            changes: true,
        }
    }

    /// Keeps the value that it was inserted with.
    pub const fn fixed(self) -> Self {
        Self {
            changes: false,
            ..self
        }
    }

    /// A part of the primary key.
    pub const fn key(self) -> Self {
        Self {
            in_key: true,
            changes: false,
            ..self
        }
    }
}

/// How many columns there are in all groups.
pub(crate) const fn count(groups: &[&[Column]]) -> usize {
    let (mut sum, mut nth) = (0, 0);
    while nth < groups.len() {
        sum += groups[nth].len();
        nth += 1;
    }
    sum
}

/// The columns of all groups, one after the other.
pub(crate) const fn concat<const N: usize>(groups: &[&[Column]]) -> [Column; N] {
    let mut all = [Column {
        name: "",
        kind: Type::Text,
        nullable: false,
        in_key: false,
        changes: false,
    }; N];
    let (mut at, mut group) = (0, 0);
    while group < groups.len() {
        let mut nth = 0;
        while nth < groups[group].len() {
            all[at] = groups[group][nth];
            at += 1;
            nth += 1;
        }
        group += 1;
    }
    all
}

/// The table of one kind of record. Its first column is always `org_id`, and the columns of its key
/// come first.
#[derive(Debug)]
pub struct Table {
    /// Its name, the same in every store.
    pub name: &'static str,
    /// Its columns, in the order of every row.
    pub columns: &'static [Column],
    /// What else must be unique, by column. A `Null` in one of them means that there is nothing to
    /// collide.
    pub unique: &'static [&'static [&'static str]],
    /// What an index begins with, beside the keys, the organization first; those that writes by
    /// selector go by.
    pub indexes: &'static [&'static [&'static str]],
}

impl Table {
    /// The columns of the primary key.
    pub fn key(&self) -> impl Iterator<Item = &'static Column> + Clone {
        self.columns.iter().take_while(|column| column.in_key)
    }

    /// Where a column is in a row.
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|found| found.name == column)
    }

    /// Where the version is in a row, if records of this kind can change.
    pub fn version(&self) -> Option<usize> {
        self.columns
            .iter()
            .rposition(|column| column.name == "version")
    }

    /// Whether there is a column that can hold this value.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn may_hold(&self, column: &'static str, value: &Value) -> Result<(), StoreError> {
        let found = self.columns.iter().find(|found| found.name == column);
        let holds = |found: &Column| match value {
            Value::Null => found.nullable,
            Value::Text(_) => found.kind == Type::Text,
            Value::Int(_) => found.kind == Type::Int,
            Value::Bool(_) => found.kind == Type::Bool,
            Value::Bytes(_) => found.kind == Type::Bytes,
        };
        match found {
            Some(found) if holds(found) => Ok(()),
            Some(_) => Err(self.corrupt(column, "cannot hold such a value")),
            None => Err(self.corrupt(column, "there is no such column")),
        }
    }

    /// A row of this table makes no sense.
    pub fn corrupt(&self, column: &'static str, detail: impl Into<String>) -> StoreError {
        StoreError::Corrupt {
            table: self.name,
            column,
            detail: detail.into(),
        }
    }
}

/// One row, in the order of its table's columns.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// Of which table.
    pub table: &'static Table,
    /// A value for each column.
    pub values: Vec<Value>,
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Table {}

/// Shows nothing of the values: they are personal, and `Debug` ends up in logs.
impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Row").field(&self.table.name).finish()
    }
}

impl Row {
    /// The record in it, if it is of this kind.
    pub fn record<T: Record>(&self) -> Option<Result<T, StoreError>> {
        (*self.table == *T::table()).then(|| T::from_row(self.clone()))
    }

    /// The value of a column; `Null` when there is no such column.
    pub fn get(&self, column: &str) -> &Value {
        let at = self.table.position(column);
        at.and_then(|at| self.values.get(at))
            .unwrap_or(&Value::Null)
    }

    /// Changes the value of a column, if there is one of this name.
    pub fn set(&mut self, column: &str, value: impl Into<Value>) {
        if let Some(slot) = self
            .table
            .position(column)
            .and_then(|at| self.values.get_mut(at))
        {
            *slot = value.into();
        }
    }

    /// The values of the primary key, the organization first.
    pub fn key(&self) -> &[Value] {
        let length = self.table.key().count();
        &self.values[..length.min(self.values.len())]
    }
}

/// Writes the columns of a row, in their order.
pub struct Writer(Vec<Value>);

impl Writer {
    /// Room for a row of `table`.
    pub fn new(table: &'static Table) -> Self {
        Self(Vec::with_capacity(table.columns.len()))
    }

    /// The next column.
    pub fn put(&mut self, field: &impl Field) {
        self.0.push(field.write());
    }

    /// The next column, as it is stored.
    pub fn put_value(&mut self, value: impl Into<Value>) {
        self.0.push(value.into());
    }

    /// The next column, as JSON.
    pub fn put_json(&mut self, value: &impl serde::Serialize) {
        self.0.push(to_json(value));
    }

    /// The next column, as JSON or nothing.
    pub fn put_json_or_null(&mut self, value: Option<&impl serde::Serialize>) {
        self.0.push(value.map_or(Value::Null, to_json));
    }

    /// The row.
    pub fn row(self, table: &'static Table) -> Row {
        Row {
            table,
            values: self.0,
        }
    }
}

/// Reads the columns of a row, in their order; whatever does not fit is `Corrupt` and names its
/// table and column.
pub struct Reader {
    table: &'static Table,
    values: std::vec::IntoIter<Value>,
    nth: usize,
}

impl Reader {
    /// Reads `row` from its first column.
    pub fn new(row: Row) -> Self {
        Self {
            table: row.table,
            values: row.values.into_iter(),
            nth: 0,
        }
    }

    /// The next column.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn take<T: Field>(&mut self) -> Result<T, StoreError> {
        let value = self.next();
        T::read(value).map_err(|detail| self.corrupt(detail))
    }

    /// The next column, which holds JSON.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn take_json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        let value = self.next();
        from_json(value).map_err(|detail| self.corrupt(detail))
    }

    /// The next column, which holds JSON or nothing.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn take_json_or_null<T: serde::de::DeserializeOwned>(
        &mut self,
    ) -> Result<Option<T>, StoreError> {
        match self.next() {
            Value::Null => Ok(None),
            value => from_json(value)
                .map(Some)
                .map_err(|detail| self.corrupt(detail)),
        }
    }

    fn next(&mut self) -> Value {
        self.nth += 1;
        self.values.next().unwrap_or(Value::Null)
    }

    /// The column that was read last makes no sense.
    pub fn corrupt(&self, detail: impl Into<String>) -> StoreError {
        let column = self
            .table
            .columns
            .get(self.nth.saturating_sub(1))
            .map_or("", |column| column.name);
        self.table.corrupt(column, detail)
    }
}
