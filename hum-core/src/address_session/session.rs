use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    address::AddressInput,
    geocode::Coordinates,
    kernel::{
        clock::Timestamp,
        id::{AddressSessionId, OrgId},
        named::named,
        page::{Page, Paged},
        store::StoreError,
    },
};

use super::Found;

/// One address lookup of a client, and what was found. Its token is not in it.
#[derive(Debug, Clone, PartialEq)]
pub struct AddressSession {
    /// Which, for the organization; worthless as a token.
    pub id: AddressSessionId,
    /// Whose.
    pub org: OrgId,
    /// SHA-256 of the token. Unique in the organization.
    pub token_hash: [u8; 32],
    /// What the client asked, word for word.
    pub request: SessionRequest,
    /// What the agents found so far; cleared when the session is closed.
    pub found: Found,
    /// When it was made.
    pub created_at: Timestamp,
    /// When an agent last changed it, or it was closed.
    pub updated_at: Timestamp,
    /// From this instant on it is expired. Each use moves it.
    pub expires_at: Timestamp,
    /// When it was closed by its client.
    pub closed_at: Option<Timestamp>,
    /// Store version.
    pub version: i64,
}

/// What a client asks. Echoed as it was sent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionRequest {
    /// House number and street.
    pub street1: String,
    /// Unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street2: Option<String>,
    /// City.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// State.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// ZIP or ZIP+4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zip: Option<String>,
    /// Degrees north. Together with the longitude, or not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latitude: Option<f64>,
    /// Degrees east.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longitude: Option<f64>,
    /// The client's own name for where the session came from, 1 to 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign_id: Option<String>,
}

impl SessionRequest {
    /// The address in it.
    pub fn address(&self) -> AddressInput {
        AddressInput {
            street1: self.street1.clone(),
            street2: self.street2.clone(),
            city: self.city.clone(),
            state: self.state.clone(),
            zip: self.zip.clone(),
        }
    }

    /// Where the client says that it is.
    pub fn coordinates(&self) -> Option<Coordinates> {
        Some(Coordinates { latitude: self.latitude?, longitude: self.longitude? })
    }
}

named! {
    /// Whether a session can be used.
    pub enum SessionStatus {
        /// It can.
        Open = "open",
        /// Its client closed it.
        Closed = "closed",
        /// Nobody used it for too long.
        Expired = "expired",
    }
}

impl AddressSession {
    /// Whether it can be used at `now`.
    pub fn status(&self, now: Timestamp) -> SessionStatus {
        if self.closed_at.is_some() {
            SessionStatus::Closed
        } else if now >= self.expires_at {
            SessionStatus::Expired
        } else {
            SessionStatus::Open
        }
    }
}

/// Reads of address sessions.
#[async_trait]
pub trait AddressSessionReads: Send + Sync {
    /// The one whose token has this SHA-256, closed and expired ones too.
    async fn find_address_session(&self, token_hash: &[u8; 32]) -> Result<Option<AddressSession>, StoreError>;
    /// By id.
    async fn address_session(&self, id: AddressSessionId) -> Result<Option<AddressSession>, StoreError>;
    /// Newest first; of one campaign, if one is named.
    async fn list_address_sessions(&self, campaign_id: Option<&str>, page: &Page) -> Result<Paged<AddressSession>, StoreError>;
}
