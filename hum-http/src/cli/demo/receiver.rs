use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use hum_core::{
    clock::Timestamp,
    webhook::{WebhookSecret, sign},
};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::cli::Failure;

/// The customer's endpoint: a server of its own that believes nothing that is not signed.
pub struct Receiver {
    pub url: String,
    state: Arc<Mutex<Received>>,
}

#[derive(Default)]
struct Received {
    secret: Option<WebhookSecret>,
    verified: Vec<Value>,
    forged: usize,
}

fn lock(state: &Mutex<Received>) -> MutexGuard<'_, Received> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Receiver {
    /// On a free port of this machine.
    pub async fn start() -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Failure::new(format!("no port for the customer's endpoint: {error}"))
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let url = format!(
            "http://{}/hum-events",
            listener.local_addr().map_err(failed)?
        );
        let state = Arc::<Mutex<Received>>::default();
        let router = Router::new().fallback(receive).with_state(state.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, state })
    }

    /// What webhooks must be signed with.
    pub fn expect_secret(&self, secret: WebhookSecret) {
        lock(&self.state).secret = Some(secret);
    }

    /// The events that were verified since the last call.
    pub fn take_verified(&self) -> Vec<Value> {
        std::mem::take(&mut lock(&self.state).verified)
    }

    /// How many requests were not signed as they should be.
    pub fn forged(&self) -> usize {
        lock(&self.state).forged
    }
}

async fn receive(
    State(state): State<Arc<Mutex<Received>>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let mut received = lock(&state);
    match received
        .secret
        .as_ref()
        .and_then(|secret| verified(secret, &headers, &body))
    {
        Some(event) => {
            received.verified.push(event);
            StatusCode::NO_CONTENT
        }
        None => {
            received.forged += 1;
            StatusCode::UNAUTHORIZED
        }
    }
}

/// The event, if the request was signed with `secret` over its id, time and body.
fn verified(secret: &WebhookSecret, headers: &HeaderMap, body: &[u8]) -> Option<Value> {
    let header = |name: &str| headers.get(name)?.to_str().ok();
    let seconds: i64 = header("webhook-timestamp")?.parse().ok()?;
    let at = Timestamp::from_micros(seconds.checked_mul(1_000_000)?);
    let expected = sign(
        std::slice::from_ref(secret),
        header("webhook-id")?.parse().ok()?,
        at,
        body,
    );
    let matches = expected
        .iter()
        .all(|(name, value)| header(name) == Some(value.as_str()));
    if matches {
        serde_json::from_slice(body).ok()
    } else {
        None
    }
}
