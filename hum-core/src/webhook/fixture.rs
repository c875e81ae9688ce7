//! What the tests of decisions about webhooks begin with.

use std::collections::BTreeSet;

use crate::kernel::{
    cipher::{CannotOpen, Cipher},
    clock::Timestamp,
    decide::Moment,
    entropy::Zero,
    event::{Event, EventKind},
    id::OrgId,
};

use super::{Attempt, Headers, NewWebhook, Webhook};

/// Seals nothing, but refuses what belongs elsewhere.
pub(super) struct Plain;

impl Cipher for Plain {
    fn seal(&self, context: &str, plain: &[u8]) -> Vec<u8> {
        [context.as_bytes(), b"=", plain].concat()
    }

    fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, CannotOpen> {
        let prefix = format!("{context}=");
        sealed
            .strip_prefix(prefix.as_bytes())
            .map(<[u8]>::to_vec)
            .ok_or(CannotOpen)
    }
}

pub(super) fn moment() -> Moment<'static> {
    Moment {
        now: Timestamp::from_micros(1_767_225_600_000_000),
        entropy: &Zero,
    }
}

pub(super) fn org() -> OrgId {
    OrgId::new(moment().now, moment().entropy)
}

pub(super) fn new_endpoint() -> NewWebhook {
    NewWebhook {
        url: "https://example.com/hook".into(),
        description: String::new(),
        events: BTreeSet::from([EventKind::SmsReceived, EventKind::SmsFailed]),
        headers: Headers::from([("x-team".into(), "a".into())]),
    }
}

/// An enabled one that has the feed up to number 3.
pub(super) fn endpoint() -> Webhook {
    Webhook::create(org(), &new_endpoint(), 3, &Plain, moment()).0
}

pub(super) fn event(seq: i64, kind: EventKind) -> Event {
    Event {
        seq,
        ..Event::new(
            org(),
            kind,
            serde_json::json!({}),
            moment().now,
            moment().entropy,
        )
    }
}

/// A try that the endpoint answered so, or not at all.
pub(super) fn attempt(at: Timestamp, status: Option<u16>) -> Attempt {
    let error = status
        .is_none_or(|status| status >= 300)
        .then(|| "busy".into());
    Attempt {
        at,
        status,
        duration_ms: 12,
        error,
        response: None,
    }
}
