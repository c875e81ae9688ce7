//! AI agents.

mod actor;
mod sample;

use hum_core::{flow::FlowVersion, id::FlowId};

use super::{Act, Capability};
use crate::invariant::{Mirrored, Shelf};

pub use actor::{TOOLS, any_definition};

/// Agents and their versions.
pub struct Flows;

impl Capability for Flows {
    fn mirrored(&self) -> Vec<Shelf> {
        vec![Shelf::of::<FlowVersion>()]
    }

    fn acts(&self) -> Vec<Act> {
        vec![Act {
            weight: 1,
            run: |scene| Box::pin(actor::change(scene)),
        }]
    }
}

impl Mirrored for FlowVersion {
    type Key = (FlowId, i64);

    fn key(&self) -> Self::Key {
        (self.flow, self.number)
    }
}
