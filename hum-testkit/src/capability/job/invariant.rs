//! INV-17 to INV-20, INV-39 and INV-62: the queue.

use hum_core::{
    clock::Timestamp,
    id::JobId,
    job::{Claim, Claimed, QUEUE_AT_MOST},
};

use super::{MirrorJob, Queue, QueueNews};
use crate::{
    invariant::{Commit, Findings, Invariant, Known},
    monitor::WorldLog,
};

/// Claims are of one worker at a time, in time, and run out.
pub struct Claims;

impl Invariant for Claims {
    fn on_queue(&self, known: &Known<'_>, news: &QueueNews<'_>, findings: &mut Findings) {
        let queue = &known.mirror.queue;
        match *news {
            QueueNews::Claimed {
                by,
                at_once,
                job,
                now,
                latest,
            } => {
                claimed(queue, job, (now, latest), findings);
                if let Some(at_once) = at_once {
                    bounded(queue.running(by), at_once, job, findings);
                }
            }
            QueueNews::Renewed(claim) => renewed(queue, claim, findings),
            QueueNews::Swept { now, count } => {
                let expired = queue.jobs().filter(|(_, job)| job.is_expired(now)).count();
                if expired as u64 != count {
                    findings.add(
                        "INV-18",
                        format!("{expired} claims ran out, but the sweep took {count} back"),
                    );
                }
            }
        }
    }
}

fn claimed(
    queue: &Queue,
    claimed: &Claimed,
    (now, latest): (Timestamp, Timestamp),
    findings: &mut Findings,
) {
    let Some(job) = queue.job(claimed.id) else {
        findings.add("INV-17", format!("{claimed:?} was claimed, but it is done"));
        return;
    };
    if job
        .claim
        .is_some_and(|(fence, until)| now < until || claimed.fence <= fence)
    {
        findings.add(
            "INV-17",
            format!("{claimed:?} was claimed while {:?} holds", job.claim),
        );
    }
    if job.run_at > latest {
        findings.add(
            "INV-20",
            format!(
                "{claimed:?} was claimed before it was due at {}",
                job.run_at
            ),
        );
    }
    let runs_beside = |(id, other): (&JobId, &MirrorJob)| {
        *id != claimed.id && other.claim.is_some() && other.is_twin_of(job)
    };
    if queue.jobs().any(runs_beside) {
        findings.add("INV-39", format!("{claimed:?} runs beside its twin"));
    }
}

/// `running` are the jobs that the claiming process runs besides.
fn bounded<'a>(
    running: impl Iterator<Item = &'a MirrorJob>,
    at_once: usize,
    claimed: &Claimed,
    findings: &mut Findings,
) {
    let (mut all, mut of_line) = (1, 1);
    for job in running {
        all += 1;
        let of_org = job.key.0 == claimed.org && job.kind == claimed.kind;
        of_line += usize::from(of_org && job.queue == claimed.queue);
    }
    // Two lanes of this size, and a quarter for hum's own work.
    let room = 2 * at_once + at_once.div_ceil(4);
    let of_queue = QUEUE_AT_MOST.min(at_once.div_ceil(4));
    if all > room {
        findings.add("INV-62", format!("{all} jobs run in room for {room}"));
    }
    if !claimed.queue.is_empty() && of_line > of_queue {
        let line = claimed.line();
        findings.add("INV-62", format!("{of_line} of {line:?} run at once"));
    }
}

fn renewed(queue: &Queue, claim: Claim, findings: &mut Findings) {
    let Claim { job: id, fence, .. } = claim;
    match queue.job(id).map(|job| job.claim) {
        Some(Some((current, _))) if current == fence => {}
        Some(claim) => findings.add(
            "INV-17",
            format!("a heartbeat with fence {fence} renewed {claim:?}"),
        ),
        None => findings.add("INV-17", format!("a heartbeat revived {id}")),
    }
}

/// A job ends by its claim, and every job ends.
pub struct Ends;

impl Invariant for Ends {
    fn on_commit(&self, commit: &Commit<'_>, _: &mut WorldLog, findings: &mut Findings) {
        for finish in commit.ends() {
            match commit.before.queue.job(finish.job).map(|job| job.claim) {
                Some(Some((fence, _))) if fence == finish.fence => {}
                claim => findings.add(
                    "INV-17",
                    format!(
                        "{} was finished with fence {} against {claim:?}",
                        finish.job, finish.fence
                    ),
                ),
            }
        }
    }

    fn at_quiescence(&self, known: &Known<'_>, findings: &mut Findings) {
        for (id, job) in known.mirror.queue.jobs() {
            let what = if job.failed {
                "was given up"
            } else {
                "is not done"
            };
            findings.add("INV-18", format!("{id} ({job:?}) {what}"));
        }
    }
}
