//! Jobs and their queue.

mod invariant;
mod queue;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use hum_core::{
    clock::Timestamp,
    id::JobId,
    job::{Claim, Claimed},
};

use super::Capability;
use crate::{invariant::Invariant, process::ProcessId};

pub use queue::{MirrorJob, Queue};

/// Work after a commit.
pub struct Jobs;

impl Capability for Jobs {
    fn invariants(&self) -> Vec<Arc<dyn Invariant>> {
        vec![Arc::new(invariant::Claims), Arc::new(invariant::Ends)]
    }
}

/// What a worker heard of the queue.
#[derive(Debug, Clone, Copy)]
pub enum QueueNews<'a> {
    /// A job is its own.
    Claimed {
        /// Which worker: that of this process.
        by: ProcessId,
        /// How many jobs of a lane it may run at once; `None` where the store fails, for then a claim
        /// outlives its run.
        at_once: Option<usize>,
        /// Which.
        job: &'a Claimed,
        /// What its wall clock said.
        now: Timestamp,
        /// The latest that a wall clock has said so far.
        latest: Timestamp,
    },
    /// A claim holds longer.
    Renewed(Claim),
    /// Claims that had run out were taken back.
    Swept {
        /// What its wall clock said.
        now: Timestamp,
        /// How many.
        count: u64,
    },
}

/// What the world knows of jobs.
#[derive(Debug, Default)]
pub struct JobLog {
    /// When the last claim of a job began, from the start of the world.
    pub claims: BTreeMap<JobId, Duration>,
}
