use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    address::AddressInput,
    geocode::Coordinates,
    kernel::{
        clock::Timestamp,
        decide::Moment,
        entropy::Entropy,
        id::{AddressSessionId, OrgId},
        named::named,
        page::{Page, Paged},
        record::{Field as _, Sample, record},
        store::StoreError,
    },
};

use super::{Found, SessionToken};

record! {
    /// One address lookup of a client, and what was found. Its token is not in it.
    #[derive(Debug, Clone, PartialEq)]
    pub struct AddressSession in "address_session" {
        /// Whose.
        key pub org: OrgId => "org_id",
        /// Which, for the organization; worthless as a token.
        key pub id: AddressSessionId => "id",
        /// SHA-256 of the token. Unique in the organization.
        fixed pub token_hash: [u8; 32] => "token_hash",
        /// What the client asked, word for word.
        fixed_json pub request: SessionRequest => "request",
        /// What the agents found so far; cleared when the session is closed.
        json found: Found => "found",
        /// When it was made.
        fixed pub created_at: Timestamp => "created_at",
        /// When an agent last changed it, or it was closed.
        column updated_at: Timestamp => "updated_at",
        /// From this instant on it is expired. Each use moves it.
        column expires_at: Timestamp => "expires_at",
        /// When it was closed by its client.
        column closed_at: Option<Timestamp> => "closed_at",
        /// Store version.
        version pub version: i64 => "version",
    }
    unique { ["org_id", "token_hash"] }
    derived {
        fixed "campaign_id": Option<String> = |session| session.request.campaign_id.clone();
    }
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
        Some(Coordinates {
            latitude: self.latitude?,
            longitude: self.longitude?,
        })
    }
}

impl Sample for SessionRequest {
    fn sample(entropy: &dyn Entropy) -> Self {
        // Few digits, so that JSON gives back the very number.
        let degrees = || (entropy.below(4) > 0).then(|| entropy.below(90 << 10) as f64 / 1024.0);
        Self {
            street1: String::sample(entropy),
            street2: Option::sample(entropy),
            city: Option::sample(entropy),
            state: Option::sample(entropy),
            zip: Option::sample(entropy),
            latitude: degrees(),
            longitude: degrees(),
            campaign_id: Option::sample(entropy),
        }
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
    /// A new session, which expires at `expires_at` unless somebody uses it.
    pub fn open(
        org: OrgId,
        token: &SessionToken,
        request: SessionRequest,
        found: Found,
        expires_at: Timestamp,
        moment: Moment<'_>,
    ) -> Self {
        let Moment { now, entropy } = moment;
        Self {
            org,
            id: AddressSessionId::new(now, entropy),
            token_hash: token.hash(),
            request,
            found,
            created_at: now,
            updated_at: now,
            expires_at,
            closed_at: None,
            version: 0,
        }
    }

    /// What the agents found so far.
    pub fn found(&self) -> &Found {
        &self.found
    }

    /// When an agent last changed it, or it was closed.
    pub fn updated_at(&self) -> Timestamp {
        self.updated_at
    }

    /// From this instant on it is expired.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// When it was closed by its client.
    pub fn closed_at(&self) -> Option<Timestamp> {
        self.closed_at
    }

    /// Whether an agent still works for it. An expired session is looked after too: a wall clock
    /// that is set back would make it open again, and pending for ever, and lists show it as long
    /// as it is kept.
    pub fn wants_more(&self) -> bool {
        self.closed_at.is_none() && self.found.is_pending()
    }

    /// Was used: it expires at `expires_at`.
    pub fn use_until(self, expires_at: Timestamp) -> Self {
        Self { expires_at, ..self }
    }

    /// Closed from now on, and nothing is left of what was found.
    pub fn close(self, now: Timestamp) -> Self {
        Self {
            closed_at: Some(now),
            updated_at: now,
            found: Found::cleared(),
            ..self
        }
    }

    /// What its agents found by now; `None` when that is nothing new.
    pub fn learn(self, found: &Found, now: Timestamp) -> Option<Self> {
        (self.found != *found).then(|| Self {
            found: found.clone(),
            updated_at: now,
            ..self
        })
    }

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
    async fn find_address_session(
        &self,
        token_hash: &[u8; 32],
    ) -> Result<Option<AddressSession>, StoreError>;
    /// By id.
    async fn address_session(
        &self,
        id: AddressSessionId,
    ) -> Result<Option<AddressSession>, StoreError>;
    /// Newest first; of one campaign, if one is named.
    async fn list_address_sessions(
        &self,
        campaign_id: Option<&str>,
        page: &Page,
    ) -> Result<Paged<AddressSession>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{
        entropy::Zero,
        record::{Record as _, Value},
    };

    fn session() -> AddressSession {
        let now = Timestamp::from_micros(1_767_225_600_000_000);
        let moment = Moment {
            now,
            entropy: &Zero,
        };
        let request = SessionRequest {
            campaign_id: Some("spring".into()),
            latitude: Some(42.473_421_5),
            ..SessionRequest::default()
        };
        let token = SessionToken::draw(&Zero);
        AddressSession::open(
            OrgId::new(now, &Zero),
            &token,
            request,
            Found::default(),
            now,
            moment,
        )
    }

    #[test]
    fn only_news_is_learnt() {
        let now = Timestamp::from_micros(1_767_225_601_000_000);
        assert_eq!(session().learn(&Found::default(), now), None);
        let learnt = session()
            .learn(&Found::cleared(), now)
            .expect("that is new");
        assert_eq!(
            (learnt.found(), learnt.updated_at()),
            (&Found::cleared(), now)
        );
    }

    #[test]
    fn every_part_is_stored_and_the_campaign_can_be_searched() {
        let row = session().to_row();
        assert_eq!(row.get("campaign_id"), &Value::from("spring"));
        assert_eq!(AddressSession::from_row(row).expect("a session"), session());
    }
}
