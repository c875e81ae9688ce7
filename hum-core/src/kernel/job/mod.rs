//! Jobs: what is done after a commit. `docs/jobs.md` has the states and the diagram.

mod room;
mod worker;

use std::{fmt, time::Duration};

use async_trait::async_trait;

use room::Room;

use crate::kernel::{
    clock::Timestamp,
    decide::Moment,
    error::Error,
    id::{JobId, OrgId},
    store::StoreError,
};

pub use room::QUEUE_AT_MOST;
pub use worker::{JOBS_AT_ONCE, Shutdown, Workers};

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

/// Which jobs share room. Each lane has its own, so that none of them keeps another one waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Somebody waits for it: answers to people.
    Reply,
    /// hum's own work.
    Own,
    /// Work that waits for servers of customers and of sources of facts, which may be slow.
    Others,
}

impl Lane {
    /// All of them, first what people wait for.
    pub const ALL: [Self; 3] = [Self::Reply, Self::Own, Self::Others];
}

/// A line in which due jobs stand: those of one kind and organization, and within it of one queue.
///
/// Workers take from lines in turn, so a long one keeps no other one waiting.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// What.
    pub kind: JobKind,
    /// Whose.
    pub org: OrgId,
    /// Of whose work that may be slow by itself, such as one endpoint; otherwise empty.
    pub queue: String,
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
    /// See [`Line::queue`].
    pub queue: String,
    /// When, at the earliest.
    pub run_at: Timestamp,
    /// It is due when it is queued: it stands in its line at once. A job whose time is yet to come
    /// is put there by [`JobQueue::promote`].
    pub ready: bool,
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
            queue: String::new(),
            run_at,
            ready: run_at <= moment.now,
            merge: Merge::Sooner,
        }
    }

    /// It stands in a line of its own: of `queue` in its organization.
    pub fn in_queue(self, queue: impl ToString) -> Self {
        Self {
            queue: queue.to_string(),
            ..self
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
    /// See [`Line::queue`].
    pub queue: String,
    /// Rises with every claim; whatever the job commits bears it.
    pub fence: i64,
    /// How many runs began, this one included.
    pub attempt: i64,
}

impl Claimed {
    /// Where it stood.
    pub fn line(&self) -> Line {
        Line {
            kind: self.kind,
            org: self.org,
            queue: self.queue.clone(),
        }
    }

    /// Its claim.
    pub fn claim(&self) -> Claim {
        Claim {
            org: self.org,
            job: self.id,
            fence: self.fence,
        }
    }
}

/// The right to run a job, as long as nobody else claimed it since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// Whose.
    pub org: OrgId,
    /// Which job.
    pub job: JobId,
    /// Which of its claims.
    pub fence: i64,
}

/// A queue that stands behind all others of its organization: their names are ids. No job is in it;
/// [`Look::after`] it leaves the rest of an organization out.
pub const BEHIND_ALL: &str = "~";

/// Where to look for lines of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Of which kind.
    pub kind: JobKind,
    /// The line that was served last: those behind it come first, and it comes last. Its queue may
    /// be [`BEHIND_ALL`].
    pub after: Option<Line>,
}

/// How many jobs are wanted of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// Of which line.
    pub line: Line,
    /// At most so many.
    pub limit: u32,
}

/// What time alone brings next to the queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NextDue {
    /// When the next job is to be promoted.
    pub promote: Option<Timestamp>,
    /// When the next claim runs out and is to be swept.
    pub sweep: Option<Timestamp>,
}

impl NextDue {
    /// The earlier of the two.
    pub fn earliest(self) -> Option<Timestamp> {
        self.promote.into_iter().chain(self.sweep).min()
    }
}

/// How long a claim holds when it is not renewed.
pub const LEASE: Duration = Duration::from_secs(30);
/// How often claims are renewed.
pub const HEARTBEAT: Duration = Duration::from_secs(10);

/// The queue. Jobs enter and leave it as part of a [`crate::kernel::batch::Batch`]; this port is
/// what a worker needs besides. What each call costs does not grow with how many jobs wait.
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// What time alone brings next.
    async fn next_due(&self) -> Result<NextDue, StoreError>;

    /// Puts jobs whose time has come into their lines, at most [`PROMOTE`] of them; answers how
    /// many.
    async fn promote(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// Lines with a job that can be claimed, at most `limit` of each kind, each line once.
    ///
    /// A job whose kind and key is running already cannot be claimed.
    async fn lines(&self, looks: &[Look], limit: u32) -> Result<Vec<Line>, StoreError>;

    /// Claims jobs of these lines, of each the oldest due first, until `lease_until`.
    ///
    /// A job whose kind and key is running already is not claimed. Two claims never return the same
    /// job. Jobs of kinds that nobody asks for stay queued for the builds that know them.
    async fn claim(
        &self,
        wants: &[Want],
        lease_until: Timestamp,
    ) -> Result<Vec<Claimed>, StoreError>;

    /// Extends claims; answers those that are still held. The run of another one must stop.
    async fn renew(
        &self,
        claims: &[Claim],
        lease_until: Timestamp,
    ) -> Result<Vec<Claim>, StoreError>;

    /// Gives a claim back without having run, on shutdown; does nothing when it is no longer held.
    async fn release(&self, claim: Claim, now: Timestamp) -> Result<(), StoreError>;

    /// Queues again whatever is claimed and past its lease, due now; answers how many. Where a job
    /// of the same kind and key is queued meanwhile, that one is due now and the expired one is
    /// deleted.
    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError>;
}

/// How many jobs are put into their lines at once.
pub const PROMOTE: u32 = 1000;
