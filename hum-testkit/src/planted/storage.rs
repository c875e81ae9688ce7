//! A store of which one thing goes wrong. Where it stands says what that means: before the witness
//! hum has decided wrongly, beneath it the store does something else than it was told.

use std::sync::Arc;

use async_trait::async_trait;
use hum_core::{
    OrgReads, Storage, SystemReads,
    batch::{Batch, Committed, Write},
    clock::Timestamp,
    event::EventReads,
    id::OrgId,
    job::{Claim, Claimed, JobQueue, Line, Look, NextDue, Want},
    record::{RecordReads, Row, Value},
    store::{CommitError, Store, StoreError},
};

use super::{Site, Wrong};
use crate::invariant::Mirrored;

/// What a store does wrong. Whatever is left out is done right.
#[async_trait]
pub(super) trait StorageFault: Send + Sync + 'static {
    /// See [`Store::commit`].
    async fn commit(&self, right: &dyn Storage, batch: Batch) -> Result<Committed, CommitError> {
        right.commit(batch).await
    }

    /// Whose rows are read by who asks for those of `org`.
    fn scope(&self, org: OrgId) -> OrgId {
        org
    }

    /// See [`Storage::feed`].
    fn feed(&self, right: &dyn Storage, org: OrgId) -> Arc<dyn EventReads> {
        right.feed(self.scope(org))
    }

    /// Has its say before lines are looked for.
    async fn before_look(&self, right: &dyn Storage, looks: &[Look]) -> Result<(), StoreError> {
        let _ = (right, looks);
        Ok(())
    }

    /// See [`JobQueue::claim`].
    async fn claim(
        &self,
        right: &dyn Storage,
        wants: &[Want],
        lease_until: Timestamp,
    ) -> Result<Vec<Claimed>, StoreError> {
        right.claim(wants, lease_until).await
    }

    /// See [`JobQueue::sweep`].
    async fn sweep(&self, right: &dyn Storage, now: Timestamp) -> Result<u64, StoreError> {
        right.sweep(now).await
    }
}

#[async_trait]
impl<F: StorageFault> Store for Wrong<dyn Storage, F> {
    async fn commit(&self, batch: Batch) -> Result<Committed, CommitError> {
        self.fault.commit(&*self.right, batch).await
    }

    fn records(&self, org: OrgId) -> Arc<dyn RecordReads> {
        self.right.records(self.fault.scope(org))
    }
}

#[async_trait]
impl<F: StorageFault> JobQueue for Wrong<dyn Storage, F> {
    async fn next_due(&self) -> Result<NextDue, StoreError> {
        self.right.next_due().await
    }

    async fn promote(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.right.promote(now).await
    }

    async fn lines(&self, looks: &[Look], limit: u32) -> Result<Vec<Line>, StoreError> {
        self.fault.before_look(&*self.right, looks).await?;
        self.right.lines(looks, limit).await
    }

    async fn claim(
        &self,
        wants: &[Want],
        lease_until: Timestamp,
    ) -> Result<Vec<Claimed>, StoreError> {
        self.fault.claim(&*self.right, wants, lease_until).await
    }

    async fn renew(
        &self,
        claims: &[Claim],
        lease_until: Timestamp,
    ) -> Result<Vec<Claim>, StoreError> {
        self.right.renew(claims, lease_until).await
    }

    async fn release(&self, claim: Claim, now: Timestamp) -> Result<(), StoreError> {
        self.right.release(claim, now).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.fault.sweep(&*self.right, now).await
    }
}

impl<F: StorageFault> Storage for Wrong<dyn Storage, F> {
    fn org(&self, org: OrgId) -> Arc<dyn OrgReads> {
        self.right.org(self.fault.scope(org))
    }

    fn feed(&self, org: OrgId) -> Arc<dyn EventReads> {
        self.fault.feed(&*self.right, org)
    }

    fn system(&self) -> Arc<dyn SystemReads> {
        self.right.system()
    }
}

/// Changes what a batch says.
pub(super) type Rewrite = fn(&mut Batch, &Site);

/// Commits something else than it was given.
pub(super) struct Rewriting {
    pub rewrite: Rewrite,
    pub site: Site,
}

#[async_trait]
impl StorageFault for Rewriting {
    async fn commit(
        &self,
        right: &dyn Storage,
        mut batch: Batch,
    ) -> Result<Committed, CommitError> {
        (self.rewrite)(&mut batch, &self.site);
        right.commit(batch).await
    }
}

/// What a store would answer to a batch that it did not write.
pub(super) fn promised(batch: &Batch) -> Committed {
    let version = |row: &Row, new: fn(i64) -> i64| {
        row.table.version().map_or(0, |_| new(int(row, "version")))
    };
    let versions = batch.writes.iter().map(|write| match write {
        Write::Insert(row) => version(row, |_| 1),
        Write::Put(row) => version(row, |read| read + 1),
        Write::Delete(_)
        | Write::Guard(_)
        | Write::Emit(_)
        | Write::Enqueue(_)
        | Write::Finish(_)
        | Write::Count(_)
        | Write::Redact(_)
        | Write::DeleteWhere(_) => 0,
    });
    Committed {
        last_event_seq: None,
        versions: versions.collect(),
        touched: Vec::new(),
    }
}

/// The new rows of a table.
pub(super) fn inserts<'a>(
    batch: &'a mut Batch,
    table: &'static str,
) -> impl Iterator<Item = &'a mut Row> {
    written(batch, table, |write| match write {
        Write::Insert(row) => Some(row),
        _ => None,
    })
}

/// The changed rows of a table.
pub(super) fn puts<'a>(
    batch: &'a mut Batch,
    table: &'static str,
) -> impl Iterator<Item = &'a mut Row> {
    written(batch, table, |write| match write {
        Write::Put(row) => Some(row),
        _ => None,
    })
}

/// The new and the changed rows of a table.
pub(super) fn rows<'a>(
    batch: &'a mut Batch,
    table: &'static str,
) -> impl Iterator<Item = &'a mut Row> {
    written(batch, table, |write| match write {
        Write::Insert(row) | Write::Put(row) => Some(row),
        _ => None,
    })
}

fn written<'a>(
    batch: &'a mut Batch,
    table: &'static str,
    pick: fn(&mut Write) -> Option<&mut Row>,
) -> impl Iterator<Item = &'a mut Row> {
    let rows = batch.writes.iter_mut().filter_map(pick);
    rows.filter(move |row| row.table.name == table)
}

/// The record of a row as it was before its batch, which is what the witness knows.
pub(super) fn before<T: Mirrored>(row: &Row, site: &Site) -> Option<T> {
    let key = row.record::<T>()?.ok()?.key();
    site.monitor.mirror(|mirror| mirror.get::<T>(&key).cloned())
}

/// Whether a column has a text.
pub(super) fn says(row: &Row, column: &str, text: &str) -> bool {
    matches!(row.get(column), Value::Text(value) if value == text)
}

/// A column's number; zero when there is none.
pub(super) fn int(row: &Row, column: &str) -> i64 {
    match row.get(column) {
        Value::Int(int) => *int,
        _ => 0,
    }
}
