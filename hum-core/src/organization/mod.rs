//! The tenant and its carrier account.

mod organizations;

use serde::{Deserialize, Serialize};

use crate::kernel::{cipher::Secret, clock::Timestamp, id::OrgId, named::named};

pub use organizations::{NewOrganization, OrganizationPatch, SetCarrierAccount};

/// A tenant: every other record belongs to exactly one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Who.
    pub id: OrgId,
    /// Unique short name for commands: `[a-z0-9-]{1,63}`.
    pub slug: String,
    /// For people.
    pub name: String,
    /// Who confirms STOP, START and HELP.
    pub keyword_replies: KeywordReplies,
    /// When it was made.
    pub created_at: Timestamp,
    /// Store version.
    pub version: i64,
}

named! {
    /// Who confirms STOP, START and HELP. Exactly one of the two must, or people get two texts.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum KeywordReplies {
        /// The carrier does, as Twilio does unless Advanced Opt-Out is off
        /// (<https://help.twilio.com/articles/223134027>).
        Carrier = "carrier",
        /// hum sends one text with a fixed wording, within five minutes.
        Hum = "hum",
    }
}

/// An organization's own account at the carrier. Tokens are sealed at rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarrierAccount {
    /// Whose; an organization has at most one.
    pub org: OrgId,
    /// The carrier's account id, such as `AC…`.
    pub account_sid: String,
    /// Sealed primary auth token.
    pub auth_token: Vec<u8>,
    /// Sealed secondary auth token: accepted on webhooks while tokens are being rotated.
    pub secondary_auth_token: Option<Vec<u8>>,
    /// When it was set.
    pub updated_at: Timestamp,
    /// Store version.
    pub version: i64,
}

/// Opened credentials, passed to the carrier adapter with each call, so that "acting as whom" stays visible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarrierCredentials {
    /// The carrier's account id.
    pub account_sid: String,
    /// Signs requests both ways.
    pub auth_token: Secret<String>,
    /// Also accepted on webhooks.
    pub secondary_auth_token: Option<Secret<String>>,
}

impl CarrierAccount {
    pub(crate) fn context(org: OrgId, column: &str) -> String {
        format!("{org}|carrier_account|{column}")
    }
}
