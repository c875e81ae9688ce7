//! A store with crashes, lost answers and a witness.

use std::sync::Arc;

use async_trait::async_trait;
use hum_core::{
    OrgReads, Storage, SystemReads,
    batch::{Batch, Committed},
    clock::Timestamp,
    event::EventReads,
    id::OrgId,
    job::{Claim, Claimed, JobQueue, Line, Look, NextDue, Want},
    record::RecordReads,
    store::{CommitError, Store, StoreError},
};

use crate::{
    monitor::Monitor,
    process::{Fate, ProcessId},
};

/// The store as one process sees it.
pub struct SimStore {
    /// The database that all processes share, or what stands before it.
    pub inner: Arc<dyn Storage>,
    /// Which process.
    pub process: ProcessId,
    /// What goes wrong.
    pub fate: Fate,
    /// Who sees every commit.
    pub monitor: Monitor,
}

fn fails() -> StoreError {
    StoreError::Unavailable("simulated".into())
}

#[async_trait]
impl Store for SimStore {
    async fn commit(&self, batch: Batch) -> Result<Committed, CommitError> {
        self.fate.point(self.process).await;
        let rate = self.fate.options().store_fails;
        if self.fate.strikes(rate) {
            return Err(fails().into());
        }
        let committed = self.inner.commit(batch.clone()).await;
        if let Ok(committed) = &committed {
            self.monitor.committed(self.process, &batch, committed);
        }
        self.fate.point(self.process).await;
        if committed.is_ok() && self.fate.strikes(rate) {
            // Committed, but the answer is lost.
            return Err(fails().into());
        }
        committed
    }

    fn records(&self, org: OrgId) -> Arc<dyn RecordReads> {
        self.inner.records(org)
    }
}

impl Storage for SimStore {
    fn org(&self, org: OrgId) -> Arc<dyn OrgReads> {
        self.inner.org(org)
    }

    fn feed(&self, org: OrgId) -> Arc<dyn EventReads> {
        self.inner.feed(org)
    }

    fn system(&self) -> Arc<dyn SystemReads> {
        self.inner.system()
    }
}

#[async_trait]
impl JobQueue for SimStore {
    async fn next_due(&self) -> Result<NextDue, StoreError> {
        self.inner.next_due().await
    }

    async fn promote(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.inner.promote(now).await
    }

    async fn lines(&self, looks: &[Look], limit: u32) -> Result<Vec<Line>, StoreError> {
        self.inner.lines(looks, limit).await
    }

    async fn claim(
        &self,
        wants: &[Want],
        lease_until: Timestamp,
    ) -> Result<Vec<Claimed>, StoreError> {
        self.fate.point(self.process).await;
        let claimed = self.inner.claim(wants, lease_until).await?;
        let options = self.fate.options();
        let at_once = (options.store_fails == 0).then_some(options.jobs_at_once);
        let worker = (self.process, at_once);
        self.monitor.claimed(worker, &claimed, lease_until);
        if !claimed.is_empty() {
            self.fate.point(self.process).await;
        }
        Ok(claimed)
    }

    async fn renew(
        &self,
        claims: &[Claim],
        lease_until: Timestamp,
    ) -> Result<Vec<Claim>, StoreError> {
        if self.fate.strikes(self.fate.options().store_fails) {
            return Err(fails());
        }
        let renewed = self.inner.renew(claims, lease_until).await?;
        for claim in &renewed {
            self.monitor.renewed(*claim, lease_until);
        }
        Ok(renewed)
    }

    async fn release(&self, claim: Claim, now: Timestamp) -> Result<(), StoreError> {
        self.inner.release(claim, now).await?;
        self.monitor.released(claim);
        Ok(())
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        let swept = self.inner.sweep(now).await?;
        self.monitor.swept(now, swept);
        Ok(swept)
    }
}
