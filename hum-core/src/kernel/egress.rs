//! The port for every HTTP call to an address that a customer typed.

use std::time::Duration;

use async_trait::async_trait;

use crate::kernel::cipher::Secret;

/// Sends HTTP requests to addresses that customers typed, and only to public ones.
///
/// An adapter resolves the name itself, refuses the whole answer if any address in it is private,
/// loopback, link-local, CGNAT, NAT64, metadata or otherwise not public, connects to the checked
/// address without a second lookup, follows no redirect, stops reading at `max_response_bytes` and
/// gives up after `timeout`. It never sends a request twice by itself.
#[async_trait]
pub trait Egress: Send + Sync {
    /// Sends one request. A 3xx, 4xx or 5xx answer is an answer, not an error.
    async fn send(&self, request: EgressRequest) -> Result<EgressResponse, EgressError>;

    /// Checks an address when it is typed in: scheme, host form, literal addresses; looks nothing
    /// up.
    ///
    /// # Errors
    /// A sentence for the person who typed it.
    fn check(&self, url: &str) -> Result<(), String>;
}

/// One request.
#[derive(Debug, Clone)]
pub struct EgressRequest {
    /// `http` or `https`, absolute.
    pub url: String,
    /// Sent as they are; names in lower case.
    pub headers: Vec<(String, Secret<String>)>,
    /// The raw body of a POST.
    pub body: Vec<u8>,
    /// From the first lookup to the last byte.
    pub timeout: Duration,
    /// Reading stops here; what was read so far is answered, `truncated`.
    pub max_response_bytes: usize,
}

/// What the other side answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EgressResponse {
    /// HTTP status.
    pub status: u16,
    /// `Retry-After` in seconds, when it was a number of seconds.
    pub retry_after: Option<Duration>,
    /// The body, up to the limit.
    pub body: Vec<u8>,
    /// The body was longer than the limit.
    pub truncated: bool,
}

/// The request got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// The address is not allowed. Nothing was sent. Worth retrying only because a name may resolve
    /// to another address later.
    #[error("refused: {0}")]
    Refused(String),
    /// No connection. Nothing was sent. Worth retrying.
    #[error("could not connect: {0}")]
    NotConnected(String),
    /// No complete answer. The other side may have acted on it. Worth retrying with the same id.
    #[error("no answer: {0}")]
    NoAnswer(String),
}
