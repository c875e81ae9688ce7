//! AI turns: a batch of texts in, one reply out.

mod ask;
mod begin;
mod finish;
#[cfg(test)]
mod fixture;
mod reply;
mod run_turn;
mod turns;

pub(crate) use turns::Parts;
pub use turns::{TurnTakingReads, Turns};

impl Turns {
    /// The kinds of jobs, one line each.
    pub(crate) fn jobs(&self) -> Vec<std::sync::Arc<dyn crate::kernel::job::Job>> {
        use std::sync::Arc;
        vec![Arc::new(run_turn::RunTurn(self.clone()))]
    }
}
