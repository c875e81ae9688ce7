//! How many streams of events are open in this process, and the end of them all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hum_core::id::OrgId;
use tokio::sync::watch;

use crate::error::{ApiError, ErrorCode};

/// How many streams there may be at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamLimits {
    /// Of one organization.
    pub per_organization: usize,
    /// Of all organizations.
    pub in_all: usize,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self {
            per_organization: 32,
            in_all: 1_000,
        }
    }
}

/// The open streams of a process. Clones are the same: a server keeps one, to end them when it
/// stops, since none ends by itself.
#[derive(Debug, Clone)]
pub struct EventStreams(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: StreamLimits,
    open: Mutex<HashMap<OrgId, usize>>,
    has_stopped: watch::Sender<bool>,
}

/// The place of an open stream; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    org: OrgId,
    has_stopped: watch::Receiver<bool>,
    streams: EventStreams,
}

impl Default for EventStreams {
    fn default() -> Self {
        Self::new(StreamLimits::default())
    }
}

impl EventStreams {
    /// None is open yet.
    pub fn new(limits: StreamLimits) -> Self {
        Self(Arc::new(Shared {
            limits,
            open: Mutex::default(),
            has_stopped: watch::Sender::new(false),
        }))
    }

    /// Ends every stream at once, and lets no other one begin.
    pub fn stop(&self) {
        self.0.has_stopped.send_replace(true);
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        self.open().values().sum()
    }

    /// A place for one more stream.
    pub(crate) fn enter(&self, org: OrgId) -> Result<Place, ApiError> {
        let refused = |code, why: &str| Err(ApiError::new(code, why));
        let has_stopped = self.0.has_stopped.subscribe();
        if *has_stopped.borrow() {
            return refused(ErrorCode::Unavailable, "this server stops; try again");
        }
        let limits = self.0.limits;
        let mut open = self.open();
        if open.get(&org).copied().unwrap_or_default() >= limits.per_organization {
            return refused(
                ErrorCode::RateLimited,
                "this organization has as many event streams as it may; close one, or try again",
            );
        }
        if open.values().sum::<usize>() >= limits.in_all {
            return refused(
                ErrorCode::Unavailable,
                "this server has as many event streams as it may; try again",
            );
        }
        *open.entry(org).or_default() += 1;
        Ok(Place {
            org,
            has_stopped,
            streams: self.clone(),
        })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<OrgId, usize>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Returns when the server stops.
    pub async fn stopped(&mut self) {
        // An error means that nobody is left who could say so: stop too.
        let _ = self.has_stopped.wait_for(|stopped| *stopped).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.open();
        let Some(count) = open.get_mut(&self.org) else {
            return;
        };
        *count = count.saturating_sub(1);
        if *count == 0 {
            open.remove(&self.org);
        }
    }
}

#[cfg(test)]
mod tests {
    use hum_adapters::entropy::SystemEntropy;
    use hum_core::clock::Timestamp;

    use super::*;

    fn org() -> OrgId {
        OrgId::new(Timestamp::from_micros(0), &SystemEntropy)
    }

    #[test]
    fn a_place_is_free_again_when_it_was_left() {
        let streams = EventStreams::new(StreamLimits {
            per_organization: 2,
            in_all: 3,
        });
        let (one, other) = (org(), org());
        let code = |org| streams.enter(org).err().map(|error| error.code());
        let (first, second) = (streams.enter(one), streams.enter(one));
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(code(one), Some(ErrorCode::RateLimited));
        let third = streams.enter(other);
        assert!(third.is_ok());
        assert_eq!(code(other), Some(ErrorCode::Unavailable));
        drop(first);
        assert_eq!(code(one), None, "and left at once");
        drop((second, third));
        assert!(streams.open().is_empty(), "nothing is kept of anybody");
        streams.stop();
        assert_eq!(code(one), Some(ErrorCode::Unavailable));
    }
}
