//! The feed of events.

mod actor;
mod invariant;
mod log;
mod sample;

use std::sync::Arc;

use super::Capability;
use crate::{invariant::Invariant, simulator::Stage};

pub use log::EventLog;

/// What happened, in order.
pub struct Events;

impl Capability for Events {
    fn invariants(&self) -> Vec<Arc<dyn Invariant>> {
        vec![Arc::new(invariant::Numbers), Arc::new(invariant::Followed)]
    }

    /// Clients that follow the feeds. The world may be quiet while they listen.
    fn enter(&self, stage: &Stage) {
        for tenant in stage.tenants.iter() {
            for number in 0..stage.shared.fate().options().followers {
                let org = tenant.organization.id;
                let client = actor::Client::new(stage.shared.clone(), org, number);
                stage.shared.attend(client.follow());
            }
        }
    }
}
