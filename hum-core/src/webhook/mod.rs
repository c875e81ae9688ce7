//! Webhooks: signed events to customers' endpoints.

mod deliver;
mod delivery;
mod endpoint;
mod fan_out;
#[cfg(test)]
mod fixture;
mod header;
mod schedule;
mod signature;
mod webhooks;

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::kernel::{
    event::EventReads,
    id::{DeliveryId, WebhookId},
    page::{Page, Paged},
    record::RecordType,
    store::StoreError,
};

pub use deliver::DELIVER;
pub use delivery::{Attempt, Delivery, DeliveryState, DeliveryToTry};
pub use endpoint::{Failing, Webhook, WebhookState};
pub use fan_out::FAN_OUT;
pub(crate) use fan_out::follow;
pub use schedule::{ATTEMPTS, SCHEDULE};
pub use signature::{WebhookSecret, sign};
pub use webhooks::{CreatedWebhook, NewWebhook, ROTATION_OVERLAP, WebhookPatch, Webhooks};

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
    /// A delivery and everything that trying it needs, in one round trip.
    async fn delivery_to_try(&self, id: DeliveryId) -> Result<Option<DeliveryToTry>, StoreError>;
    /// Newest first.
    async fn list_deliveries(
        &self,
        webhook: WebhookId,
        page: &Page,
    ) -> Result<Paged<Delivery>, StoreError>;
    /// Deliveries that wait because the webhook is disabled, oldest first, at most `limit`.
    async fn held_deliveries(
        &self,
        webhook: WebhookId,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError>;
}

/// Webhooks, and the feed that they get.
pub trait WebhookFeedReads: WebhookReads + EventReads {}
impl<T: WebhookReads + EventReads> WebhookFeedReads for T {}

/// What is stored here.
pub(crate) const RECORDS: &[RecordType] =
    &[RecordType::of::<Webhook>(), RecordType::of::<Delivery>()];

impl Webhooks {
    /// The kinds of jobs, one line each.
    pub(crate) fn jobs(&self) -> Vec<std::sync::Arc<dyn crate::kernel::job::Job>> {
        use std::sync::Arc;
        vec![
            Arc::new(fan_out::FanOut(self.clone())),
            Arc::new(deliver::Deliver(self.clone())),
        ]
    }
}
