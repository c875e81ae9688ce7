//! What the testkit knows of each capability: who acts, what must always be true, how to make a
//! record.
//!
//! | File of a folder | What |
//! |---|---|
//! | `mod.rs` | the capability: which records the mirror keeps, and what of the files below there is |
//! | `actor` | people who use it, and people who abuse it |
//! | `invariant` | its rules |
//! | `log` | what the world knows of it, and hum does not |
//! | `sample` | its records, for the contract of stores |
//!
//! [`ALL`] is the one list. A seed draws from it: who stands where in it, and with which weight,
//! decides every world.

pub mod address_session;
pub mod consent;
pub mod event;
pub mod flow;
pub mod job;
pub mod organization;
pub mod sms;
pub mod turn;
pub mod usage;
pub mod webhook;

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::{
    invariant::{Invariant, Mirror, Shelf},
    simulator::Stage,
    world::{Tenant, World},
};

/// What the testkit knows of one capability. Whatever there is none of, is left out.
pub trait Capability: Sync {
    /// The records that the mirror keeps, for its rules and actors.
    fn mirrored(&self) -> Vec<Shelf> {
        Vec::new()
    }

    /// What must always be true.
    fn invariants(&self) -> Vec<Arc<dyn Invariant>> {
        Vec::new()
    }

    /// What people of an organization do.
    fn acts(&self) -> Vec<Act> {
        Vec::new()
    }

    /// What each tenant has of it before anybody acts.
    fn prepare(&self, world: &mut World, tenants: &[Tenant]) {
        let _ = (world, tenants);
    }

    /// Everybody who comes by himself.
    fn enter(&self, stage: &Stage) {
        let _ = stage;
    }

    /// Whoever comes once more, when nothing goes wrong any longer.
    fn leave(&self, stage: &Stage) {
        let _ = stage;
    }
}

/// Something that a person of an organization does.
pub struct Act {
    /// How often it is drawn, beside the weights of all others.
    pub weight: u64,
    /// Does it.
    pub run: fn(Scene) -> BoxFuture<'static, ()>,
}

/// Where an act takes place.
#[derive(Clone)]
pub struct Scene {
    /// The world and its people.
    pub stage: Stage,
    /// Whose person acts.
    pub tenant: Tenant,
}

/// Every capability. Texts come before people of organizations, and they before clients with
/// addresses: so they enter.
pub const ALL: &[&dyn Capability] = &[
    &sms::Sms,
    &consent::Consents,
    &webhook::Webhooks,
    &flow::Flows,
    &organization::Organizations,
    &turn::Turns,
    &event::Events,
    &job::Jobs,
    &address_session::AddressSessions,
    &usage::Usages,
];

/// The rules of all capabilities.
pub fn invariants() -> Vec<Arc<dyn Invariant>> {
    ALL.iter()
        .flat_map(|capability| capability.invariants())
        .collect()
}

/// A mirror for what all of them look at.
pub fn mirror() -> Mirror {
    Mirror::with(ALL.iter().flat_map(|capability| capability.mirrored()))
}

/// A record is found by its id.
macro_rules! by_id {
    ($($Record:ty => $Id:ty),+ $(,)?) => {$(
        impl $crate::invariant::Mirrored for $Record {
            type Key = $Id;

            fn key(&self) -> Self::Key {
                self.id
            }
        }
    )+};
}

use by_id;
