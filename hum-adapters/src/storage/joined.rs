//! Several records that one statement finds together.

use hum_core::{
    record::{Reader, Record, Row, Table, Value},
    store::StoreError,
};

/// How a statement joins a table that may have no row: the table, its name here, and which row.
pub(crate) type Join = fn(&str, &str, &str) -> String;

/// The statement for SQLite, and for Postgres.
pub(crate) struct JoinSql {
    pub(crate) sqlite: String,
    pub(crate) postgres: String,
}

impl JoinSql {
    pub(crate) fn new(statement: impl Fn(Join) -> String) -> Self {
        Self {
            sqlite: statement(plain),
            postgres: statement(lateral),
        }
    }
}

pub(crate) fn plain(table: &str, alias: &str, on: &str) -> String {
    format!("LEFT JOIN {table} {alias} ON {on}")
}

/// By all of the key: of a table that is still empty, Postgres would plan to read whatever the
/// organization has in it, and keep that plan.
pub(crate) fn lateral(table: &str, alias: &str, on: &str) -> String {
    format!("LEFT JOIN LATERAL (SELECT * FROM {table} {alias} WHERE {on} LIMIT 1) {alias} ON true")
}

/// A row that holds the columns of several records, one after the other.
pub(crate) struct Joined(std::vec::IntoIter<Value>);

impl Joined {
    pub(crate) fn new(row: Vec<Value>) -> Self {
        Self(row.into_iter())
    }

    /// The next record; `None` when the join found nothing.
    pub(crate) fn record<T: Record>(&mut self) -> Result<Option<T>, StoreError> {
        let values: Vec<Value> = self.0.by_ref().take(T::table().columns.len()).collect();
        match values.first() {
            None | Some(Value::Null) => Ok(None),
            Some(_) => T::from_row(Row {
                table: T::table(),
                values,
            })
            .map(Some),
        }
    }

    /// What comes behind the records.
    pub(crate) fn rest(self, table: &'static Table) -> Reader {
        Reader::new(Row {
            table,
            values: self.0.collect(),
        })
    }
}
