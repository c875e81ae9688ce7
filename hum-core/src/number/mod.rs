//! Phone numbers: the customer's own, and the form they all have.

mod numbers;

use async_trait::async_trait;

use crate::kernel::{
    clock::Timestamp,
    id::{FlowId, NumberId, OrgId},
    page::{Page, Paged},
    record::{RecordReads, RecordType, get, newest, record},
    store::StoreError,
};

pub use crate::kernel::e164::{E164, NotE164};
pub use numbers::{NewNumber, NumberPatch, Numbers};

record! {
    /// A number that an organization receives and sends on.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Number in "number" {
        /// Whose.
        key pub org: OrgId => "org_id",
        /// Which.
        key pub id: NumberId => "id",
        /// The number.
        column pub e164: E164 => "e164",
        /// The carrier account it is bought on. (account, number) is unique, so nobody can take
        /// over another's number.
        column pub carrier_account: String => "carrier_account",
        /// For people.
        column pub friendly_name: String => "friendly_name",
        /// Answers calls.
        column pub flow_id: Option<FlowId> => "flow_id",
        /// Answers texts.
        column pub sms_flow_id: Option<FlowId> => "sms_flow_id",
        /// Whether the agent answers texts. Incoming texts are stored either way.
        column pub sms_enabled: bool => "sms_enabled",
        /// When it was registered.
        fixed pub created_at: Timestamp => "created_at",
        /// Store version.
        version pub version: i64 => "version",
    }
    unique { ["carrier_account", "e164"] }
}

/// Reads of numbers.
#[async_trait]
pub trait NumberReads: RecordReads {
    /// By id.
    async fn number(&self, id: NumberId) -> Result<Option<Number>, StoreError> {
        get(self, &id).await
    }

    /// Newest first.
    async fn list_numbers(&self, page: &Page) -> Result<Paged<Number>, StoreError> {
        newest(self, page).await
    }
}

impl<T: RecordReads + ?Sized> NumberReads for T {}

/// What is stored of numbers.
pub(crate) const RECORDS: &[RecordType] = &[RecordType::of::<Number>()];
