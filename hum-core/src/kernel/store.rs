//! The port to durable memory: commit a batch, and what the kernel itself reads.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    batch::{Batch, Committed},
    clock::Timestamp,
    id::OrgId,
    record::RecordReads,
};

/// Durable, shared memory.
///
/// **Commit** applies a whole batch or nothing and answers only when it would survive a power cut.
/// **Reads** see every commit that was answered before the read began. What is not found is `None`,
/// never an error. They are opened for one organization and cannot see another one's rows.
#[async_trait]
pub trait Store: Send + Sync {
    /// Applies `batch` atomically.
    ///
    /// # Errors
    /// `Conflict`: nothing was written; load and decide again. `Store`: unknown whether it was
    /// written, unless it is `Overloaded`, which is said before anything is.
    async fn commit(&self, batch: Batch) -> Result<Committed, CommitError>;

    /// Any record of one organization, by its key.
    fn records(&self, org: OrgId) -> Arc<dyn RecordReads>;
}

/// What keeps a store well, over all organizations.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// `Ok` when the store answers and its schema is the one this build expects.
    async fn ready(&self) -> Result<(), StoreError>;
    /// Deletes stored replies that expired before `now`; answers how many. Safe to repeat.
    async fn purge_expired(&self, now: Timestamp) -> Result<u64, StoreError>;
}

/// Reading failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// No connection, a time-out, a full disk. Worth retrying; a write may have happened.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// Too much is waiting, or a read took longer than it may. Worth retrying; nothing was written.
    #[error("overloaded: {0}")]
    Overloaded(String),
    /// A stored row does not make sense. Not worth retrying.
    #[error("inconsistent data in {table}.{column}: {detail}")]
    Corrupt {
        /// Which table.
        table: &'static str,
        /// Which column.
        column: &'static str,
        /// What is wrong, without the value itself.
        detail: String,
    },
    /// A batch has more writes than [`Batch::MOST`]; nothing was written. Not worth retrying:
    /// whoever has so much to write does it in several.
    #[error("a batch of {0} writes; there may be {most}", most = Batch::MOST)]
    TooLarge(usize),
    /// The cursor was not made by this list.
    #[error("not a cursor of this list")]
    BadCursor,
}

/// Why a batch was not applied.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// The state moved since it was read. Nothing was written.
    #[error("{0}")]
    Conflict(Conflict),
    /// The store failed; the batch may or may not have been applied.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// A record has another version than the one it was read at.
    #[error("a record changed")]
    Changed,
    /// A new record's key, or a unique column, is taken.
    #[error("a record exists already")]
    Exists,
    /// The job is claimed by somebody else, or gone.
    #[error("the claim is stale")]
    StaleFence,
}
