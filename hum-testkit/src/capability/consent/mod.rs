//! Whether a contact may be texted.

mod actor;
mod invariant;
mod sample;

use std::sync::Arc;

use hum_core::{consent::Consent, id::OrgId, number::E164};

use super::{Act, Capability};
use crate::invariant::{Invariant, Mirrored, Shelf};

/// Opt-outs and keywords.
pub struct Consents;

impl Capability for Consents {
    fn mirrored(&self) -> Vec<Shelf> {
        vec![Shelf::of::<Consent>()]
    }

    fn invariants(&self) -> Vec<Arc<dyn Invariant>> {
        vec![Arc::new(invariant::Sends), Arc::new(invariant::Keywords)]
    }

    fn acts(&self) -> Vec<Act> {
        vec![Act {
            weight: 1,
            run: |scene| Box::pin(actor::opt_out_or_in(scene)),
        }]
    }
}

impl Mirrored for Consent {
    type Key = (OrgId, E164);

    fn key(&self) -> Self::Key {
        (self.org, self.contact.clone())
    }
}
