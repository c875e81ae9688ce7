//! Whether a contact may be texted.

mod keyword;
mod opt_outs;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::kernel::{
    clock::Timestamp,
    e164::E164,
    id::OrgId,
    named::named,
    page::{Page, Paged},
    record::{RecordType, fields, record},
    store::StoreError,
};

pub use keyword::Keyword;
pub use opt_outs::OptOuts;

record! {
    /// What an organization knows of a contact's consent. Exists for every contact that has a
    /// conversation, so that a send can be guarded by its version.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Consent in "consent" {
        /// Whose.
        key pub org: OrgId => "org_id",
        /// About whom.
        key pub contact: E164 => "contact",
        /// What holds now.
        group state: ConsentState => ..,
        /// Store version.
        version pub version: i64 => "version",
    }
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

fields! {
    ConsentState by "state" {
        "unsaid" => Unsaid,
        "opted_out" => OptedOut { at: since, source: source },
        "opted_in" => OptedIn { at: since, source: source },
    } in {
        since: Timestamp,
        source: ConsentSource,
    }
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
        Self {
            org,
            contact,
            state: ConsentState::Unsaid,
            version: 0,
        }
    }

    /// What holds now.
    pub fn state(&self) -> &ConsentState {
        &self.state
    }

    /// From now on nothing may be sent; whether that is new.
    pub fn opt_out(&mut self, source: ConsentSource, now: Timestamp) -> bool {
        let is_new = !self.is_opted_out();
        if is_new {
            self.state = ConsentState::OptedOut { at: now, source };
        }
        is_new
    }

    /// The contact came back; whether it was away.
    pub fn opt_in(&mut self, source: ConsentSource, now: Timestamp) -> bool {
        let is_new = self.is_opted_out();
        if is_new {
            self.state = ConsentState::OptedIn { at: now, source };
        }
        is_new
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

/// What is stored here.
pub(crate) const RECORDS: &[RecordType] = &[RecordType::of::<Consent>()];
