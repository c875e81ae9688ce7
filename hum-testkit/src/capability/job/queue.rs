use std::collections::BTreeMap;

use hum_core::{
    batch::{Finish, Finished},
    clock::Timestamp,
    id::{JobId, OrgId},
    job::{Claim, Claimed, JobKind, Merge, NewJob},
};

/// What the queue must hold: jobs that are not done.
#[derive(Debug, Default)]
pub struct Queue(BTreeMap<JobId, MirrorJob>);

/// A job that is not done.
#[derive(Debug, Clone)]
pub struct MirrorJob {
    /// What.
    pub kind: JobKind,
    /// Whose and on what.
    pub key: (OrgId, String),
    /// When it is due.
    pub run_at: Timestamp,
    /// The claim: fence, and until when.
    pub claim: Option<(i64, Timestamp)>,
    /// Given up.
    pub failed: bool,
}

impl MirrorJob {
    fn is_queued(&self) -> bool {
        self.claim.is_none() && !self.failed
    }

    /// Whether both are of one kind and key.
    pub fn is_twin_of(&self, other: &Self) -> bool {
        self.kind == other.kind && self.key == other.key
    }

    fn is_held(&self, claim: Claim) -> bool {
        self.claim
            .is_some_and(|(current, _)| current == claim.fence)
    }

    /// Whether its claim ran out.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.claim.is_some_and(|(_, until)| until <= now)
    }
}

impl Queue {
    /// All jobs, in the order of their ids.
    pub fn jobs(&self) -> impl Iterator<Item = (&JobId, &MirrorJob)> {
        self.0.iter()
    }

    /// A job, if it is not done.
    pub fn job(&self, id: JobId) -> Option<&MirrorJob> {
        self.0.get(&id)
    }

    /// When the next job that is not given up was to run.
    pub fn next_run(&self) -> Option<Timestamp> {
        self.0
            .values()
            .filter(|job| !job.failed)
            .map(|job| job.run_at)
            .min()
    }

    pub(crate) fn enqueue(&mut self, job: &NewJob) {
        let new = MirrorJob {
            kind: job.kind,
            key: (job.org, job.key.clone()),
            run_at: job.run_at,
            claim: None,
            failed: false,
        };
        match (
            self.0
                .values_mut()
                .find(|queued| queued.is_queued() && queued.is_twin_of(&new)),
            job.merge,
        ) {
            (Some(twin), Merge::Move) => twin.run_at = job.run_at,
            (Some(twin), Merge::Sooner) => twin.run_at = twin.run_at.min(job.run_at),
            (None, _) => {
                self.0.insert(job.id, new);
            }
        }
    }

    pub(crate) fn finish(&mut self, finish: &Finish) {
        match &finish.how {
            Finished::Done => {
                self.0.remove(&finish.job);
            }
            Finished::Again { at, .. } => self.queue_again(finish.job, *at),
            Finished::Failed { .. } => {
                if let Some(job) = self.0.get_mut(&finish.job) {
                    job.failed = true;
                    job.claim = None;
                }
            }
        }
    }

    pub(crate) fn claim(&mut self, claimed: &Claimed, lease_until: Timestamp) {
        if let Some(job) = self.0.get_mut(&claimed.id) {
            job.claim = Some((claimed.fence, lease_until));
        }
    }

    pub(crate) fn renew(&mut self, claim: Claim, lease_until: Timestamp) {
        if let Some(job) = self.0.get_mut(&claim.job).filter(|job| job.is_held(claim)) {
            job.claim = Some((claim.fence, lease_until));
        }
    }

    pub(crate) fn release(&mut self, claim: Claim) {
        let held = self.job(claim.job).filter(|job| job.is_held(claim));
        if let Some(at) = held.map(|job| job.run_at) {
            self.queue_again(claim.job, at);
        }
    }

    pub(crate) fn sweep(&mut self, now: Timestamp) {
        let expired: Vec<JobId> = self
            .0
            .iter()
            .filter(|(_, job)| job.is_expired(now))
            .map(|(id, _)| *id)
            .collect();
        expired.into_iter().for_each(|id| self.queue_again(id, now));
    }

    fn queue_again(&mut self, id: JobId, at: Timestamp) {
        let Some(job) = self.0.get(&id).cloned() else {
            return;
        };
        let is_twin = |(other, twin): &(&JobId, &MirrorJob)| {
            **other != id && twin.is_queued() && twin.is_twin_of(&job)
        };
        let twin = self.0.iter().find(is_twin).map(|(other, _)| *other);
        if let Some(twin) = twin {
            self.0.remove(&id);
            if let Some(twin) = self.0.get_mut(&twin) {
                twin.run_at = twin.run_at.min(at);
            }
        } else if let Some(job) = self.0.get_mut(&id) {
            job.claim = None;
            job.run_at = at;
        }
    }
}
