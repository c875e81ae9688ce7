//! Jobs: what is done after a commit. `docs/jobs.md` has the states and the diagram.

mod worker;

use std::{fmt, time::Duration};

use async_trait::async_trait;

use crate::kernel::{
    clock::Timestamp,
    decide::Moment,
    error::Error,
    id::{JobId, OrgId},
    store::StoreError,
};

pub use worker::{CONCURRENCY, Shutdown, Workers};

/// What a job does, such as `sms.send`. The payload is its key: an id, never a copy of data.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobKind(&'static str);

impl JobKind {
    /// A kind; its name is stored, so it is for ever.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name that is stored and shown.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Debug for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Which jobs share the room of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// hum's own work: it takes what room there is.
    Own,
    /// Work that waits for servers of customers and of sources of facts, which may be slow: at most
    /// half of the room, so that it never keeps a text waiting.
    Others,
}

/// One kind of job: what it is, and how it runs. It stands in the list of jobs of its capability.
///
/// A run loads anew and is safe to have twice. It ends with a commit that ends the job
/// (`Kernel::claimed`).
#[async_trait]
pub trait Job: Send + Sync {
    /// Which.
    fn kind(&self) -> JobKind;

    /// With whom it shares room.
    fn lane(&self) -> Lane {
        Lane::Own
    }

    /// A job that still fails after so many runs, for a reason that does not pass, is given up.
    fn tries(&self) -> i64 {
        25
    }

    /// How long a run that failed without an outcome of its own waits; `attempt` counts from 1.
    fn retry(&self, attempt: i64) -> Duration {
        Duration::from_secs(1 << attempt.clamp(0, 9))
    }

    /// A run that takes longer is broken off, as if its process had died.
    fn timeout(&self) -> Duration {
        Duration::from_secs(15 * 60)
    }

    /// Runs it.
    ///
    /// # Errors
    /// The run had no outcome: the store failed, or the state moved too often. It is run again.
    async fn run(&self, job: &Claimed) -> Result<(), Error>;
}

/// A job to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Which.
    pub id: JobId,
    /// Whose.
    pub org: OrgId,
    /// What.
    pub kind: JobKind,
    /// On what. At most one job of a kind and key is queued, and at most one runs, at any time.
    pub key: String,
    /// When, at the earliest.
    pub run_at: Timestamp,
    /// What happens when such a job is queued already.
    pub merge: Merge,
}

/// What happens when a job of the same kind and key is queued already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// The queued one moves to the new time: debouncing.
    Move,
    /// The queued one keeps the earlier of the two times.
    Sooner,
}

impl NewJob {
    /// A job that runs at `run_at`, or with its queued twin at the earlier of the two times.
    pub fn new(
        kind: JobKind,
        org: OrgId,
        key: impl ToString,
        run_at: Timestamp,
        moment: Moment<'_>,
    ) -> Self {
        let id = JobId::new(moment.now, moment.entropy);
        Self {
            id,
            org,
            kind,
            key: key.to_string(),
            run_at,
            merge: Merge::Sooner,
        }
    }

    /// A queued twin moves to this one's time, even if that is later.
    pub fn moving_its_twin(self) -> Self {
        Self {
            merge: Merge::Move,
            ..self
        }
    }
}

/// A job that this worker may run until `lease_until`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Which.
    pub id: JobId,
    /// Whose.
    pub org: OrgId,
    /// What.
    pub kind: JobKind,
    /// On what.
    pub key: String,
    /// Rises with every claim; whatever the job commits bears it.
    pub fence: i64,
    /// How many runs began, this one included.
    pub attempt: i64,
}

/// How long a claim holds without a heartbeat.
pub const LEASE: Duration = Duration::from_secs(30);
/// How often a claim is renewed.
pub const HEARTBEAT: Duration = Duration::from_secs(10);
/// How often expired claims are given back.
pub const SWEEP: Duration = Duration::from_secs(5);

/// The queue. Jobs enter and leave it as part of a [`crate::kernel::batch::Batch`]; this port is
/// what a worker needs besides.
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Claims up to `limit` due jobs of the given kinds, oldest due first, each until
    /// `lease_until`.
    ///
    /// A job whose kind and key is running already is not claimed. Two claims never return the same
    /// job. Jobs of other kinds stay queued for the builds that know them.
    async fn claim(
        &self,
        kinds: &[JobKind],
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Claimed>, StoreError>;

    /// Extends a claim; `false` when it is no longer held and the run must stop.
    async fn heartbeat(
        &self,
        org: OrgId,
        job: JobId,
        fence: i64,
        lease_until: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Gives a claim back without having run, on shutdown; does nothing when it is no longer held.
    async fn release(
        &self,
        org: OrgId,
        job: JobId,
        fence: i64,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Queues again whatever is claimed and past its lease; answers how many. Where a job of the
    /// same kind and key is queued meanwhile, that one is due now and the expired one is deleted.
    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// When there is something to do next: the earliest time that a queued job of these kinds is
    /// due, or that a claim of any kind runs out and is to be swept.
    async fn next_due(&self, kinds: &[JobKind]) -> Result<Option<Timestamp>, StoreError>;
}
