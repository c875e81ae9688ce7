//! What happens around every request: an id, a time limit, a net for panics, headers, a count.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use futures_util::FutureExt as _;
use hum_core::Hum;

use crate::{
    app::App,
    error::{ApiError, ErrorCode},
    metrics::Metrics,
    sessions,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Which operation answered; a response bears it on its way out.
#[derive(Clone, Copy)]
pub(crate) struct Label(pub &'static str);

/// Why a request was refused; the response bears it, for APIs that say so in their own way.
#[derive(Clone)]
pub(crate) struct Refused(pub ApiError);

pub(crate) struct Edge {
    hum: Hum,
    metrics: Arc<Metrics>,
    timeout: Duration,
    ids: RequestIds,
}

impl Edge {
    pub fn new(app: &App) -> Self {
        let ids = RequestIds { prefix: app.hum.entropy().token()[..12].to_owned(), next: AtomicU64::new(0) };
        Self { hum: app.hum.clone(), metrics: app.metrics.clone(), timeout: app.options.timeout, ids }
    }
}

/// Unlike each other, and unlike those of another process.
struct RequestIds {
    prefix: String,
    next: AtomicU64,
}

impl RequestIds {
    /// The client's own id when it is harmless, a new one otherwise.
    fn of(&self, request: &Request) -> HeaderValue {
        let theirs = request.headers().get(&REQUEST_ID).filter(|value| {
            (1..=64).contains(&value.len())
                && value.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
        });
        theirs.cloned().unwrap_or_else(|| {
            let id = format!("{}-{:x}", self.prefix, self.next.fetch_add(1, Ordering::Relaxed));
            HeaderValue::from_str(&id).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
        })
    }
}

pub(crate) async fn around(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    let id = edge.ids.of(&request);
    let of_sessions = sessions::owns(request.uri().path()).then(|| request.method().clone());
    let started = edge.hum.clock().monotonic();
    let work = tokio::time::timeout(edge.timeout, AssertUnwindSafe(next.run(request)).catch_unwind());
    let mut response = match work.await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            tracing::error!(request = ?id, "a handler panicked");
            ApiError::new(ErrorCode::Internal, "something is wrong inside hum; its log says more").into_response()
        }
        Err(_) => ApiError::new(ErrorCode::Timeout, "this took too long; whether it had an effect is unknown").into_response(),
    };
    if let Some(method) = of_sessions
        && let Some(refused) = response.extensions_mut().remove::<Refused>()
    {
        sessions::refuse(refused, &method, &mut response, edge.hum.clock().now());
    }
    let label = response.extensions().get::<Label>().map_or("none", |label| label.0);
    let took = edge.hum.clock().monotonic().saturating_sub(started);
    edge.metrics.count(label, response.status().as_u16(), took);
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
