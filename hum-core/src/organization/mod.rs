//! The tenant and its carrier account.

mod organizations;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::kernel::{
    clock::Timestamp,
    id::OrgId,
    named::named,
    record::{RecordType, record},
    store::StoreError,
};

pub use organizations::{NewOrganization, OrganizationPatch, Organizations, SetCarrierAccount};

record! {
    /// A tenant: every other record belongs to exactly one.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Organization in "organization" {
        /// Who.
        key pub id: OrgId => "org_id",
        /// Unique short name for commands: `[a-z0-9-]{1,63}`.
        column pub slug: String => "slug",
        /// For people.
        column pub name: String => "name",
        /// Who confirms STOP, START and HELP.
        column pub keyword_replies: KeywordReplies => "keyword_replies",
        /// When it was made.
        fixed pub created_at: Timestamp => "created_at",
        /// Store version.
        version pub version: i64 => "version",
    }
    unique { ["slug"] }
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

record! {
    /// An organization's own account at the carrier. Tokens are sealed at rest.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct CarrierAccount in "carrier_account" {
        /// Whose; an organization has at most one.
        key pub org: OrgId => "org_id",
        /// The carrier's account id, such as `AC…`.
        column pub account_sid: String => "account_sid",
        /// Sealed primary auth token.
        column pub auth_token: Vec<u8> => "auth_token",
        /// Sealed secondary auth token: accepted on webhooks while tokens are being rotated.
        column pub secondary_auth_token: Option<Vec<u8>> => "secondary_auth_token",
        /// When it was set.
        column pub updated_at: Timestamp => "updated_at",
        /// Store version.
        version pub version: i64 => "version",
    }
    unique { ["account_sid"] }
}

impl CarrierAccount {
    pub(crate) fn context(org: OrgId, column: &str) -> String {
        format!("{org}|carrier_account|{column}")
    }
}

/// The organization itself.
#[async_trait]
pub trait OrganizationReads: Send + Sync {
    /// The organization.
    async fn organization(&self) -> Result<Option<Organization>, StoreError>;
    /// Its own carrier account, if it has one.
    async fn carrier_account(&self) -> Result<Option<CarrierAccount>, StoreError>;
}

/// Organizations by what others call them: for commands and for webhooks of the carrier.
#[async_trait]
pub trait OrganizationDirectory: Send + Sync {
    /// By slug.
    async fn find_organization(&self, slug: &str) -> Result<Option<Organization>, StoreError>;
    /// Every organization, oldest first.
    async fn list_organizations(&self) -> Result<Vec<Organization>, StoreError>;
    /// The organization's own carrier account with this sid.
    async fn find_carrier_account(
        &self,
        account_sid: &str,
    ) -> Result<Option<CarrierAccount>, StoreError>;
}

/// What is stored here.
pub(crate) const RECORDS: &[RecordType] = &[
    RecordType::of::<Organization>(),
    RecordType::of::<CarrierAccount>(),
];
