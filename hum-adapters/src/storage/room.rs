//! How much a store takes on. What is more is refused at once, before anything of it is done, with
//! [`StoreError::Overloaded`].

use std::time::Duration;

use hum_core::store::StoreError;

use super::{
    job::JOB,
    op::{Guarded, Ops},
};

/// How much one store takes on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// How many batches may wait at a writer.
    pub(crate) batches: usize,
    /// How many more may, if they are of jobs: what was claimed must come to its end, or the
    /// overload would never pass.
    pub(crate) batches_of_jobs: usize,
    /// How many long reads may wait for their turn.
    pub(crate) long_reads: usize,
    /// How long a long read may take, its wait included.
    pub(crate) longest: Duration,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            batches: 4_096,
            batches_of_jobs: 1_024,
            long_reads: 256,
            longest: Duration::from_secs(5),
        }
    }
}

/// On whose behalf something is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Somebody asked for it, and can ask again.
    Request,
    /// A job, or the queue of jobs.
    Job,
}

impl Cause {
    /// A batch is a job's when it ends a claim or holds on to one.
    pub(crate) fn of(ops: &Ops) -> Self {
        let is_claim = |guard: &Guarded| guard.table.name == JOB.name;
        if ops.finishes.is_empty() && !ops.guards.iter().any(is_claim) {
            Self::Request
        } else {
            Self::Job
        }
    }
}

impl Room {
    /// How many batches may wait, this one included.
    pub(crate) fn for_batches(&self, cause: Cause) -> usize {
        match cause {
            Cause::Request => self.batches,
            Cause::Job => self.batches + self.batches_of_jobs,
        }
    }
}

pub(crate) fn too_many_batches() -> StoreError {
    StoreError::Overloaded("too many batches wait for the writer".into())
}

pub(crate) fn too_many_reads() -> StoreError {
    StoreError::Overloaded("too many long reads wait".into())
}

pub(crate) fn too_long() -> StoreError {
    StoreError::Overloaded("a read took longer than it may".into())
}
