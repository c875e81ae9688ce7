//! What a decision wants to be true: everything in a batch happens, or nothing does.

use std::time::Duration;

use super::{
    clock::Timestamp,
    event::Event,
    id::{JobId, OrgId},
    job::NewJob,
    record::{Record, Row, Table, Value, Versioned},
    selector::{Redaction, Selector, Touched},
};

/// A set of writes of one organization that is applied whole or not at all.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Whose data this is; every write in the batch belongs to this organization.
    pub org: OrgId,
    /// In no particular order: no write of a batch depends on another one of the same batch.
    pub writes: Vec<Write>,
}

/// One write. Closed on purpose: a store matches it without a wildcard.
#[derive(Debug, Clone)]
pub enum Write {
    /// A new record, stored with version 1. `Conflict::Exists` when its key or a unique column is
    /// taken.
    Insert(Row),
    /// A changed record. Its `version` is the one it was read at; it is stored with that version
    /// plus one. `Conflict::Changed` when the stored version is another one.
    Put(Row),
    /// A record that is gone from now on. `Conflict::Changed` when it is not stored at this
    /// version.
    Delete(At),
    /// The decision rests on this record still being at this version; nothing is written.
    /// `Conflict::Changed` otherwise. Holds until the commit is durable, against every other
    /// writer.
    Guard(Guard),
    /// An event. The store gives it the next gap-free number of the organization.
    Emit(Event),
    /// A job. With a queued job of the same kind and key, `Enqueue` says what becomes of the two.
    Enqueue(NewJob),
    /// The end of a claimed job's run. `Conflict::StaleFence` when the claim is no longer this one.
    Finish(Finish),
    /// More of what is counted. Adds to the organization's counter of the metric, whatever it
    /// stands at: never refused, and nobody's version changes.
    Count(Count),
    /// Nothing is in these columns of these records from now on. Their versions go up by one, so
    /// that whoever read one before finds it changed.
    ///
    /// It touches what was there before the batch; the batch itself must change no such record.
    Redact(Redaction),
    /// These records are gone from now on, whatever their versions. See `Redact`.
    DeleteWhere(Selector),
}

/// So much more of a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// Of what; see [`Counter`](super::counter::Counter).
    pub metric: String,
    /// How much more.
    pub delta: i64,
}

/// A record, at the version that it was read at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    /// Of which table.
    pub table: &'static Table,
    /// Its key beside the organization.
    pub id: Value,
    /// The version.
    pub version: i64,
}

impl At {
    fn of<T: Versioned>(record: &T) -> Self {
        Self {
            table: T::table(),
            id: record.id(),
            version: record.version(),
        }
    }
}

/// A record that a decision read and did not change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// The record is still at this version.
    Record(At),
    /// The job is still claimed with this fence; `Conflict::StaleFence` otherwise.
    Claim(JobId, i64),
}

/// The end of one run of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish {
    /// Which job.
    pub job: JobId,
    /// The fence of the claim; an older one changes nothing.
    pub fence: i64,
    /// What becomes of the job.
    pub how: Finished,
}

/// What becomes of a job after a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finished {
    /// Done; the row is deleted.
    Done,
    /// Queued again. When a queued job of the same kind and key exists already, that one does the
    /// work.
    Again {
        /// When, at the earliest.
        at: Timestamp,
        /// Why, for people.
        error: Option<String>,
    },
    /// Given up; the row stays for people to see.
    Failed {
        /// Why.
        error: String,
    },
}

/// What a store says after a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// The number of the last event emitted, if there was one.
    pub last_event_seq: Option<i64>,
    /// The version that each record was stored with, by its place in the batch; zero for whatever
    /// has none.
    pub versions: Vec<i64>,
    /// What the writes by selector did, with their places in the batch.
    pub touched: Vec<(usize, Touched)>,
}

impl Committed {
    /// What the write by selector at this place did.
    pub fn touched(&self, place: usize) -> Touched {
        let found = self.touched.iter().find(|(at, _)| *at == place);
        found.map(|(_, touched)| *touched).unwrap_or_default()
    }
}

impl Batch {
    /// How many writes a batch has at most. Whoever waits for the same writer waits for a whole
    /// batch: this many are written within about 100 ms.
    pub const MOST: usize = 5_000;

    /// An empty batch of one organization.
    pub fn for_org(org: OrgId) -> Self {
        Self {
            org,
            writes: Vec::with_capacity(8),
        }
    }

    /// Adds a new record; answers its place, by which [`Committed::versions`] knows it.
    pub fn insert(&mut self, record: &impl Record) -> usize {
        self.add(Write::Insert(record.to_row()))
    }

    fn add(&mut self, write: Write) -> usize {
        self.writes.push(write);
        self.writes.len() - 1
    }

    /// Adds a changed record, guarded by the version it was read at; answers its place.
    pub fn put(&mut self, record: &impl Record) -> usize {
        self.add(Write::Put(record.to_row()))
    }

    /// Adds a record that is perhaps new, or a change of the one that was read.
    pub fn save(&mut self, record: &impl Versioned) -> usize {
        if record.version() == 0 {
            self.insert(record)
        } else {
            self.put(record)
        }
    }

    /// Adds the condition that a record is still at the version that it was read at.
    pub fn guard(&mut self, record: &impl Versioned) {
        self.add(Write::Guard(Guard::Record(At::of(record))));
    }

    /// Takes a record away, guarded by the version it was read at.
    pub fn delete(&mut self, record: &impl Versioned) {
        self.add(Write::Delete(At::of(record)));
    }

    /// Adds the condition that a job is still claimed with this fence.
    pub fn guard_claim(&mut self, job: JobId, fence: i64) {
        self.writes.push(Write::Guard(Guard::Claim(job, fence)));
    }

    /// The new records of a kind in it.
    pub fn inserted<T: Record>(&self) -> Vec<T> {
        self.written(|write| match write {
            Write::Insert(row) => Some(row),
            _ => None,
        })
    }

    /// The changed records of a kind in it.
    pub fn changed<T: Record>(&self) -> Vec<T> {
        self.written(|write| match write {
            Write::Put(row) => Some(row),
            _ => None,
        })
    }

    fn written<T: Record>(&self, pick: impl Fn(&Write) -> Option<&Row>) -> Vec<T> {
        self.writes
            .iter()
            .filter_map(|write| pick(write)?.record()?.ok())
            .collect()
    }

    /// Adds an event.
    pub fn emit(&mut self, event: Event) {
        self.writes.push(Write::Emit(event));
    }

    /// The first event, if there is one.
    pub fn first_event(&self) -> Option<&Event> {
        self.writes.iter().find_map(|write| match write {
            Write::Emit(event) => Some(event),
            _ => None,
        })
    }

    /// Adds a job.
    pub fn enqueue(&mut self, job: NewJob) {
        self.writes.push(Write::Enqueue(job));
    }

    /// Adds the end of a job's run.
    pub fn finish(&mut self, job: JobId, fence: i64, how: Finished) {
        self.writes.push(Write::Finish(Finish { job, fence, how }));
    }

    /// Counts so much more of a metric.
    pub fn count(&mut self, metric: impl Into<String>, delta: i64) {
        self.writes.push(Write::Count(Count {
            metric: metric.into(),
            delta,
        }));
    }

    /// Empties columns of many records; answers its place, by which [`Committed::touched`] knows
    /// what it did.
    pub fn redact(&mut self, redaction: Redaction) -> usize {
        self.add(Write::Redact(redaction))
    }

    /// Takes many records away; answers its place.
    pub fn delete_where(&mut self, selector: Selector) -> usize {
        self.add(Write::DeleteWhere(selector))
    }

    /// When the earliest job of this batch is due, if it has one.
    pub fn next_job_at(&self) -> Option<Timestamp> {
        let due = self.writes.iter().filter_map(|write| match write {
            Write::Enqueue(job) => Some(job.run_at),
            Write::Finish(Finish {
                how: Finished::Again { at, .. },
                ..
            }) => Some(*at),
            _ => None,
        });
        due.min()
    }
}

/// How long stored replies of idempotency keys are kept.
pub const REPLY_RETENTION: Duration = Duration::from_secs(72 * 3600);
