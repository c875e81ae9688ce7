//! How often one API token may call. Per process: several servers give each token its quota each.
//!
//! The headers are those of draft-ietf-httpapi-ratelimit-headers-10: the policy (`q` requests per
//! `w` seconds), and what is left of it (`r` requests; in `t` seconds the quota is whole again).

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use governor::{
    Quota, RateLimiter, clock::Clock, middleware::StateInformationMiddleware,
    state::keyed::DashMapStateStore,
};
use hum_core::{Hum, access::Caller, id::ApiKeyId};

use crate::error::{ApiError, ErrorCode};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEFT: HeaderName = HeaderName::from_static("ratelimit");
const WINDOW: Duration = Duration::from_secs(60);

/// Goes on with a request if its key has not used up its quota, and says what is left of that.
pub(super) async fn within_limit(
    State(limit): State<RateLimit>,
    request: Request,
    next: Next,
) -> Response {
    let key = request
        .extensions()
        .get::<Caller>()
        .and_then(|caller| caller.actor.key());
    let standing = limit.count(key);
    let mut response = match standing.filter(|standing| standing.is_over()) {
        Some(over) => too_many(over.retry_after()),
        None => next.run(request).await,
    };
    if let Some(standing) = standing {
        standing.write(&mut response);
    }
    response
}

fn too_many(seconds: u64) -> Response {
    let error = ApiError::new(
        ErrorCode::RateLimited,
        format!("too many requests; try again in {seconds} s"),
    );
    let mut response = error.into_response();
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// The limits of all tokens.
#[derive(Clone)]
pub(super) struct RateLimit {
    /// Requests per minute; `None`: no limit.
    quota: Option<(u32, Arc<Limiter>)>,
}

type Limiter =
    RateLimiter<ApiKeyId, DashMapStateStore<ApiKeyId>, HumClock, StateInformationMiddleware>;

/// What one call leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    quota: u32,
    left: u32,
    /// Until the next call is allowed, when this one is not.
    wait: Option<Duration>,
}

/// Monotonic time of the application, so that a test can move it.
#[derive(Clone)]
struct HumClock(Hum);

impl Clock for HumClock {
    type Instant = Duration;
    fn now(&self) -> Duration {
        self.0.clock().monotonic()
    }
}

impl RateLimit {
    /// `per_minute` calls per token and minute, all at once if they like; 0: no limit.
    pub(super) fn new(hum: &Hum, per_minute: u32) -> Self {
        let quota = NonZeroU32::new(per_minute).map(|per_minute| {
            let limiter = Limiter::new(
                Quota::per_minute(per_minute),
                DashMapStateStore::default(),
                HumClock(hum.clone()),
            );
            (per_minute.get(), Arc::new(limiter))
        });
        Self { quota }
    }

    /// Counts a call.
    fn count(&self, key: Option<ApiKeyId>) -> Option<Standing> {
        let (quota, limiter) = self.quota.as_ref()?;
        let standing = match limiter.check_key(&key?) {
            Ok(snapshot) => Standing {
                quota: *quota,
                left: snapshot.remaining_burst_capacity(),
                wait: None,
            },
            Err(not_until) => Standing {
                quota: *quota,
                left: 0,
                wait: Some(not_until.wait_time_from(limiter.clock().now())),
            },
        };
        Some(standing)
    }
}

impl Standing {
    /// Whether the call is one too many.
    fn is_over(self) -> bool {
        self.wait.is_some()
    }

    /// Whole seconds until a call is allowed again, at least one.
    fn retry_after(self) -> u64 {
        self.wait
            .map_or(0, |wait| wait.as_secs_f64().ceil().max(1.0) as u64)
    }

    /// Tells the client.
    fn write(self, response: &mut Response) {
        let Self { quota, left, .. } = self;
        let used = f64::from(quota.saturating_sub(left));
        let whole_in = (used * WINDOW.as_secs_f64() / f64::from(quota)).ceil();
        let headers = response.headers_mut();
        set(
            headers,
            POLICY,
            format!("\"sessions\";q={quota};w={}", WINDOW.as_secs()),
        );
        set(headers, LEFT, format!("\"sessions\";r={left};t={whole_in}"));
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::from_str(&value) {
        headers.insert(name, value);
    }
}
