//! The witness: sees every commit and every effect, in order, and lets the invariants judge.
//!
//! What it sees of one capability alone stands there: `impl Monitor` in the `log.rs` of
//! [`crate::capability`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hum_core::{
    batch::{Batch, Committed},
    clock::{Clock as _, Timestamp},
    job::{Claim, Claimed, LEASE},
};

use crate::{
    capability::{
        address_session::SessionLog, event::EventLog, job::JobLog, job::QueueNews, sms::SmsLog,
        webhook::WebhookLog,
    },
    clock::VirtualClock,
    invariant::{Commit, Findings, Invariant, Known, Mirror},
    process::ProcessId,
    trace::{self, Trace},
};

pub use crate::invariant::Violation;

/// What the world knows and hum does not, by capability.
#[derive(Debug, Default)]
pub struct WorldLog {
    /// Of texts.
    pub sms: SmsLog,
    /// Of webhooks.
    pub webhooks: WebhookLog,
    /// Of jobs.
    pub jobs: JobLog,
    /// Of clients that follow feeds.
    pub events: EventLog,
    /// Of address sessions.
    pub sessions: SessionLog,
}

/// Everything that the witness has.
pub(crate) struct Witness {
    pub mirror: Mirror,
    pub log: WorldLog,
    pub findings: Findings,
    pub clock: VirtualClock,
    invariants: Vec<Arc<dyn Invariant>>,
    trace: Trace,
}

impl Witness {
    /// Adds a line to the trace.
    pub fn note(&mut self, line: impl AsRef<str>) {
        self.trace.add(format!(
            "{} {}",
            self.clock.elapsed().as_micros(),
            line.as_ref()
        ));
    }

    /// Lets every invariant judge.
    pub fn judge(&mut self, judge: impl Fn(&dyn Invariant, &Known<'_>, &mut Findings)) {
        let known = Known {
            mirror: &self.mirror,
            log: &self.log,
            clock: &self.clock,
        };
        for invariant in &self.invariants {
            judge(&**invariant, &known, &mut self.findings);
        }
    }
}

/// The witness. Clones share what they saw.
#[derive(Clone)]
pub struct Monitor(Arc<Mutex<Witness>>);

impl Monitor {
    /// Saw nothing yet. With `keep_lines` the whole trace is kept, to be printed.
    pub fn new(
        clock: VirtualClock,
        mirror: Mirror,
        invariants: Vec<Arc<dyn Invariant>>,
        keep_lines: bool,
    ) -> Self {
        let (log, findings, trace) = (
            WorldLog::default(),
            Findings::default(),
            Trace::new(keep_lines),
        );
        Self(Arc::new(Mutex::new(Witness {
            mirror,
            log,
            findings,
            clock,
            invariants,
            trace,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Witness> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees something, now.
    pub(crate) fn see<T>(&self, look: impl FnOnce(&mut Witness) -> T) -> T {
        let mut witness = self.lock();
        witness.findings.now = witness.clock.now();
        look(&mut witness)
    }

    /// A batch was committed.
    pub fn committed(&self, process: ProcessId, batch: &Batch, committed: &Committed) {
        self.see(|witness| {
            let text = trace::commit(batch, committed);
            witness.note(&text);
            let Witness {
                mirror,
                log,
                findings,
                clock,
                invariants,
                ..
            } = witness;
            let changes = mirror.read(batch);
            let commit = Commit {
                before: mirror,
                batch,
                changes: &changes,
                process,
                clock,
                text: &text,
            };
            invariants
                .iter()
                .for_each(|invariant| invariant.on_commit(&commit, log, findings));
            mirror.apply(changes, batch, committed);
        });
    }

    /// Jobs were claimed, by the worker of a process that may run `at_once` of a lane, if that is
    /// known.
    pub fn claimed(
        &self,
        (by, at_once): (ProcessId, Option<usize>),
        claimed: &[Claimed],
        lease_until: Timestamp,
    ) {
        self.see(|witness| {
            let now = Timestamp::from_micros(lease_until.as_micros() - LEASE.as_micros() as i64);
            // A wall clock that was set back does not undo that a job was due.
            let (_, latest) = witness.clock.walls_since(std::time::Duration::ZERO);
            for job in claimed {
                witness.note(format!("claim {job:?}"));
                let news = QueueNews::Claimed {
                    by,
                    at_once,
                    job,
                    now,
                    latest,
                };
                witness
                    .judge(|invariant, known, findings| invariant.on_queue(known, &news, findings));
                witness.mirror.queue.claim(by, job, lease_until);
                witness
                    .log
                    .jobs
                    .claims
                    .insert(job.id, witness.clock.elapsed());
            }
        });
    }

    /// A claim was renewed.
    pub fn renewed(&self, claim: Claim, lease_until: Timestamp) {
        self.see(|witness| {
            let news = QueueNews::Renewed(claim);
            witness.judge(|invariant, known, findings| invariant.on_queue(known, &news, findings));
            witness.mirror.queue.renew(claim, lease_until);
        });
    }

    /// A claim was given back.
    pub fn released(&self, claim: Claim) {
        self.see(|witness| witness.mirror.queue.release(claim));
    }

    /// Claims that ran out were taken back.
    pub fn swept(&self, now: Timestamp, count: u64) {
        self.see(|witness| {
            if count > 0 {
                witness.note(format!("sweep {count}"));
            }
            let news = QueueNews::Swept { now, count };
            witness.judge(|invariant, known, findings| invariant.on_queue(known, &news, findings));
            witness.mirror.queue.sweep(now);
        });
    }

    /// Something that happened outside of hum, for whoever reads the trace.
    pub fn remark(&self, line: impl FnOnce() -> String) {
        self.see(|witness| witness.note(line()));
    }

    /// Something that the scenario knows and hum does not.
    pub fn log(&self, change: impl FnOnce(&mut WorldLog)) {
        change(&mut self.lock().log);
    }

    /// The scenario saw something that must not be.
    pub fn violate(&self, invariant: &'static str, detail: String) {
        self.see(|witness| witness.findings.add(invariant, detail));
    }

    /// Looks at the mirror.
    pub fn mirror<T>(&self, look: impl FnOnce(&Mirror) -> T) -> T {
        look(&self.lock().mirror)
    }

    /// Looks at what the world knows.
    pub fn with_log<T>(&self, look: impl FnOnce(&WorldLog) -> T) -> T {
        look(&self.lock().log)
    }

    /// All is quiet: what must hold in the end?
    pub fn quiescent(&self) {
        self.see(|witness| {
            witness.judge(|invariant, known, findings| invariant.at_quiescence(known, findings))
        });
    }

    /// What was found so far.
    pub fn violations(&self) -> Vec<Violation> {
        self.lock().findings.violations.clone()
    }

    /// How many steps the trace has.
    pub fn steps(&self) -> u64 {
        self.lock().trace.steps()
    }

    /// SHA-256 of everything that happened, in lower-case hex.
    pub fn trace_hash(&self) -> String {
        self.lock().trace.hash()
    }

    /// The trace, if it was kept.
    pub fn lines(&self) -> Vec<String> {
        self.lock().trace.lines()
    }
}
