use std::{fmt, str::FromStr};

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use crate::kernel::{
    clock::Timestamp,
    entropy::{BASE62, Entropy},
    id::{ApiKeyId, OrgId},
    page::{Page, Paged},
    store::StoreError,
};

use super::{Caller, Role};

/// What is kept of an API key: never the key itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Which.
    pub id: ApiKeyId,
    /// Whose.
    pub org: OrgId,
    /// For people.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Narrows the role.
    pub scopes: Vec<String>,
    /// SHA-256 of the key's text.
    pub hash: [u8; 32],
    /// The last four characters, so that people can tell keys apart.
    pub last_four: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// Since when it is refused.
    pub revoked_at: Option<Timestamp>,
    /// Store version.
    pub version: i64,
}

impl ApiKey {
    /// The caller that this key makes.
    pub fn caller(&self) -> Caller {
        Caller { org: self.org, key: Some(self.id), role: self.role, scopes: self.scopes.clone() }
    }
}

/// Whether a key acts on the real carrier. hum treats both alike; the prefix is for people and secret scanners.
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

/// The key itself: prefix, 31 base-62 characters (184 random bits) and a CRC-32 in six more, so that a scanner can tell
/// a real key from chance offline. Shown once; `Debug` hides it.
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
        let known = [KeyMode::Live, KeyMode::Test].into_iter().any(|mode| text.starts_with(mode.prefix()));
        if !known || !text.is_ascii() || text.len() != KeyMode::Live.prefix().len() + RANDOM_CHARS + 6 {
            return Err(NotAKey);
        }
        let (body, sum) = text.split_at(text.len() - 6);
        if checksum(body) == sum { Ok(Self(text.to_owned())) } else { Err(NotAKey) }
    }
}

impl fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeySecret(…)")
    }
}

/// Reads of API keys.
#[async_trait]
pub trait ApiKeyReads: Send + Sync {
    /// By id.
    async fn api_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError>;
    /// Newest first, revoked ones too.
    async fn list_api_keys(&self, page: &Page) -> Result<Paged<ApiKey>, StoreError>;
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
        assert_eq!(key.reveal().parse::<ApiKeySecret>().unwrap().hash(), key.hash());
        let mut typo = key.reveal().to_owned();
        typo.replace_range(12..13, if &typo[12..13] == "a" { "b" } else { "a" });
        assert!(typo.parse::<ApiKeySecret>().is_err());
        assert!("hum_live_".parse::<ApiKeySecret>().is_err());
        assert_eq!(format!("{key:?}"), "ApiKeySecret(…)");
    }
}
