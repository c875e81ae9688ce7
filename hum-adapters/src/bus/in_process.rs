use async_trait::async_trait;
use hum_core::live_bus::LiveBus;
use tokio::sync::Notify;

/// Wakes loops of the same process.
///
/// Each signal wakes one waiting loop; without a waiting loop one signal is remembered. That is
/// enough for workers: the one that wakes claims whatever is due, and all of them also poll.
#[derive(Debug, Default)]
pub struct InProcessBus {
    jobs: Notify,
}

impl InProcessBus {
    /// A bus without signals.
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl LiveBus for InProcessBus {
    fn jobs_due(&self) {
        self.jobs.notify_one();
    }

    async fn wait_for_jobs(&self) {
        self.jobs.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use tokio::time::timeout;

    use super::*;

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
        let bus = Arc::new(InProcessBus::new());
        let waiting = tokio::spawn({
            let bus = bus.clone();
            async move { bus.wait_for_jobs().await }
        });
        tokio::task::yield_now().await;
        bus.jobs_due();
        assert!(timeout(Duration::from_secs(1), waiting).await.is_ok());
    }
}
