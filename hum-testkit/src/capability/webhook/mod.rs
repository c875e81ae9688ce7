//! Signed events to customers.

mod actor;
mod invariant;
mod log;
mod sample;

use std::sync::Arc;

use hum_core::{
    id::{DeliveryId, WebhookId},
    webhook::{Delivery, Webhook},
};

use super::{Act, Capability, by_id};
use crate::{
    invariant::{Invariant, Shelf},
    world::{Tenant, World},
};

pub use log::{Called, WebhookLog};

/// Endpoints and deliveries.
pub struct Webhooks;

impl Capability for Webhooks {
    fn mirrored(&self) -> Vec<Shelf> {
        vec![Shelf::of::<Webhook>(), Shelf::of::<Delivery>()]
    }

    fn invariants(&self) -> Vec<Arc<dyn Invariant>> {
        vec![
            Arc::new(invariant::Tries),
            Arc::new(invariant::Signatures),
            Arc::new(invariant::EveryEvent),
        ]
    }

    fn acts(&self) -> Vec<Act> {
        vec![Act {
            weight: 1,
            run: |scene| Box::pin(actor::look_after(scene)),
        }]
    }

    fn prepare(&self, world: &mut World, tenants: &[Tenant]) {
        for (index, tenant) in tenants.iter().enumerate() {
            let (shared, tenant) = (world.shared().clone(), tenant.clone());
            world.block_on(async move { actor::subscribe(&shared, &tenant, index).await });
        }
    }
}

by_id!(Webhook => WebhookId, Delivery => DeliveryId);
