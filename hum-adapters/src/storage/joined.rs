//! Several records that one statement finds together.

use hum_core::{
    record::{Reader, Record, Row, Table, Value},
    store::StoreError,
};

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
