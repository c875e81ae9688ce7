use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use hum_core::clock::{Clock, Timestamp};

/// 2026-03-02T15:00:00Z, a Monday morning in the United States.
const START: Timestamp = Timestamp::from_micros(1_772_463_600_000_000);

/// A clock that skips to the next thing to do. Who sleeps on it is never woken: the demo runs one job after the other.
pub struct SkippingClock(AtomicI64);

impl SkippingClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(START.as_micros())))
    }

    /// Moves on, never back.
    pub fn skip_to(&self, at: Timestamp) {
        self.0.fetch_max(at.as_micros(), Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for SkippingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        self.now().since(START)
    }

    async fn sleep(&self, _: Duration) {
        std::future::pending().await
    }
}
