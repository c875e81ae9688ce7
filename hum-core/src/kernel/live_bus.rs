//! The port that wakes waiting loops; truth stays in the store.

use async_trait::async_trait;

/// Wake-ups between the parts of one process, or between nodes.
///
/// A signal is a hint: it may be lost, doubled or late, so every waiter also polls.
#[async_trait]
pub trait LiveBus: Send + Sync {
    /// Says that jobs may be due. Never blocks.
    fn jobs_due(&self);
    /// Returns after the next [`LiveBus::jobs_due`]; one that came since the last wait counts.
    async fn wait_for_jobs(&self);
}
