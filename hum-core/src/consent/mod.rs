//! Whether a contact may be texted.

mod keyword;
mod opt_outs;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    kernel::{
        clock::Timestamp,
        id::OrgId,
        named::named,
        page::{Page, Paged},
        store::StoreError,
    },
    number::E164,
};

pub use keyword::Keyword;

/// What an organization knows of a contact's consent. Exists for every contact that has a conversation, so that a
/// send can be guarded by its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// Whose.
    pub org: OrgId,
    /// About whom.
    pub contact: E164,
    /// What holds now.
    pub state: ConsentState,
    /// Store version.
    pub version: i64,
}

/// What holds now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsentState {
    /// The contact never said.
    Unsaid,
    /// Not a text leaves, save one confirmation.
    OptedOut {
        /// Since when.
        at: Timestamp,
        /// How hum learnt it.
        source: ConsentSource,
    },
    /// Was opted out and came back.
    OptedIn {
        /// Since when.
        at: Timestamp,
        /// How hum learnt it.
        source: ConsentSource,
    },
}

named! {
    /// How hum learnt of a change of consent.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum ConsentSource {
        /// The contact texted a keyword.
        Keyword = "keyword",
        /// Somebody used the API; there is an audit row.
        Api = "api",
        /// The carrier refused a send because of it (Twilio error 21610).
        Carrier = "carrier",
    }
}

impl Consent {
    /// Of a contact who never said.
    pub fn unsaid(org: OrgId, contact: E164) -> Self {
        Self { org, contact, state: ConsentState::Unsaid, version: 0 }
    }

    /// Whether nothing may be sent.
    pub fn is_opted_out(&self) -> bool {
        matches!(self.state, ConsentState::OptedOut { .. })
    }
}

/// Reads of consent.
#[async_trait]
pub trait ConsentReads: Send + Sync {
    /// What is known about a contact.
    async fn consent(&self, contact: &E164) -> Result<Option<Consent>, StoreError>;
    /// Those who are opted out, by number.
    async fn list_opted_out(&self, page: &Page) -> Result<Paged<Consent>, StoreError>;
}
