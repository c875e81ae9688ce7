//! The feed of events.

mod invariant;
mod sample;

use std::sync::Arc;

use super::Capability;
use crate::invariant::Invariant;

/// What happened, in order.
pub struct Events;

impl Capability for Events {
    fn invariants(&self) -> Vec<Arc<dyn Invariant>> {
        vec![Arc::new(invariant::Numbers)]
    }
}
