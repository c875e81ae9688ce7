//! What must always be true, judged from outside: from the order of commits and from what the world
//! did.
//!
//! The numbers are those of `docs/invariants.md`. Each capability has its rules in
//! [`crate::capability`]; a world's user may add others
//! ([`crate::world::WorldBuilder::invariant`]). Every rule has a planted bug that must trip it.

mod commit;
mod findings;
mod mirror;

use crate::{
    capability::{job::QueueNews, sms::Effect, webhook::Called},
    clock::VirtualClock,
    monitor::WorldLog,
};

pub use commit::Commit;
pub use findings::{Findings, Violation};
pub use mirror::{Mirror, Mirrored, Shelf};

/// A rule, or a few that look at the same things. It uses the witness's own knowledge, never hum's
/// word.
pub trait Invariant: Send + Sync {
    /// A batch was committed. What the rule wants to know later goes into the log.
    fn on_commit(&self, commit: &Commit<'_>, log: &mut WorldLog, findings: &mut Findings) {
        let _ = (commit, log, findings);
    }

    /// A worker asked the queue. The mirror does not know the answer yet.
    fn on_queue(&self, known: &Known<'_>, news: &QueueNews<'_>, findings: &mut Findings) {
        let _ = (known, news, findings);
    }

    /// The carrier accepted a text. The log does not have it yet.
    fn on_effect(&self, known: &Known<'_>, effect: &Effect, findings: &mut Findings) {
        let _ = (known, effect, findings);
    }

    /// A customer's endpoint was called. The log does not have it yet.
    fn on_call(&self, known: &Known<'_>, called: &Called, findings: &mut Findings) {
        let _ = (known, called, findings);
    }

    /// Faults are off and nothing is left to do.
    fn at_quiescence(&self, known: &Known<'_>, findings: &mut Findings) {
        let _ = (known, findings);
    }
}

/// What the witness knows.
pub struct Known<'a> {
    /// What was committed.
    pub mirror: &'a Mirror,
    /// What the world knows, and hum does not.
    pub log: &'a WorldLog,
    /// The world's time, and how the wall clock showed it.
    pub clock: &'a VirtualClock,
}
