use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use hum_core::clock::{Clock, Timestamp};

/// 2026-03-02T15:00:00Z.
const START: i64 = 1_772_463_600_000_000;

/// A clock that is moved by hand. Who sleeps on it, sleeps for ever: tests step through jobs instead.
pub struct HandClock(AtomicI64);

impl HandClock {
    pub fn new() -> Self {
        Self(AtomicI64::new(START))
    }

    pub fn move_to(&self, at: Timestamp) {
        self.0.fetch_max(at.as_micros(), Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        self.now().since(Timestamp::from_micros(START))
    }

    async fn sleep(&self, _: Duration) {
        std::future::pending().await
    }
}
