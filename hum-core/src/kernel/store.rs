//! The port to durable memory: commit a batch, read what an organization has.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    access::{ApiKey, ApiKeyReads},
    address_session::AddressSessionReads,
    consent::ConsentReads,
    flow::FlowReads,
    kernel::{
        batch::{Batch, Committed},
        clock::Timestamp,
        event::EventReads,
        id::OrgId,
        idempotency::StoredReplyReads,
    },
    number::{E164, NumberReads},
    organization::{CarrierAccount, Organization},
    sms::{ConversationReads, InboundState, MessageReads, SendAttempt},
    turn::TurnReads,
    webhook::WebhookReads,
};

/// Durable, shared memory.
///
/// **Commit** applies a whole batch or nothing and answers only when it would survive a power cut.
/// **Reads** see every commit that was answered before the read began. What is not found is `None`, never an error.
/// Everything outside [`SystemReads`] is opened for one organization and cannot see another one's rows.
#[async_trait]
pub trait Store: Send + Sync {
    /// Applies `batch` atomically.
    ///
    /// # Errors
    /// `Conflict`: nothing was written; load and decide again. `Store`: unknown whether it was written.
    async fn commit(&self, batch: Batch) -> Result<Committed, CommitError>;

    /// Reads of one organization.
    fn org(&self, org: OrgId) -> Arc<dyn OrgReads>;

    /// Reads that come before an organization is known, and the operator's view of all of them.
    fn system(&self) -> &dyn SystemReads;
}

/// All reads of one organization; one trait per capability.
pub trait OrgReads:
    AddressSessionReads
    + ApiKeyReads
    + ConsentReads
    + ConversationReads
    + EventReads
    + FlowReads
    + MessageReads
    + NumberReads
    + OrganizationReads
    + StoredReplyReads
    + TurnReads
    + WebhookReads
{
}

impl<T> OrgReads for T where
    T: AddressSessionReads
        + ApiKeyReads
        + ConsentReads
        + ConversationReads
        + EventReads
        + FlowReads
        + MessageReads
        + NumberReads
        + OrganizationReads
        + StoredReplyReads
        + TurnReads
        + WebhookReads
{
}

/// The organization itself.
#[async_trait]
pub trait OrganizationReads: Send + Sync {
    /// The organization.
    async fn organization(&self) -> Result<Option<Organization>, StoreError>;
    /// Its own carrier account, if it has one.
    async fn carrier_account(&self) -> Result<Option<CarrierAccount>, StoreError>;
}

/// Reads that are not scoped to an organization. For routing, authentication and operators only.
#[async_trait]
pub trait SystemReads: Send + Sync {
    /// `Ok` when the store answers and its schema is the one this build expects.
    async fn ready(&self) -> Result<(), StoreError>;
    /// The key with this SHA-256, revoked ones too, so that the caller decides what to say.
    async fn find_api_key(&self, hash: &[u8; 32]) -> Result<Option<ApiKey>, StoreError>;
    /// By slug.
    async fn find_organization(&self, slug: &str) -> Result<Option<Organization>, StoreError>;
    /// Every organization, oldest first.
    async fn list_organizations(&self) -> Result<Vec<Organization>, StoreError>;
    /// The organization's own carrier account with this sid.
    async fn find_carrier_account(&self, account_sid: &str) -> Result<Option<CarrierAccount>, StoreError>;
    /// The attempt whose callback URL bears this token.
    async fn find_attempt(&self, token: &str) -> Result<Option<SendAttempt>, StoreError>;
    /// Everything that deciding about one inbound text needs, in one round trip:
    /// `None` when no organization has the number `to` on this carrier account.
    async fn load_inbound(
        &self,
        account_sid: &str,
        to: &E164,
        from: &E164,
        message_sid: &str,
    ) -> Result<Option<InboundState>, StoreError>;
    /// Counts over all organizations, for `/metrics`.
    async fn counts(&self) -> Result<Counts, StoreError>;
    /// Records, without a batch, that a key was used. May be lost; never fails a request.
    async fn touch_api_key(&self, org: OrgId, key: crate::kernel::id::ApiKeyId, at: Timestamp) -> Result<(), StoreError>;
    /// Deletes stored replies that expired before `now`; answers how many. Safe to repeat.
    async fn purge_expired(&self, now: Timestamp) -> Result<u64, StoreError>;
}

/// Counts over all organizations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages whose sending is in doubt.
    pub messages_in_doubt: i64,
    /// Jobs by kind and state (`queued`, `running`, `failed`).
    pub jobs: Vec<(String, String, i64)>,
    /// Deliveries that wait or are being tried.
    pub deliveries_pending: i64,
}

/// Reading failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// No connection, a time-out, a full disk. Worth retrying; a write may have happened.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// A stored row does not make sense. Not worth retrying.
    #[error("inconsistent data in {table}.{column}: {detail}")]
    Corrupt {
        /// Which table.
        table: &'static str,
        /// Which column.
        column: &'static str,
        /// What is wrong, without the value itself.
        detail: String,
    },
    /// The cursor was not made by this list.
    #[error("not a cursor of this list")]
    BadCursor,
}

/// Why a batch was not applied.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// The state moved since it was read. Nothing was written.
    #[error("{0}")]
    Conflict(Conflict),
    /// The store failed; the batch may or may not have been applied.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// A record has another version than the one it was read at.
    #[error("a record changed")]
    Changed,
    /// A new record's key, or a unique column, is taken.
    #[error("a record exists already")]
    Exists,
    /// The job is claimed by somebody else, or gone.
    #[error("the claim is stale")]
    StaleFence,
}
