//! Webhooks: signed events to customers' endpoints.

mod deliver;
mod delivery;
mod fan_out;
mod header;
mod schedule;
mod signature;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::kernel::{
    clock::Timestamp,
    event::EventKind,
    id::{DeliveryId, OrgId, WebhookId},
    page::{Page, Paged},
    store::StoreError,
};

pub use delivery::{Attempt, Delivery, DeliveryState};
pub use schedule::{ATTEMPTS, SCHEDULE};
pub use signature::{WebhookSecret, sign};
pub use webhooks::{CreatedWebhook, NewWebhook, WebhookPatch};

/// A customer's endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Which.
    pub id: WebhookId,
    /// Whose.
    pub org: OrgId,
    /// Where to.
    pub url: String,
    /// For people.
    pub description: String,
    /// Which events.
    pub events: BTreeSet<EventKind>,
    /// Sealed JSON object of additional headers: they may hold credentials.
    pub headers: Vec<u8>,
    /// Sealed signing secret.
    pub secret: Vec<u8>,
    /// The secret before the last rotation, sealed, and until when deliveries are signed with it too.
    pub previous_secret: Option<(Vec<u8>, Timestamp)>,
    /// Whether deliveries are made.
    pub state: WebhookState,
    /// The feed is delivered up to here.
    pub delivered_seq: i64,
    /// Failures in a row since then; durable, so that a restart does not forget.
    pub failing: Option<Failing>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it is gone.
    pub deleted_at: Option<Timestamp>,
    /// Store version.
    pub version: i64,
}

/// Whether deliveries are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookState {
    /// They are.
    Enabled,
    /// They wait; nothing is lost. Enabling continues where it stopped.
    Disabled {
        /// `person`, `gone` (the endpoint answered 410), `failing` (five days without a success), `deleted`.
        reason: String,
        /// Since when.
        at: Timestamp,
    },
}

/// Failures in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failing {
    /// The first one.
    pub since: Timestamp,
    /// How many.
    pub count: i64,
}

impl Webhook {
    /// Whether deliveries are made.
    pub fn is_enabled(&self) -> bool {
        self.state == WebhookState::Enabled
    }

    pub(crate) fn context(org: OrgId, id: WebhookId, column: &str) -> String {
        format!("{org}|webhook|{id}|{column}")
    }
}

/// Additional headers, opened.
pub type Headers = BTreeMap<String, String>;

/// Reads of webhooks and deliveries. Deleted webhooks are not found.
#[async_trait]
pub trait WebhookReads: Send + Sync {
    /// By id.
    async fn webhook(&self, id: WebhookId) -> Result<Option<Webhook>, StoreError>;
    /// Newest first.
    async fn list_webhooks(&self, page: &Page) -> Result<Paged<Webhook>, StoreError>;
    /// Enabled ones, oldest first; at most 100 exist.
    async fn enabled_webhooks(&self) -> Result<Vec<Webhook>, StoreError>;
    /// How many exist.
    async fn count_webhooks(&self) -> Result<i64, StoreError>;
    /// By id.
    async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError>;
    /// Newest first.
    async fn list_deliveries(&self, webhook: WebhookId, page: &Page) -> Result<Paged<Delivery>, StoreError>;
    /// Deliveries that wait because the webhook is disabled, oldest first, at most `limit`.
    async fn held_deliveries(&self, webhook: WebhookId, limit: u32) -> Result<Vec<Delivery>, StoreError>;
}
