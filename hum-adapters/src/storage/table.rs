//! The statements that follow from a record's table.

use std::{ptr, sync::LazyLock};

use hum_core::record::{Column, Record, RecordType, Table, Type, Value};

use super::job::JOB;

/// The Postgres array that carries a column of many rows.
fn postgres_array(kind: Type) -> &'static str {
    match kind {
        Type::Text => "text[]",
        Type::Int => "bigint[]",
        Type::Bool => "boolean[]",
        Type::Bytes => "bytea[]",
    }
}

/// How Postgres calls the type of a column.
pub(crate) fn postgres_type(kind: Type) -> &'static str {
    postgres_array(kind).trim_end_matches("[]")
}

/// A table, and the statements that write its rows.
#[derive(Debug)]
pub(crate) struct TableSql {
    pub(crate) name: &'static str,
    /// The columns of the key, the organization first.
    pub(crate) key: Vec<&'static str>,
    pub(crate) columns: &'static [Column],
    /// Where the version is in a row, if rows can change.
    pub(crate) version: Option<usize>,
    /// Where the columns of each key are in a row; the first is the primary one.
    identities: Vec<Vec<usize>>,
    list: String,
    by_key: String,
    sqlite_insert: String,
    sqlite_update: String,
    postgres_insert: String,
    postgres_update: String,
}

/// Every table; so few that looking at each is quicker than hashing a name.
static ALL: LazyLock<Vec<(&'static Table, TableSql)>> = LazyLock::new(|| {
    let records = hum_core::records().map(|RecordType { table, .. }| table());
    records
        .chain([&JOB])
        .map(|table| (table, TableSql::new(table)))
        .collect()
});

/// The statements of a table.
///
/// # Panics
/// When the record was not registered, at the first use of a store in any test.
pub(crate) fn of(table: &Table) -> &'static TableSql {
    let same = ALL.iter().find(|(known, _)| ptr::eq(*known, table));
    let named = || ALL.iter().find(|(known, _)| known.name == table.name);
    same.or_else(named)
        .map_or_else(|| unregistered(table.name), |(_, sql)| sql)
}

#[expect(
    clippy::panic,
    reason = "a record that is missing in the list of its capability: nothing can be stored"
)]
fn unregistered(name: &str) -> ! {
    panic!("the record {name} is not in the list of its capability's records")
}

/// The columns of a `SELECT`, in the order of every row.
pub(crate) fn columns<T: Record>() -> &'static str {
    of(T::table()).columns()
}

impl TableSql {
    fn new(table: &'static Table) -> Self {
        let Table {
            name,
            columns,
            unique,
            ..
        } = *table;
        let key: Vec<&'static str> = table.key().map(|column| column.name).collect();
        let position = |wanted: &str| {
            columns
                .iter()
                .position(|column| column.name == wanted)
                .unwrap_or_default()
        };
        let slot = |wanted: &str| position(wanted) + 1;
        let list = |text: &dyn Fn(&Column) -> String| {
            columns.iter().map(text).collect::<Vec<_>>().join(", ")
        };
        let sets = |from: &dyn Fn(&Column) -> String| {
            let changing = columns.iter().filter(|column| column.changes);
            changing
                .map(|column| format!("{} = {}", column.name, from(column)))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let keys = |text: &dyn Fn(&str) -> String| {
            key.iter()
                .map(|column| text(column))
                .collect::<Vec<_>>()
                .join(" AND ")
        };
        let names = list(&|column| column.name.to_owned());
        let slots = list(&|column| format!("?{}", slot(column.name)));
        let arrays =
            list(&|column| format!("${}::{}", slot(column.name), postgres_array(column.kind)));
        let version = table.version();
        Self {
            sqlite_insert: format!("INSERT INTO {name} ({names}) VALUES ({slots})"),
            sqlite_update: format!(
                "UPDATE {name} SET {} WHERE {} AND version = ?{} - 1",
                sets(&|column| format!("?{}", slot(column.name))),
                keys(&|column| format!("{column} = ?{}", slot(column))),
                version.unwrap_or_default() + 1,
            ),
            postgres_insert: format!("INSERT INTO {name} ({names}) SELECT * FROM unnest({arrays})"),
            postgres_update: format!(
                "UPDATE {name} t SET {} FROM unnest({arrays}) WITH ORDINALITY AS u ({names}, nth) \
                 WHERE {} AND t.version = u.version - 1 RETURNING u.nth",
                sets(&|column| format!("u.{}", column.name)),
                keys(&|column| format!("t.{column} = u.{column}")),
            ),
            identities: std::iter::once(key.as_slice())
                .chain(unique.iter().copied())
                .map(|columns| columns.iter().map(|column| position(column)).collect())
                .collect(),
            by_key: format!(
                "SELECT {names} FROM {name} WHERE {}",
                keys(&|column| format!("{column} = ${}", slot(column))),
            ),
            list: names,
            name,
            key,
            columns,
            version,
        }
    }

    /// The columns of a `SELECT`, in the order of every row.
    pub(crate) fn columns(&self) -> &str {
        &self.list
    }

    /// The same, of a table that a join calls `alias`.
    pub(crate) fn columns_of(&self, alias: &str) -> String {
        let names: Vec<String> = self
            .columns
            .iter()
            .map(|column| format!("{alias}.{}", column.name))
            .collect();
        names.join(", ")
    }

    /// Finds one row; `$n` is the n-th column of its key.
    pub(crate) fn by_key(&'static self) -> &'static str {
        &self.by_key
    }

    /// Inserts one row; `?n` is the n-th column.
    pub(crate) fn sqlite_insert(&self) -> &str {
        &self.sqlite_insert
    }

    /// Updates one row at the version before the one it is given; `?n` is the n-th column.
    pub(crate) fn sqlite_update(&self) -> &str {
        &self.sqlite_update
    }

    /// Inserts many rows; `$n` is an array with the n-th column of each.
    pub(crate) fn postgres_insert(&'static self) -> &'static str {
        &self.postgres_insert
    }

    /// Updates many rows, each at the version before the one it is given, and answers which ones
    /// (from 1) it found.
    pub(crate) fn postgres_update(&'static self) -> &'static str {
        &self.postgres_update
    }

    /// The key of a row of this table, and whatever else must be unique in it.
    pub(crate) fn identities(&'static self, row: &[Value]) -> impl Iterator<Item = Identity> {
        self.identities
            .iter()
            .enumerate()
            .filter_map(|(nth, positions)| {
                let value =
                    |at: &usize| row.get(*at).filter(|value| **value != Value::Null).cloned();
                Some(Identity {
                    table: self.name,
                    nth,
                    values: positions.iter().map(value).collect::<Option<_>>()?,
                })
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
