//! AI turns. Nobody acts here but the model, which is one of the world's ports
//! ([`crate::fake::model`]).

mod invariant;
mod sample;

use std::sync::Arc;

use hum_core::{id::TurnId, sms::Turn};

use super::{Capability, by_id};
use crate::invariant::{Invariant, Shelf};

/// Agents that answer texts.
pub struct Turns;

impl Capability for Turns {
    fn mirrored(&self) -> Vec<Shelf> {
        vec![Shelf::of::<Turn>()]
    }

    fn invariants(&self) -> Vec<Arc<dyn Invariant>> {
        vec![Arc::new(invariant::Agents)]
    }
}

by_id!(Turn => TurnId);
