use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use hum_core::clock::{Clock, Timestamp};

/// Wall time of the system, monotonic time since this value was made, and Tokio's timer.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Monotonic time starts now.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the adapter that may read the system's clock"
    )]
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the adapter that may read the system's clock"
    )]
    fn now(&self) -> Timestamp {
        // A clock before 1970 is a broken machine; zero shows in every record, which is better than
        // a panic in each request.
        let since_1970 = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        if !duration.is_zero() {
            tokio::time::sleep(duration).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleeping_moves_both_clocks() {
        let clock = SystemClock::new();
        let (wall, monotonic) = (clock.now(), clock.monotonic());
        clock.sleep(Duration::from_millis(5)).await;
        assert!(clock.monotonic() >= monotonic + Duration::from_millis(5));
        assert!(clock.now() > wall);
    }
}
