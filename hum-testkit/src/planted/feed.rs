//! A feed that followers read wrongly.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use hum_core::{
    Storage,
    event::{Event, EventReads},
    id::OrgId,
    live_bus::{LiveBus, Subscription},
    store::StoreError,
};

use super::{Site, Wrong, storage::StorageFault};
use crate::ports::Ports;

/// How many events are kept for who comes again.
const KEPT: i64 = 3;

/// Keeps the latest events in a buffer, and answers from it.
struct Buffered;

impl StorageFault for Buffered {
    fn feed(&self, right: &dyn Storage, org: OrgId) -> Arc<dyn EventReads> {
        Wrong::new(right.feed(org), Buffered)
    }
}

#[async_trait]
impl EventReads for Wrong<dyn EventReads, Buffered> {
    async fn events_after(&self, after: i64, limit: u32) -> Result<Vec<Event>, StoreError> {
        let trimmed = self.right.last_event_seq().await? - KEPT;
        self.right.events_after(after.max(trimmed), limit).await
    }

    async fn last_event_seq(&self) -> Result<i64, StoreError> {
        self.right.last_event_seq().await
    }

    async fn event(&self, seq: i64) -> Result<Option<Event>, StoreError> {
        self.right.event(seq).await
    }
}

pub(super) fn keep_the_latest(storage: Arc<dyn Storage>, _: &Site) -> Arc<dyn Storage> {
    Wrong::new(storage, Buffered)
}

/// How far the bus of one process said that feeds are. Clones are the same.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<BTreeMap<OrgId, i64>>>);

impl Said {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<OrgId, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, org: OrgId, event_seq: i64) {
        let mut said = self.lock();
        let newest = said.entry(org).or_default();
        *newest = event_seq.max(*newest);
    }
}

#[async_trait]
impl LiveBus for Wrong<dyn LiveBus, Said> {
    fn jobs_due(&self) {
        self.right.jobs_due();
    }

    async fn wait_for_jobs(&self) {
        self.right.wait_for_jobs().await;
    }

    fn publish(&self, org: OrgId, event_seq: i64) {
        self.right.publish(org, event_seq);
    }

    fn subscribe(&self, org: OrgId) -> Box<dyn Subscription> {
        Box::new(Listener {
            right: self.right.subscribe(org),
            org,
            said: self.fault.clone(),
        })
    }
}

struct Listener {
    right: Box<dyn Subscription>,
    org: OrgId,
    said: Said,
}

#[async_trait]
impl Subscription for Listener {
    async fn next(&mut self) -> i64 {
        let event_seq = self.right.next().await;
        self.said.hear(self.org, event_seq);
        event_seq
    }
}

impl StorageFault for Said {
    fn feed(&self, right: &dyn Storage, org: OrgId) -> Arc<dyn EventReads> {
        Wrong::new(right.feed(org), (self.clone(), org))
    }
}

#[async_trait]
impl EventReads for Wrong<dyn EventReads, (Said, OrgId)> {
    async fn events_after(&self, after: i64, limit: u32) -> Result<Vec<Event>, StoreError> {
        let (said, org) = &self.fault;
        let newest = said.lock().get(org).copied().unwrap_or_default();
        let mut events = self.right.events_after(after, limit).await?;
        events.retain(|event| event.seq <= newest);
        Ok(events)
    }

    async fn last_event_seq(&self) -> Result<i64, StoreError> {
        self.right.last_event_seq().await
    }

    async fn event(&self, seq: i64) -> Result<Option<Event>, StoreError> {
        self.right.event(seq).await
    }
}

pub(super) fn believe_the_bus(ports: Ports, _: &Site) -> Ports {
    let said = Said::default();
    Ports {
        live_bus: Wrong::new(ports.live_bus, said.clone()),
        storage: Wrong::new(ports.storage, said),
        ..ports
    }
}
