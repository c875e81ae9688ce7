use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use hum_core::{
    id::OrgId,
    live_bus::{LiveBus, Subscription},
};
use tokio::sync::{Notify, watch};

/// Wakes loops of the same process. Cloning gives another handle on the same bus.
///
/// Each signal about jobs wakes one waiting loop; without a waiting loop one signal is remembered.
/// That is enough for workers: the one that wakes claims whatever is due, and all of them also
/// poll. A signal about events wakes everybody who listens to that organization; nothing is queued,
/// only the newest number is kept, and nothing of an organization that nobody listens to.
#[derive(Debug, Clone, Default)]
pub struct InProcessBus(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    jobs: Notify,
    feeds: Mutex<HashMap<OrgId, Heard>>,
}

/// What those who listen to an organization hear.
#[derive(Debug)]
struct Heard {
    newest: watch::Sender<i64>,
    listeners: usize,
}

impl InProcessBus {
    /// A bus without signals.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes everybody once, because signals may have been missed.
    pub(super) fn wake_all(&self) {
        self.0.jobs.notify_one();
        self.wake_followers();
    }

    /// The same only for those who listen to feeds.
    pub(super) fn wake_followers(&self) {
        for heard in self.0.feeds().values() {
            heard.newest.send_modify(|_| ());
        }
    }
}

impl Shared {
    fn feeds(&self) -> MutexGuard<'_, HashMap<OrgId, Heard>> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl LiveBus for InProcessBus {
    fn jobs_due(&self) {
        self.0.jobs.notify_one();
    }

    async fn wait_for_jobs(&self) {
        self.0.jobs.notified().await;
    }

    fn publish(&self, org: OrgId, event_seq: i64) {
        if let Some(heard) = self.0.feeds().get(&org) {
            heard.newest.send_if_modified(|newest| {
                let is_news = event_seq > *newest;
                *newest = event_seq.max(*newest);
                is_news
            });
        }
    }

    fn subscribe(&self, org: OrgId) -> Box<dyn Subscription> {
        let mut feeds = self.0.feeds();
        let heard = feeds.entry(org).or_insert_with(|| Heard {
            newest: watch::Sender::new(0),
            listeners: 0,
        });
        heard.listeners += 1;
        Box::new(Listener {
            org,
            newest: heard.newest.subscribe(),
            bus: Arc::clone(&self.0),
        })
    }
}

/// See [`Subscription`]; the last one of an organization takes its entry along.
struct Listener {
    org: OrgId,
    newest: watch::Receiver<i64>,
    bus: Arc<Shared>,
}

#[async_trait]
impl Subscription for Listener {
    async fn next(&mut self) -> i64 {
        if self.newest.changed().await.is_err() {
            // The entry lives as long as its listeners do.
            std::future::pending::<()>().await;
        }
        *self.newest.borrow_and_update()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut feeds = self.bus.feeds();
        let Some(heard) = feeds.get_mut(&self.org) else {
            return;
        };
        heard.listeners = heard.listeners.saturating_sub(1);
        if heard.listeners == 0 {
            feeds.remove(&self.org);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hum_core::clock::Timestamp;
    use tokio::time::timeout;

    use super::*;
    use crate::entropy::SystemEntropy;

    fn org() -> OrgId {
        OrgId::new(Timestamp::from_micros(0), &SystemEntropy)
    }

    #[tokio::test(start_paused = true)]
    async fn a_signal_before_the_wait_counts_once() {
        let bus = InProcessBus::new();
        bus.jobs_due();
        bus.jobs_due();
        bus.wait_for_jobs().await;
        assert!(
            timeout(Duration::from_secs(1), bus.wait_for_jobs())
                .await
                .is_err()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_signal_wakes_a_waiting_loop() {
        let bus = InProcessBus::new();
        let waiting = tokio::spawn({
            let bus = bus.clone();
            async move { bus.wait_for_jobs().await }
        });
        tokio::task::yield_now().await;
        bus.jobs_due();
        assert!(timeout(Duration::from_secs(1), waiting).await.is_ok());
    }

    #[test]
    fn the_last_listener_takes_the_entry_along() {
        let (bus, org) = (InProcessBus::new(), org());
        let entries = || bus.0.feeds().len();
        bus.publish(org, 1);
        assert_eq!(entries(), 0, "nobody listens");
        let (first, second) = (bus.subscribe(org), bus.subscribe(org));
        assert_eq!(entries(), 1);
        drop(first);
        assert_eq!(entries(), 1);
        drop(second);
        assert_eq!(entries(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn everybody_is_woken_with_what_is_known() {
        let (bus, org) = (InProcessBus::new(), org());
        let mut listener = bus.subscribe(org);
        bus.publish(org, 7);
        assert_eq!(listener.next().await, 7);
        bus.wake_all();
        assert_eq!(listener.next().await, 7);
        bus.wait_for_jobs().await;
    }
}
