//! All of memory: the sum of what the capabilities read.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    access::{ApiKeyReads, KeyDirectory},
    address_session::AddressSessionReads,
    consent::ConsentReads,
    flow::FlowReads,
    kernel::{
        counter::CounterReads,
        event::EventReads,
        id::OrgId,
        job::JobQueue,
        store::{Store, StoreError, Upkeep},
    },
    number::NumberReads,
    organization::{OrganizationDirectory, OrganizationReads},
    sms::{SmsReads, SmsRouting},
    turn::TurnTakingReads,
    webhook::WebhookFeedReads,
};

/// A database that has everything of hum, and its queue.
pub trait Storage: Store + JobQueue {
    /// Reads of one organization.
    fn org(&self, org: OrgId) -> Arc<dyn OrgReads>;

    /// Reads of one organization's feed, for whoever follows it.
    fn feed(&self, org: OrgId) -> Arc<dyn EventReads> {
        self.org(org)
    }

    /// Reads that come before an organization is known, and the operator's view of all of them.
    fn system(&self) -> Arc<dyn SystemReads>;
}

macro_rules! sum {
    ($(#[$doc:meta])* $name:ident: $first:ident $(+ $more:ident)*) => {
        $(#[$doc])*
        pub trait $name: $first $(+ $more)* {}
        impl<T: $first $(+ $more)*> $name for T {}
    };
}

sum! {
    /// All reads of one organization; one trait per capability.
    OrgReads: AddressSessionReads
        + ApiKeyReads
        + ConsentReads
        + CounterReads
        + EventReads
        + FlowReads
        + NumberReads
        + OrganizationReads
        + SmsReads
        + TurnTakingReads
        + WebhookFeedReads
}

sum! {
    /// Reads that are not scoped to an organization. For routing, authentication and operators
    /// only.
    SystemReads: Upkeep + Census + KeyDirectory + OrganizationDirectory + SmsRouting
}

/// What operators see of all organizations.
#[async_trait]
pub trait Census: Send + Sync {
    /// Counts over all organizations, for `/metrics`. It takes as long however much there is.
    async fn counts(&self) -> Result<Counts, StoreError>;
}

/// Counts over all organizations. Nothing is counted beyond [`Counts::MOST`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages whose sending is in doubt.
    pub messages_in_doubt: i64,
    /// Jobs by kind and state (`queued`, `running`, `failed`), at most [`Counts::MOST`] of each
    /// state.
    pub jobs: Vec<(String, String, i64)>,
    /// Deliveries that wait or are being tried.
    pub deliveries_pending: i64,
}

impl Counts {
    /// How far a store counts.
    pub const MOST: i64 = 10_000;
}
