//! The port for every HTTP call to an address that a customer typed.

use std::time::Duration;

use async_trait::async_trait;

use crate::kernel::cipher::Secret;

/// Sends HTTP requests to addresses that customers typed, and only to public ones.
///
/// An adapter resolves the name itself, refuses the whole answer if any address in it is private,
/// loopback, link-local, CGNAT, NAT64, metadata or otherwise not public, connects to the checked
/// address without a second lookup, follows no redirect, stops reading at `max_response_bytes` and
/// gives up after `timeout`, or when nothing comes for `stall`. It never sends a request twice by
/// itself.
#[async_trait]
pub trait Egress: Send + Sync {
    /// Sends one request and answers when the head of its answer is there. The body is read piece
    /// by piece, within the request's limits. A 3xx, 4xx or 5xx answer is an answer, not an error.
    async fn open(&self, request: EgressRequest) -> Result<EgressAnswer, EgressError>;

    /// The same, with the whole body.
    async fn send(&self, request: EgressRequest) -> Result<EgressResponse, EgressError> {
        self.open(request).await?.whole().await
    }

    /// Checks an address when it is typed in: scheme, host form, literal addresses; looks nothing
    /// up.
    ///
    /// # Errors
    /// A sentence for the person who typed it.
    fn check(&self, url: &str) -> Result<(), String>;
}

/// What is asked of the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EgressMethod {
    /// Read something.
    Get,
    /// Read its head only.
    Head,
    /// Hand something over.
    Post,
    /// Put something in its place.
    Put,
    /// Change something.
    Patch,
    /// Take something away.
    Delete,
}

/// One request.
#[derive(Debug, Clone)]
pub struct EgressRequest {
    /// What is asked.
    pub method: EgressMethod,
    /// `http` or `https`, absolute.
    pub url: String,
    /// Sent as they are; names in lower case.
    pub headers: Vec<(String, Secret<String>)>,
    /// How hum calls itself for this use, such as `hum-webhooks/1.0`.
    pub user_agent: &'static str,
    /// The raw body; nothing is sent for an empty one, but for a POST its length.
    pub body: Vec<u8>,
    /// Which headers of the answer are wanted; names in lower case. All others are dropped.
    pub wanted_headers: &'static [&'static str],
    /// From the first lookup to the last byte.
    pub timeout: Duration,
    /// How long the next piece of the body may take.
    pub stall: Duration,
    /// Reading stops here; what was read so far is answered, `truncated`.
    pub max_response_bytes: usize,
}

impl EgressRequest {
    /// A POST of which only the status and the start of the answer matter: 15 seconds, 64 KiB, and
    /// no headers.
    pub fn post(url: impl Into<String>, user_agent: &'static str, body: Vec<u8>) -> Self {
        const TIMEOUT: Duration = Duration::from_secs(15);
        Self {
            method: EgressMethod::Post,
            url: url.into(),
            headers: Vec::new(),
            user_agent,
            body,
            wanted_headers: &[],
            timeout: TIMEOUT,
            stall: TIMEOUT,
            max_response_bytes: 64 * 1024,
        }
    }
}

/// The head of an answer, and its body, which is still to be read. Whoever drops it hangs up.
pub struct EgressAnswer {
    /// HTTP status.
    pub status: u16,
    /// `Retry-After` in seconds, when it was a number of seconds.
    pub retry_after: Option<Duration>,
    /// The headers that were wanted, in the order in which they came; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Box<dyn EgressBody>,
}

/// The body of an answer, piece by piece.
#[async_trait]
pub trait EgressBody: Send {
    /// The next piece, which is never empty; `None` at the end, and at the limit.
    ///
    /// # Errors
    /// `NoAnswer`: the body broke off, the time is over, or nothing came for too long. There is no
    /// more of it.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, EgressError>;

    /// Whether there was more than the limit; known at the end.
    fn is_truncated(&self) -> bool;
}

impl EgressAnswer {
    /// The answer with all of its body.
    ///
    /// # Errors
    /// As [`EgressBody::next`].
    pub async fn whole(mut self) -> Result<EgressResponse, EgressError> {
        let mut body = Vec::new();
        while let Some(piece) = self.body.next().await? {
            body.extend_from_slice(&piece);
        }
        Ok(EgressResponse {
            status: self.status,
            retry_after: self.retry_after,
            headers: self.headers,
            body,
            truncated: self.body.is_truncated(),
        })
    }
}

/// An answer that is there already, for adapters that have it all at once.
impl From<EgressResponse> for EgressAnswer {
    fn from(response: EgressResponse) -> Self {
        let EgressResponse {
            status,
            retry_after,
            headers,
            body,
            truncated,
        } = response;
        let piece = Some(body).filter(|body| !body.is_empty());
        Self {
            status,
            retry_after,
            headers,
            body: Box::new(Known { piece, truncated }),
        }
    }
}

struct Known {
    piece: Option<Vec<u8>>,
    truncated: bool,
}

#[async_trait]
impl EgressBody for Known {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, EgressError> {
        Ok(self.piece.take())
    }

    fn is_truncated(&self) -> bool {
        self.truncated
    }
}

/// What the other side answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EgressResponse {
    /// HTTP status.
    pub status: u16,
    /// `Retry-After` in seconds, when it was a number of seconds.
    pub retry_after: Option<Duration>,
    /// The headers that were wanted.
    pub headers: Vec<(String, String)>,
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
