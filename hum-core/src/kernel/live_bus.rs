//! The port that wakes waiting loops; truth stays in the store.

use async_trait::async_trait;

use super::id::OrgId;

/// Wake-ups between the parts of one process, or between nodes.
///
/// A signal is a hint: it may be lost, doubled or late, and several may come as one. So every
/// waiter also polls, and reads from the store what it wants to know.
#[async_trait]
pub trait LiveBus: Send + Sync {
    /// Says that jobs may be due. Never blocks.
    fn jobs_due(&self);
    /// Returns after the next [`LiveBus::jobs_due`]; one that came since the last wait counts.
    async fn wait_for_jobs(&self);
    /// Says that the feed of `org` has come to the number `event_seq`. Never blocks.
    fn publish(&self, org: OrgId, event_seq: i64);
    /// Hears from now on how far the feed of `org` comes. What was published before is not told.
    fn subscribe(&self, org: OrgId) -> Box<dyn Subscription>;
}

/// Somebody who listens to the feed of one organization, until it is dropped.
#[async_trait]
pub trait Subscription: Send + Sync {
    /// Returns after the next signal; signals that came since the last answer count, as one.
    /// Answers the newest number that was heard of, zero when none was: a signal may also mean that
    /// others were missed, and repeat a number. May be dropped at any moment without losing a
    /// signal.
    async fn next(&mut self) -> i64;
}
