//! Phone numbers: the customer's own, and the form they all have.

mod numbers;

use async_trait::async_trait;

use crate::kernel::{
    clock::Timestamp,
    id::{FlowId, NumberId, OrgId},
    page::{Page, Paged},
    store::StoreError,
};

pub use crate::kernel::e164::{E164, NotE164};
pub use numbers::{NewNumber, NumberPatch};

/// A number that an organization receives and sends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// Which.
    pub id: NumberId,
    /// Whose.
    pub org: OrgId,
    /// The number.
    pub e164: E164,
    /// The carrier account it is bought on. (account, number) is unique, so nobody can take over another's number.
    pub carrier_account: String,
    /// For people.
    pub friendly_name: String,
    /// Answers calls.
    pub flow_id: Option<FlowId>,
    /// Answers texts.
    pub sms_flow_id: Option<FlowId>,
    /// Whether the agent answers texts. Incoming texts are stored either way.
    pub sms_enabled: bool,
    /// When it was registered.
    pub created_at: Timestamp,
    /// Store version.
    pub version: i64,
}

/// Reads of numbers.
#[async_trait]
pub trait NumberReads: Send + Sync {
    /// By id.
    async fn number(&self, id: NumberId) -> Result<Option<Number>, StoreError>;
    /// Newest first.
    async fn list_numbers(&self, page: &Page) -> Result<Paged<Number>, StoreError>;
}
