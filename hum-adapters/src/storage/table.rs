//! What a table looks like, and the writes that follow from it.

use std::sync::OnceLock;

use hum_core::store::StoreError;

use super::value::{Row, Value};

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Text,
    Int,
    Bool,
    Bytes,
}

impl Type {
    /// The Postgres array that carries a column of many rows.
    pub(crate) fn postgres_array(self) -> &'static str {
        match self {
            Self::Text => "text[]",
            Self::Int => "bigint[]",
            Self::Bool => "boolean[]",
            Self::Bytes => "bytea[]",
        }
    }
}

/// One column.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Type,
    /// Whether an update writes it. What never changes is left out, or every index on it would be written again.
    changes: bool,
}

/// A column that an update writes.
pub(crate) const fn column(name: &'static str, kind: Type) -> Column {
    Column { name, kind, changes: true }
}

/// A column that keeps the value it was inserted with; the columns of a key are such.
pub(crate) const fn fixed(name: &'static str, kind: Type) -> Column {
    Column { name, kind, changes: false }
}

/// The table of one kind of record. Its first column is always `org_id`; if it has a version, that is the last one.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// The first columns, in this order.
    pub(crate) key: &'static [&'static str],
    /// What else must be unique, so that a group of batches can see its own collisions before the database does.
    /// A `Null` in one of the columns means that there is nothing to collide.
    pub(crate) unique: &'static [&'static [&'static str]],
    pub(crate) columns: &'static [Column],
    sql: OnceLock<Sql>,
}

/// The statements that follow from a table.
#[derive(Debug)]
struct Sql {
    columns: String,
    sqlite_insert: String,
    sqlite_update: String,
    postgres_insert: String,
    postgres_update: String,
}

impl Table {
    pub(crate) const fn new(name: &'static str, key: &'static [&'static str], columns: &'static [Column]) -> Self {
        Self { name, key, unique: &[], columns, sql: OnceLock::new() }
    }

    pub(crate) const fn unique(mut self, unique: &'static [&'static [&'static str]]) -> Self {
        self.unique = unique;
        self
    }

    /// Whether records of this kind can change.
    pub(crate) fn has_version(&self) -> bool {
        self.columns.last().is_some_and(|column| column.name == "version")
    }

    /// The columns of a `SELECT`, in the order that [`Row`] reads.
    pub(crate) fn columns(&'static self) -> &'static str {
        &self.sql().columns
    }

    /// The same, of a table that a join calls `alias`.
    pub(crate) fn columns_of(&self, alias: &str) -> String {
        self.list(|column| format!("{alias}.{}", column.name))
    }

    /// Inserts one row; `?n` is the n-th column.
    pub(crate) fn sqlite_insert(&'static self) -> &'static str {
        &self.sql().sqlite_insert
    }

    /// Updates one row at the version before the one it is given; `?n` is the n-th column.
    pub(crate) fn sqlite_update(&'static self) -> &'static str {
        &self.sql().sqlite_update
    }

    /// Inserts many rows; `$n` is an array with the n-th column of each.
    pub(crate) fn postgres_insert(&'static self) -> &'static str {
        &self.sql().postgres_insert
    }

    /// Updates many rows, each at the version before the one it is given, and answers which ones (from 1) it found.
    pub(crate) fn postgres_update(&'static self) -> &'static str {
        &self.sql().postgres_update
    }

    fn list(&self, text: impl Fn(&Column) -> String) -> String {
        self.columns.iter().map(text).collect::<Vec<_>>().join(", ")
    }

    fn sql(&self) -> &Sql {
        self.sql.get_or_init(|| {
            let Self { name, key, .. } = self;
            let columns = self.list(|column| column.name.to_owned());
            let position = |wanted: &str| self.columns.iter().position(|column| column.name == wanted).map_or(0, |at| at + 1);
            let changing = || self.columns.iter().filter(|column| column.changes);
            let sets = |from: &dyn Fn(&Column) -> String| {
                changing().map(|column| format!("{} = {}", column.name, from(column))).collect::<Vec<_>>().join(", ")
            };
            let keys = |text: &dyn Fn(&str) -> String| key.iter().map(|column| text(column)).collect::<Vec<_>>().join(" AND ");

            let slots = self.list(|column| format!("?{}", position(column.name)));
            let arrays = self.list(|column| format!("${}::{}", position(column.name), column.kind.postgres_array()));
            let version = position("version");
            Sql {
                sqlite_insert: format!("INSERT INTO {name} ({columns}) VALUES ({slots})"),
                sqlite_update: format!(
                    "UPDATE {name} SET {} WHERE {} AND version = ?{version} - 1",
                    sets(&|column| format!("?{}", position(column.name))),
                    keys(&|column| format!("{column} = ?{}", position(column))),
                ),
                postgres_insert: format!("INSERT INTO {name} ({columns}) SELECT * FROM unnest({arrays})"),
                postgres_update: format!(
                    "UPDATE {name} t SET {} FROM unnest({arrays}) WITH ORDINALITY AS u ({columns}, nth) \
                     WHERE {} AND t.version = u.version - 1 RETURNING u.nth",
                    sets(&|column| format!("u.{}", column.name)),
                    keys(&|column| format!("t.{column} = u.{column}")),
                ),
                columns,
            }
        })
    }

    /// The key of a row of this table, and whatever else must be unique in it, as comparable texts.
    pub(crate) fn identities(&'static self, row: &[Value]) -> impl Iterator<Item = Identity> {
        let key = std::iter::once(self.key);
        key.chain(self.unique.iter().copied()).enumerate().filter_map(|(nth, columns)| {
            let values: Option<Vec<Value>> = columns
                .iter()
                .map(|wanted| {
                    let at = self.columns.iter().position(|column| column.name == *wanted)?;
                    row.get(at).filter(|value| **value != Value::Null).cloned()
                })
                .collect();
            Some(Identity { table: self.name, nth, values: values? })
        })
    }
}

/// Something that at most one row can be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    pub(crate) table: &'static str,
    /// Which of the table's keys; 0 is the primary one.
    pub(crate) nth: usize,
    pub(crate) values: Vec<Value>,
}

/// A record that has a table.
pub(crate) trait Stored: Sized {
    fn table() -> &'static Table;

    /// The columns in the table's order.
    fn to_row(&self) -> Vec<Value>;

    fn from_row(row: &mut Row<'_>) -> Result<Self, StoreError>;
}
