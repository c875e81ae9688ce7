use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::kernel::{clock::Timestamp, entropy::Entropy, id::EventId};

/// A webhook's signing secret: `whsec_` and 32 random bytes in base64, as Standard Webhooks has
/// them. Shown once.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(String);

impl WebhookSecret {
    const PREFIX: &'static str = "whsec_";

    /// Draws a new secret.
    pub fn draw(entropy: &dyn Entropy) -> Self {
        Self(format!(
            "{}{}",
            Self::PREFIX,
            STANDARD.encode(entropy.bytes::<32>())
        ))
    }

    /// From what [`WebhookSecret::reveal`] gave; `None` when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let key = STANDARD.decode(text.strip_prefix(Self::PREFIX)?).ok()?;
        (key.len() >= 24).then(|| Self(text.to_owned()))
    }

    /// The text to show once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    fn key(&self) -> Vec<u8> {
        STANDARD
            .decode(&self.0[Self::PREFIX.len()..])
            .unwrap_or_default()
    }
}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// The headers that prove a delivery, signed with every secret that holds, the newest first.
///
/// Standard Webhooks (<https://github.com/standard-webhooks/standard-webhooks>): `webhook-id`,
/// `webhook-timestamp`, `webhook-signature` with one `v1,<base64>` per secret over
/// `id.timestamp.body`. Beside it the plain `X-HUM-Signature: sha256=<hex>` over the raw body, with
/// the text of the newest secret as key.
pub fn sign(
    secrets: &[WebhookSecret],
    id: EventId,
    at: Timestamp,
    body: &[u8],
) -> Vec<(&'static str, String)> {
    use std::fmt::Write as _;
    let id = id.to_string();
    let seconds = at.as_seconds().to_string();
    let signatures: Vec<String> = secrets
        .iter()
        .map(|secret| {
            let mac = hmac_sha256(
                &secret.key(),
                &[id.as_bytes(), b".", seconds.as_bytes(), b".", body],
            );
            format!("v1,{}", STANDARD.encode(mac))
        })
        .collect();
    let mut headers = vec![
        ("webhook-id", id),
        ("webhook-timestamp", seconds),
        ("webhook-signature", signatures.join(" ")),
    ];
    if let Some(newest) = secrets.first() {
        let mut hex = String::from("sha256=");
        for byte in hmac_sha256(newest.reveal().as_bytes(), &[body]) {
            let _ = write!(hex, "{byte:02x}");
        }
        headers.push(("x-hum-signature", hex));
    }
    headers
}
