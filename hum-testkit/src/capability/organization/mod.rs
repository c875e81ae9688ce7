//! The tenants: their people, and what keeps one from another.

mod actor;
mod invariant;
mod sample;

use std::{sync::Arc, time::Duration};

use hum_core::{
    clock::Clock as _,
    id::{NumberId, OrgId},
    number::Number,
    organization::Organization,
};

use super::{Act, Capability, by_id};
use crate::{
    invariant::{Invariant, Shelf},
    simulator::Stage,
};

/// Tenants.
pub struct Organizations;

impl Capability for Organizations {
    fn mirrored(&self) -> Vec<Shelf> {
        vec![Shelf::of::<Organization>(), Shelf::of::<Number>()]
    }

    fn invariants(&self) -> Vec<Arc<dyn Invariant>> {
        vec![Arc::new(invariant::Apart)]
    }

    fn acts(&self) -> Vec<Act> {
        vec![Act {
            weight: 3,
            run: |scene| Box::pin(actor::trespass(scene)),
        }]
    }

    /// The people of all tenants: each does one thing, of any capability.
    fn enter(&self, stage: &Stage) {
        let options = stage.shared.fate().options();
        let span = Duration::from_secs(options.hours * 3600);
        for _ in 0..options.acts {
            let stage = stage.clone();
            stage.shared.clone().act(async move {
                stage.shared.clock().sleep(stage.some_time(span)).await;
                actor::do_something(stage).await;
            });
        }
    }
}

by_id!(Organization => OrgId, Number => NumberId);
