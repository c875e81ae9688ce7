//! An address in, providers and plans out.

mod actor;
mod invariant;
mod log;
mod sample;

use std::sync::Arc;

use hum_core::{address_session::AddressSession, id::AddressSessionId};

use super::{Capability, by_id};
use crate::{
    invariant::{Invariant, Shelf},
    simulator::Stage,
};

pub use log::{
    Asked, Call, Outcome, Question, SessionLog, SourceAnswer, State, TokenHash, Told, Wanted,
    token_hash,
};

/// Address sessions.
pub struct AddressSessions;

impl Capability for AddressSessions {
    fn mirrored(&self) -> Vec<Shelf> {
        vec![Shelf::of::<AddressSession>()]
    }

    fn invariants(&self) -> Vec<Arc<dyn Invariant>> {
        vec![
            Arc::new(invariant::Token),
            Arc::new(invariant::Lifetime),
            Arc::new(invariant::Sources),
        ]
    }

    /// Clients, and whoever sets the clock.
    fn enter(&self, stage: &Stage) {
        actor::enter(stage);
    }

    /// A session is found to its end.
    fn leave(&self, stage: &Stage) {
        actor::leave(stage);
    }
}

by_id!(AddressSession => AddressSessionId);
