//! What was used, by day. Nobody uses it for itself: everything that others do is counted.

mod actor;
mod invariant;

use std::sync::Arc;

use super::Capability;
use crate::{invariant::Invariant, simulator::Stage};

/// What tenants used.
pub struct Usages;

impl Capability for Usages {
    fn invariants(&self) -> Vec<Arc<dyn Invariant>> {
        vec![Arc::new(invariant::Counted)]
    }

    fn leave(&self, stage: &Stage) {
        actor::leave(stage);
    }
}
