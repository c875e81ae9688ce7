//! Records, each declared once: `record!` beside the entity says table, columns, keys and codec,
//! and any store can keep it.
//!
//! Columns are data, not SQL. A value and its column stand on one line, so that no two can be
//! exchanged; a store that knows [`Table`]s knows every record, and the contract of stores tries
//! each that is registered.

mod declare;
mod field;
mod reads;
mod table;
mod value;

pub(crate) use declare::{fields, record};
pub use field::{Field, Fields, Sample};
pub(crate) use field::{field_by_name, field_by_text, from_json, to_json};
#[cfg(test)]
pub(crate) use reads::MockRecordReads;
pub use reads::{RecordReads, get, newest};
pub use table::{Column, Reader, Row, Table, Writer};
pub(crate) use table::{concat, count};
pub use value::{Type, Value};

use super::{entropy::Entropy, id::OrgId, store::StoreError};

/// Something that is stored as one row of one table.
pub trait Record: Sized + Send + Sync + 'static {
    /// Its table.
    fn table() -> &'static Table;

    /// Its row.
    fn to_row(&self) -> Row;

    /// The reverse of [`Record::to_row`].
    ///
    /// # Errors
    /// `Corrupt` names the column that does not fit.
    fn from_row(row: Row) -> Result<Self, StoreError>;

    /// Any record of an organization, for the contract of stores.
    fn sample(org: OrgId, entropy: &dyn Entropy) -> Row;
}

/// A record of organization and id that can change.
pub trait Versioned: Record {
    /// Its key beside the organization.
    fn id(&self) -> Value;

    /// The version that it was read at; zero for one that is not stored yet.
    fn version(&self) -> i64;
}

/// A kind of record, for whoever handles all of them alike.
#[derive(Clone, Copy)]
pub struct RecordType {
    /// Its table.
    pub table: fn() -> &'static Table,
    /// Any record of an organization.
    pub sample: fn(OrgId, &dyn Entropy) -> Row,
    /// Reads a row into the record, and writes it again.
    pub reread: fn(Row) -> Result<Row, StoreError>,
}

impl RecordType {
    /// The kind of `T`.
    pub const fn of<T: Record>() -> Self {
        Self {
            table: T::table,
            sample: T::sample,
            reread: |row| Ok(T::from_row(row)?.to_row()),
        }
    }
}
