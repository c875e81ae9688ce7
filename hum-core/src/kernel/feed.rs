//! The feed of events, followed as it grows.

use std::{pin::pin, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, select_biased};

use super::{
    Kernel, Reads,
    error::Error,
    event::{Event, EventReads},
    id::OrgId,
    live_bus::Subscription,
    store::StoreError,
};

/// How many events a follower holds at most.
pub const PAGE: u32 = 100;

/// The feeds of organizations.
#[derive(Clone)]
pub struct Feed {
    kernel: Kernel,
    reads: Reads<dyn EventReads>,
    poll: Duration,
}

/// Reads one organization's events in order, and waits for more. Numbers are in the order of
/// commits, so nothing appears behind its place.
pub struct Following {
    kernel: Kernel,
    reads: Arc<dyn EventReads>,
    signals: Box<dyn Subscription>,
    poll: Duration,
    after: i64,
    is_at_end: bool,
}

impl Feed {
    /// Without a signal it is looked again after `poll`.
    pub(crate) fn new(kernel: Kernel, reads: Reads<dyn EventReads>, poll: Duration) -> Self {
        Self {
            kernel,
            reads,
            poll,
        }
    }

    /// Follows the feed of `org`: what comes after the event `after`, or after now.
    ///
    /// # Errors
    /// `Invalid` at `pointer`: there is no event with this number, and zero is not meant. `Store`.
    pub async fn follow(
        &self,
        org: OrgId,
        after: Option<i64>,
        pointer: &str,
    ) -> Result<Following, Error> {
        let reads = self.reads.of(org);
        // Before the feed is looked at, so that no signal is missed in between.
        let signals = self.kernel.live_bus().subscribe(org);
        let last = reads.last_event_seq().await?;
        let after = after.unwrap_or(last);
        if !(0..=last).contains(&after) {
            return Err(Error::invalid(
                pointer,
                format!("must be the number of an event, from 0 to {last}"),
            ));
        }
        Ok(Following {
            kernel: self.kernel.clone(),
            reads,
            signals,
            poll: self.poll,
            after,
            is_at_end: after == last,
        })
    }
}

impl Following {
    /// The number of the event that was answered last.
    pub fn after(&self) -> i64 {
        self.after
    }

    /// The next events, lowest first, at least one and at most [`PAGE`]; waits for them if there
    /// are none. May be dropped at any moment: the next call answers what this one would have.
    ///
    /// # Errors
    /// The store failed; the same may be asked again.
    pub async fn next(&mut self) -> Result<Vec<Event>, StoreError> {
        loop {
            if self.is_at_end {
                self.wait().await;
                self.is_at_end = false;
            }
            let events = self.reads.events_after(self.after, PAGE).await?;
            self.is_at_end = (events.len() as u64) < u64::from(PAGE);
            if let Some(last) = events.last() {
                self.after = last.seq;
                return Ok(events);
            }
        }
    }

    /// Until there may be more. A signal that says an old number counts too: others may be lost.
    async fn wait(&mut self) {
        let mut signal = pin!(self.signals.next().fuse());
        let mut poll = pin!(self.kernel.clock().sleep(self.poll).fuse());
        select_biased! {
            _ = signal => (),
            () = poll => (),
        }
    }
}
