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
