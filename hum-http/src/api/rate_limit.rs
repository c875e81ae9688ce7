//! Tells a client how often it may call, and how much of that is left.
//!
//! The headers are those of draft-ietf-httpapi-ratelimit-headers-10: each policy (`q` requests per
//! `w` seconds), and what is left of it (`r` requests; in `t` seconds the quota is whole again). So
//! is the member `violated-policies` of the problem.

use std::{fmt::Write as _, time::Duration};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use hum_core::access::{Count, Limit, Policy, Standing, Whose};

use crate::error::ApiError;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// A refusal, if the request is one too many.
pub(super) fn admit(count: &Count) -> Result<(), ApiError> {
    let Some(wait) = count.wait() else {
        return Ok(());
    };
    let seconds = whole_seconds(wait);
    let what = count.over().next().map_or("requests", what);
    let policies = count.over().map(|standing| standing.policy.name());
    Err(ApiError::rate_limited(
        format!("too many {what}; try again in {seconds} s"),
        policies.collect(),
        seconds,
    ))
}

fn what(standing: Standing) -> &'static str {
    let Policy { whose, limit, .. } = standing.policy;
    match (whose, limit) {
        (Whose::Caller, Limit::Read) => "read requests with this key",
        (Whose::Caller, Limit::Write) => "write requests with this key",
        (Whose::Caller, Limit::Send) => "send requests with this key",
        (Whose::Caller, Limit::Sessions) => "requests",
        (Whose::Organization, Limit::Read) => "read requests of this organization",
        (Whose::Organization, Limit::Write) => "write requests of this organization",
        (Whose::Organization, Limit::Send) => "send requests of this organization",
        (Whose::Organization, Limit::Sessions) => "requests of this organization",
    }
}

/// At least one.
fn whole_seconds(wait: Duration) -> u64 {
    let begun = u64::from(wait.subsec_nanos() > 0);
    wait.as_secs().saturating_add(begun).max(1)
}

/// Says it in the head of an answer; nothing, when there is no quota.
pub(super) fn write(count: &Count, headers: &mut HeaderMap) {
    let (mut policies, mut left) = (String::new(), String::new());
    let window = Policy::WINDOW.as_secs();
    for standing in count.standings() {
        let (name, quota) = (standing.policy.name(), standing.policy.quota.get());
        let used = u64::from(quota.saturating_sub(standing.left));
        let whole_in = used.saturating_mul(window).div_ceil(quota.into());
        let comma = if policies.is_empty() { "" } else { ", " };
        // Writing into a text cannot fail.
        let _ = write!(policies, "{comma}\"{name}\";q={quota};w={window}");
        let _ = write!(left, "{comma}\"{name}\";r={};t={whole_in}", standing.left);
    }
    if !policies.is_empty() {
        set(headers, POLICY, policies);
        set(headers, LEFT, left);
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::from_maybe_shared(bytes::Bytes::from(value)) {
        headers.insert(name, value);
    }
}
