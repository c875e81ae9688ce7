//! Requests to addresses that customers typed: to public ones only, once, within limits.
//!
//! What is not solved here: an address that is public and still ours, such as hum's own public name
//! or a service that a firewall opens to our address only. Put a filtering proxy or firewall rules
//! around hum for these.

mod address;
mod guard;

use std::{error::Error as _, pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use hum_core::{
    egress::{Egress, EgressAnswer, EgressBody, EgressError, EgressMethod, EgressRequest},
    job::QUEUE_AT_MOST,
};
use reqwest::{
    Method,
    header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT},
};

use crate::failed_request::describe;

use guard::{NotPublic, Reach, Resolver};

pub use guard::{EgressPolicy, Lookup, SystemLookup};

/// Headers that belong to the connection or say where the request goes.
const OURS: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
const MAX_HEADERS: usize = 64;
const MAX_HEADER_BYTES: usize = 16 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Sends requests to public addresses.
pub struct GuardedEgress {
    policy: EgressPolicy,
    public: reqwest::Client,
    open: reqwest::Client,
}

impl GuardedEgress {
    /// With the system's resolver.
    ///
    /// # Errors
    /// A sentence for the operator: TLS cannot be set up.
    pub fn new(policy: EgressPolicy) -> Result<Self, String> {
        Self::with_lookup(policy, Arc::new(SystemLookup))
    }

    /// With another resolver.
    ///
    /// # Errors
    /// As [`GuardedEgress::new`].
    pub fn with_lookup(policy: EgressPolicy, lookup: Arc<dyn Lookup>) -> Result<Self, String> {
        crate::install_tls();
        // Two clients, because a resolver is asked for a name without its port, and the operator
        // may open a port only.
        let public = client(Resolver {
            lookup: lookup.clone(),
            reach: Reach::Public,
        })?;
        let open = client(Resolver {
            lookup,
            reach: Reach::Open,
        })?;
        Ok(Self {
            policy,
            public,
            open,
        })
    }

    /// Until the head of the answer is there.
    async fn exchange(&self, request: EgressRequest) -> Result<reqwest::Response, EgressError> {
        let (url, reach) =
            guard::check(&self.policy, &request.url).map_err(EgressError::Refused)?;
        let mut headers = headers(&request.headers).map_err(EgressError::Refused)?;
        headers
            .entry(USER_AGENT)
            .or_insert(HeaderValue::from_static(request.user_agent));
        let client = if reach == Reach::Open {
            &self.open
        } else {
            &self.public
        };
        let mut call = client.request(method(request.method), url).headers(headers);
        if request.method == EgressMethod::Post || !request.body.is_empty() {
            call = call.body(request.body);
        }
        call.send().await.map_err(|error| failed(&error))
    }
}

#[async_trait]
impl Egress for GuardedEgress {
    async fn open(&self, request: EgressRequest) -> Result<EgressAnswer, EgressError> {
        let (stall, wanted) = (request.stall, request.wanted_headers);
        let room = request.max_response_bytes;
        // Around everything, the lookup as well; the body has what is left of it.
        let mut end = Box::pin(tokio::time::sleep(request.timeout));
        let response = tokio::select! {
            biased;
            () = &mut end => return Err(timed_out()),
            response = self.exchange(request) => response?,
        };
        let retry_after = response.headers().get(RETRY_AFTER).and_then(seconds);
        Ok(EgressAnswer {
            status: response.status().as_u16(),
            retry_after,
            headers: wanted_of(response.headers(), wanted),
            body: Box::new(Body {
                response,
                end,
                stall,
                room,
                truncated: false,
            }),
        })
    }

    fn check(&self, url: &str) -> Result<(), String> {
        guard::check(&self.policy, url).map(drop)
    }
}

/// What is left of an answer, and of its limits.
struct Body {
    response: reqwest::Response,
    /// When the time is over.
    end: Pin<Box<tokio::time::Sleep>>,
    stall: Duration,
    /// How many bytes may still come.
    room: usize,
    truncated: bool,
}

#[async_trait]
impl EgressBody for Body {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, EgressError> {
        while !self.truncated {
            // The end first: a body that always comes has one too.
            let piece = tokio::select! {
                biased;
                () = &mut self.end => return Err(timed_out()),
                piece = tokio::time::timeout(self.stall, self.response.chunk()) => piece,
            };
            let Ok(piece) = piece else {
                let waited = self.stall.as_millis();
                return Err(EgressError::NoAnswer(format!(
                    "nothing came for {waited} ms"
                )));
            };
            let piece = piece.map_err(|error| EgressError::NoAnswer(describe(&error)))?;
            let Some(piece) = piece else { break };
            let taken = piece.get(..self.room).unwrap_or(&piece);
            self.truncated = taken.len() < piece.len();
            self.room -= taken.len();
            if !taken.is_empty() {
                return Ok(Some(taken.to_vec()));
            }
        }
        Ok(None)
    }

    fn is_truncated(&self) -> bool {
        self.truncated
    }
}

fn timed_out() -> EgressError {
    EgressError::NoAnswer("timed out".into())
}

fn method(of: EgressMethod) -> Method {
    match of {
        EgressMethod::Get => Method::GET,
        EgressMethod::Head => Method::HEAD,
        EgressMethod::Post => Method::POST,
        EgressMethod::Put => Method::PUT,
        EgressMethod::Patch => Method::PATCH,
        EgressMethod::Delete => Method::DELETE,
    }
}

/// The headers of an answer that were asked for, as far as they are text and not too many.
fn wanted_of(headers: &HeaderMap, wanted: &[&str]) -> Vec<(String, String)> {
    let mut room = MAX_HEADER_BYTES;
    let mut found = Vec::new();
    for (name, value) in headers {
        let Ok(value) = value.to_str() else { continue };
        let bytes = name.as_str().len() + value.len();
        if wanted.contains(&name.as_str()) && bytes <= room {
            room -= bytes;
            found.push((name.as_str().to_owned(), value.to_owned()));
        }
    }
    found
}

fn client(resolver: Resolver) -> Result<reqwest::Client, String> {
    // No decoder is compiled in: a compressed body is passed on as it is and cannot grow.
    reqwest::Client::builder()
        .dns_resolver(Arc::new(resolver))
        .retry(reqwest::retry::never())
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .http1_max_headers(100)
        // Addresses are checked when a connection is made, so none lives long.
        .pool_idle_timeout(Duration::from_secs(15))
        .pool_max_idle_per_host(QUEUE_AT_MOST)
        .build()
        .map_err(|error| format!("no HTTP client: {error}"))
}

fn headers(pairs: &[(String, hum_core::cipher::Secret<String>)]) -> Result<HeaderMap, String> {
    let bytes: usize = pairs
        .iter()
        .map(|(name, value)| name.len() + value.reveal().len())
        .sum();
    if pairs.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
        return Err(format!(
            "at most {MAX_HEADERS} headers of {MAX_HEADER_BYTES} bytes together"
        ));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let malformed = || format!("the header {name:?} is malformed");
        if OURS.contains(&name.to_ascii_lowercase().as_str()) {
            return Err(format!("the header {name:?} cannot be set"));
        }
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| malformed())?;
        // The parser refuses control characters; what is not ASCII has no agreed meaning (RFC 9110,
        // section 5.5).
        let value = Some(value.reveal())
            .filter(|value| value.is_ascii())
            .ok_or_else(malformed)?;
        let mut value = value.parse::<HeaderValue>().map_err(|_| malformed())?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

fn failed(error: &reqwest::Error) -> EgressError {
    if let Some(refused) = causes(error).find_map(|cause| cause.downcast_ref::<NotPublic>()) {
        return EgressError::Refused(refused.to_string());
    }
    if error.is_connect() {
        EgressError::NotConnected(describe(error))
    } else {
        EgressError::NoAnswer(describe(error))
    }
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(
        error.source(),
        |cause: &&(dyn std::error::Error + 'static)| (*cause).source(),
    )
}

fn seconds(value: &HeaderValue) -> Option<Duration> {
    value
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
        .map(Duration::from_secs)
}
