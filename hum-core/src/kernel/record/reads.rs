//! Reading any record by its key, and listing any kind.

use async_trait::async_trait;

use super::{Field, Record, Row, Table, Value};
use crate::kernel::{
    page::{Page, Paged},
    store::StoreError,
};

/// Reads of one organization that need no more than a table. What a capability asks beyond them is
/// a trait in its folder.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait RecordReads: Send + Sync {
    /// The row with this key; `key` has no organization.
    async fn row(&self, table: &'static Table, key: &[Value]) -> Result<Option<Row>, StoreError>;

    /// Every row of a table whose key is organization and id, the highest id first.
    async fn rows(&self, table: &'static Table, page: &Page) -> Result<Paged<Row>, StoreError>;
}

/// The record with this key, which is what its key has beside the organization.
///
/// # Errors
/// `Store`.
pub async fn get<T: Record>(
    reads: &(impl RecordReads + ?Sized),
    key: &impl Field,
) -> Result<Option<T>, StoreError> {
    reads
        .row(T::table(), &[key.write()])
        .await?
        .map(T::from_row)
        .transpose()
}

/// A page of all records of a kind, the newest first: ids sort by time.
///
/// # Errors
/// `Store`; `BadCursor`.
pub async fn newest<T: Record>(
    reads: &(impl RecordReads + ?Sized),
    page: &Page,
) -> Result<Paged<T>, StoreError> {
    let Paged { items, next } = reads.rows(T::table(), page).await?;
    let items = items
        .into_iter()
        .map(T::from_row)
        .collect::<Result<_, _>>()?;
    Ok(Paged { items, next })
}
