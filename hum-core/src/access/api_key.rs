use std::{fmt, str::FromStr};

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use crate::kernel::{
    actor::Actor,
    clock::Timestamp,
    decide::Moment,
    entropy::{BASE62, Entropy},
    id::{ApiKeyId, OrgId},
    page::{Page, Paged},
    record::{RecordReads, get, newest, record},
    store::StoreError,
};

use super::{Caller, NewApiKey, Role};

record! {
    /// What is kept of an API key: never the key itself.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ApiKey in "api_key" {
        /// Whose.
        key pub org: OrgId => "org_id",
        /// Which.
        key pub id: ApiKeyId => "id",
        /// For people.
        column pub name: String => "name",
        /// What it may do.
        column pub role: Role => "role",
        /// Narrows the role.
        json pub scopes: Vec<String> => "scopes",
        /// SHA-256 of the key's text.
        fixed pub hash: [u8; 32] => "hash",
        /// The last four characters, so that people can tell keys apart.
        fixed pub last_four: String => "last_four",
        /// When it was made.
        fixed pub created_at: Timestamp => "created_at",
        /// When it was last used, to the minute. Written by [`KeyDirectory::touch_api_key`] alone,
        /// without a version: a change of the key must not turn it back.
        fixed pub last_used_at: Option<Timestamp> => "last_used_at",
        /// Since when it is refused.
        column revoked_at: Option<Timestamp> => "revoked_at",
        /// Store version.
        version pub version: i64 => "version",
    }
    unique { ["hash"] }
}

impl ApiKey {
    pub(super) fn new(
        org: OrgId,
        new: &NewApiKey,
        secret: &ApiKeySecret,
        moment: Moment<'_>,
    ) -> Self {
        Self {
            id: ApiKeyId::new(moment.now, moment.entropy),
            org,
            name: new.name.clone(),
            role: new.role,
            scopes: new.scopes.clone(),
            hash: secret.hash(),
            last_four: secret.last_four(),
            created_at: moment.now,
            last_used_at: None,
            revoked_at: None,
            version: 0,
        }
    }

    /// Since when it is refused.
    pub fn revoked_at(&self) -> Option<Timestamp> {
        self.revoked_at
    }

    /// The key, refused from `at` on; `None` when it is refused already.
    pub(super) fn revoke(self, at: Timestamp) -> Option<Self> {
        self.revoked_at.is_none().then_some(Self {
            revoked_at: Some(at),
            ..self
        })
    }

    /// The caller that this key makes.
    pub fn caller(&self) -> Caller {
        Caller {
            org: self.org,
            actor: Actor::Key(self.id),
            role: self.role,
            scopes: self.scopes.clone(),
        }
    }
}

/// Whether a key acts on the real carrier. hum treats both alike; the prefix is for people and
/// secret scanners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyMode {
    /// `hum_live_…`
    Live,
    /// `hum_test_…`
    Test,
}

impl KeyMode {
    fn prefix(self) -> &'static str {
        match self {
            Self::Live => "hum_live_",
            Self::Test => "hum_test_",
        }
    }
}

/// The key itself: prefix, 31 base-62 characters (184 random bits) and a CRC-32 in six more, so
/// that a scanner can tell a real key from chance offline. Shown once; `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeySecret(String);

const RANDOM_CHARS: usize = 31;

impl ApiKeySecret {
    /// Draws a new key.
    pub fn draw(mode: KeyMode, entropy: &dyn Entropy) -> Self {
        let mut text = format!("{}{}", mode.prefix(), entropy.base62(RANDOM_CHARS));
        let sum = checksum(&text);
        text.push_str(&sum);
        Self(text)
    }

    /// The text to show once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is stored.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// The last four characters.
    pub fn last_four(&self) -> String {
        self.0[self.0.len() - 4..].to_owned()
    }
}

fn checksum(text: &str) -> String {
    let mut rest = crc32fast::hash(text.as_bytes());
    let mut chars = [b'0'; 6];
    for char in chars.iter_mut().rev() {
        *char = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    chars.iter().map(|char| char::from(*char)).collect()
}

/// The text cannot be a hum API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a hum API key")]
pub struct NotAKey;

impl FromStr for ApiKeySecret {
    type Err = NotAKey;
    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let known = [KeyMode::Live, KeyMode::Test]
            .into_iter()
            .any(|mode| text.starts_with(mode.prefix()));
        if !known
            || !text.is_ascii()
            || text.len() != KeyMode::Live.prefix().len() + RANDOM_CHARS + 6
        {
            return Err(NotAKey);
        }
        let (body, sum) = text.split_at(text.len() - 6);
        if checksum(body) == sum {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAKey)
        }
    }
}

impl fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeySecret(…)")
    }
}

/// Reads of API keys.
#[async_trait]
pub trait ApiKeyReads: RecordReads {
    /// By id.
    async fn api_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        get(self, &id).await
    }

    /// Newest first, revoked ones too.
    async fn list_api_keys(&self, page: &Page) -> Result<Paged<ApiKey>, StoreError> {
        newest(self, page).await
    }
}

impl<T: RecordReads + ?Sized> ApiKeyReads for T {}

/// Keys before their organization is known: for authentication only.
#[async_trait]
pub trait KeyDirectory: Send + Sync {
    /// The key with this SHA-256, revoked ones too, so that the caller decides what to say.
    async fn find_api_key(&self, hash: &[u8; 32]) -> Result<Option<ApiKey>, StoreError>;
    /// Records, without a batch, that a key was used. May be lost; never fails a request.
    async fn touch_api_key(
        &self,
        org: OrgId,
        key: ApiKeyId,
        at: Timestamp,
    ) -> Result<(), StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Count(std::sync::atomic::AtomicU8);
    impl Entropy for Count {
        fn fill(&self, bytes: &mut [u8]) {
            for byte in bytes {
                *byte = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn a_drawn_key_parses_and_a_typo_does_not() {
        let key = ApiKeySecret::draw(KeyMode::Test, &Count(0.into()));
        assert!(key.reveal().starts_with("hum_test_"));
        assert_eq!(
            key.reveal().parse::<ApiKeySecret>().unwrap().hash(),
            key.hash()
        );
        let mut typo = key.reveal().to_owned();
        typo.replace_range(12..13, if &typo[12..13] == "a" { "b" } else { "a" });
        assert!(typo.parse::<ApiKeySecret>().is_err());
        assert!("hum_live_".parse::<ApiKeySecret>().is_err());
        assert_eq!(format!("{key:?}"), "ApiKeySecret(…)");
    }
}
