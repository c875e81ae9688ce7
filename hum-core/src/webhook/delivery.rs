use serde::{Deserialize, Serialize};

use crate::kernel::{
    clock::Timestamp,
    entropy::Entropy,
    event::Event,
    id::{DeliveryId, EventId, OrgId, WebhookId},
    named::named,
};

/// One event on its way to one webhook, with the history of tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Which.
    pub id: DeliveryId,
    /// Whose.
    pub org: OrgId,
    /// To which webhook.
    pub webhook: WebhookId,
    /// The event; also the `webhook-id` header of every try.
    pub event: EventId,
    /// Its number in the feed; `None` for test deliveries, which are not in the feed.
    pub event_seq: Option<i64>,
    /// Its type.
    pub event_type: String,
    /// The exact bytes to send, for test deliveries; feed events are read again.
    pub body: Option<String>,
    /// Where it stands.
    pub state: DeliveryState,
    /// Every try so far, oldest first.
    pub attempts: Vec<Attempt>,
    /// How many tries belong to the present run of the schedule; a redelivery starts it again.
    pub tries: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Store version.
    pub version: i64,
}

named! {
    /// Where a delivery stands.
    pub enum DeliveryState {
        /// Will be tried.
        Pending = "pending",
        /// Waits for the webhook to be enabled.
        Held = "held",
        /// The endpoint answered 2xx.
        Delivered = "delivered",
        /// Ten tries failed.
        Exhausted = "exhausted",
    }
}

/// One try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When.
    pub at: Timestamp,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// How long it took, milliseconds.
    pub duration_ms: u64,
    /// Why it failed, for people.
    pub error: Option<String>,
    /// The first 1,000 characters of the answer's body.
    pub response: Option<String>,
}

impl Delivery {
    /// A delivery of an event of the feed.
    pub fn of(webhook: WebhookId, event: &Event, now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self {
            id: DeliveryId::new(now, entropy),
            org: event.org,
            webhook,
            event: event.id,
            event_seq: Some(event.seq),
            event_type: event.kind.as_str().into(),
            body: None,
            state: DeliveryState::Pending,
            attempts: Vec::new(),
            tries: 0,
            created_at: now,
            version: 0,
        }
    }

    /// A test delivery: an event that is not in the feed.
    pub fn test(webhook: WebhookId, event: &Event, now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self { event_seq: None, body: Some(event.to_json().to_string()), ..Self::of(webhook, event, now, entropy) }
    }
}
