use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::kernel::entropy::Entropy;

/// What a client holds to use its session: 22 base-62 characters, 131 random bits. Shown once, in
/// the answer to the creation; stored as SHA-256; `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken(String);

const CHARS: usize = 22;

impl SessionToken {
    /// Draws a new token.
    pub fn draw(entropy: &dyn Entropy) -> Self {
        Self(entropy.base62(CHARS))
    }

    /// A text that may be a token; `None` when it cannot be one.
    pub fn read(text: &str) -> Option<Self> {
        let fits = text.len() == CHARS && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        fits.then(|| Self(text.to_owned()))
    }

    /// The text to show once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is stored.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(…)")
    }
}
