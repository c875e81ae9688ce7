//! What knows no capability: ids, time, chance, what is remembered and how it is decided.
//!
//! Every capability stands on this; nothing in here names one. Outside of this crate the modules
//! have no `kernel` in their paths: `hum_core::clock`, `hum_core::batch`.

pub mod actor;
pub mod audit;
pub mod batch;
pub mod cipher;
pub mod clock;
pub mod counter;
pub mod decide;
pub mod e164;
pub mod egress;
pub mod entropy;
pub mod error;
pub mod event;
pub mod feed;
pub mod id;
pub mod idempotency;
pub mod job;
pub mod live_bus;
pub(crate) mod named;
pub mod page;
pub mod record;
pub mod selector;
pub mod store;

use std::sync::Arc;

use batch::{Batch, Committed};
use cipher::{Cipher, Secret};
use clock::{Clock, Timestamp};
use entropy::Entropy;
use error::Error;
use id::OrgId;
use job::NewJob;
use live_bus::LiveBus;
use record::RecordType;
use store::{CommitError, Store, StoreError, Upkeep};

/// What is stored of the kernel itself.
pub(crate) const RECORDS: &[RecordType] = &[
    RecordType::of::<audit::AuditRow>(),
    RecordType::of::<counter::Counter>(),
    RecordType::of::<event::Event>(),
    RecordType::of::<idempotency::StoredReply>(),
];

/// The job that hears of new events; made from the first event of a batch, so that no chance of its
/// own is drawn.
pub type Follower = fn(&event::Event) -> NewJob;

/// What every service of hum stands on. Cheap to clone; every clone is the same.
#[derive(Clone)]
pub struct Kernel(Arc<Parts>);

/// What a kernel is made of.
pub(crate) struct Parts {
    pub store: Arc<dyn Store>,
    pub upkeep: Arc<dyn Upkeep>,
    pub cipher: Arc<dyn Cipher>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub live_bus: Arc<dyn LiveBus>,
    /// Each batch with events queues these.
    pub followers: Vec<Follower>,
}

impl Kernel {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Memory.
    pub fn store(&self) -> &dyn Store {
        &*self.0.store
    }

    /// What keeps the store well.
    pub fn upkeep(&self) -> &dyn Upkeep {
        &*self.0.upkeep
    }

    /// Encryption at rest.
    pub fn cipher(&self) -> &dyn Cipher {
        &*self.0.cipher
    }

    /// Time.
    pub fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    /// Chance.
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.0.entropy
    }

    /// Wake-ups.
    pub fn live_bus(&self) -> &dyn LiveBus {
        &*self.0.live_bus
    }

    /// The wall clock.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Commits, with the jobs that hear of its events, then wakes the workers if a job is due, or
    /// will be before they look by themselves, and whoever follows the feed if it grew.
    ///
    /// # Errors
    /// See [`Store::commit`].
    pub async fn commit(&self, mut batch: Batch) -> Result<Committed, CommitError> {
        if let Some(event) = batch.first_event() {
            let jobs: Vec<NewJob> = self
                .0
                .followers
                .iter()
                .map(|follower| follower(event))
                .collect();
            jobs.into_iter().for_each(|job| batch.enqueue(job));
        }
        let org = batch.org;
        let soon = self.now() + SOON;
        let due = batch.next_job_at().is_some_and(|at| at <= soon);
        let committed = self.0.store.commit(batch).await?;
        if due {
            self.0.live_bus.jobs_due();
        }
        if let Some(seq) = committed.last_event_seq {
            self.0.live_bus.publish(org, seq);
        }
        Ok(committed)
    }

    /// Opens a sealed text; `table` and `column` say where it lives.
    ///
    /// # Errors
    /// `Corrupt`: it was altered or moved, or its key is missing.
    pub fn open(
        &self,
        context: &str,
        sealed: &[u8],
        table: &'static str,
        column: &'static str,
    ) -> Result<Secret<String>, Error> {
        let corrupt = |detail: String| {
            Error::Store(StoreError::Corrupt {
                table,
                column,
                detail,
            })
        };
        let plain = self
            .0
            .cipher
            .open(context, sealed)
            .map_err(|error| corrupt(error.to_string()))?;
        String::from_utf8(plain)
            .map(Secret::new)
            .map_err(|_| corrupt("not UTF-8".into()))
    }
}

/// Workers look by themselves as often as that, so they must be told of what is due earlier.
const SOON: std::time::Duration = std::time::Duration::from_secs(1);

/// The reads that a service uses: opened for one organization, which no statement of them can
/// leave.
pub struct Reads<R: ?Sized>(Arc<dyn Fn(OrgId) -> Arc<R> + Send + Sync>);

impl<R: ?Sized> Clone for Reads<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<R: ?Sized> Reads<R> {
    pub(crate) fn new(open: impl Fn(OrgId) -> Arc<R> + Send + Sync + 'static) -> Self {
        Self(Arc::new(open))
    }

    /// Those of an organization.
    pub fn of(&self, org: OrgId) -> Arc<R> {
        (self.0)(org)
    }
}
