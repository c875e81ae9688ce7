//! What must always be true, judged from outside: from the order of commits and from what the world did.
//!
//! The numbers are those of `docs/invariants.md`. Every invariant has a planted bug in [`hum_core::planted`] that must trip it.

mod address_session;
mod consent;
mod event;
mod inbound;
mod job;
mod mirror;
mod sending;
mod turn;
mod webhook;

use hum_core::{batch::Batch, clock::Timestamp};

use crate::{
    clock::VirtualClock,
    monitor::{Called, Effect, Violation, WorldLog},
    process::ProcessId,
};

pub(crate) use address_session::{on_call as on_session_call, on_created as on_session_created};
pub use mirror::Mirror;

/// A batch that was committed, and the world before it.
pub struct Commit<'a> {
    /// Everything that was committed before.
    pub before: &'a Mirror,
    /// What is committed now.
    pub batch: &'a Batch,
    /// What the world knows.
    pub log: &'a WorldLog,
    /// Which process did it.
    pub process: ProcessId,
    /// The world's time, and how the wall clock showed it.
    pub clock: &'a VirtualClock,
    /// When.
    pub now: Timestamp,
}

/// What was found to be wrong.
pub struct Findings {
    /// The world's time.
    pub now: Timestamp,
    /// So far.
    pub violations: Vec<Violation>,
}

impl Default for Findings {
    fn default() -> Self {
        Self { now: Timestamp::from_micros(0), violations: Vec::new() }
    }
}

impl Findings {
    /// Adds one. A run that is far off the road is not described at length.
    pub fn add(&mut self, invariant: &'static str, detail: String) {
        if self.violations.len() < 50 {
            self.violations.push(Violation { invariant, at: self.now, detail });
        }
    }
}

pub(crate) fn on_commit(commit: &Commit<'_>, findings: &mut Findings) {
    sending::on_commit(commit, findings);
    inbound::on_commit(commit, findings);
    consent::on_commit(commit, findings);
    event::on_commit(commit, findings);
    turn::on_commit(commit, findings);
    webhook::on_commit(commit, findings);
    job::on_commit(commit, findings);
    address_session::on_commit(commit, findings);
}

pub(crate) fn on_effect(mirror: &Mirror, log: &WorldLog, effect: &Effect, findings: &mut Findings) {
    sending::on_effect(mirror, log, effect, findings);
}

pub(crate) fn on_call(log: &WorldLog, called: &Called, findings: &mut Findings) {
    webhook::on_call(log, called, findings);
}

pub(crate) fn at_quiescence(mirror: &Mirror, log: &WorldLog, findings: &mut Findings) {
    sending::at_quiescence(mirror, log, findings);
    inbound::at_quiescence(mirror, log, findings);
    consent::at_quiescence(mirror, log, findings);
    event::at_quiescence(mirror, findings);
    webhook::at_quiescence(mirror, findings);
    job::at_quiescence(mirror, findings);
    address_session::at_quiescence(mirror, findings);
}
