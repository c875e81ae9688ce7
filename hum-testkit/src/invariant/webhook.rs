//! INV-20, INV-22, INV-23a and INV-23b: signed events reach customers.

use std::time::Duration;

use hum_core::{
    batch::{Record, Write},
    clock::Timestamp,
    webhook::{ATTEMPTS, DeliveryState, SCHEDULE, WebhookState},
};

use super::{Commit, Findings, Mirror};
use crate::monitor::{Called, WorldLog};

pub(super) fn on_commit(commit: &Commit<'_>, findings: &mut Findings) {
    for write in &commit.batch.writes {
        match write {
            Write::Put(Record::Delivery(delivery)) => {
                let tries = usize::try_from(delivery.tries).unwrap_or(usize::MAX);
                if delivery.tries > ATTEMPTS {
                    findings.add("INV-20", format!("{} was tried {tries} times", delivery.id));
                }
                let new = commit
                    .before
                    .deliveries
                    .get(&delivery.id)
                    .is_some_and(|before| delivery.attempts.len() > before.attempts.len());
                if let ([.., before, last], true, Some(base)) =
                    (&delivery.attempts[..], new && tries >= 2, SCHEDULE.get(tries.wrapping_sub(1)))
                {
                    let waited = last.at.since(before.at);
                    if waited < base.mul_f64(0.8) {
                        findings.add("INV-20", format!("{} was tried again after {waited:?} instead of {base:?}", delivery.id));
                    }
                }
            }
            Write::Put(Record::Webhook(webhook)) => {
                let WebhookState::Disabled { reason, .. } = &webhook.state else { continue };
                let was_enabled = commit.before.webhooks.get(&webhook.id).is_some_and(hum_core::webhook::Webhook::is_enabled);
                if was_enabled && reason == "failing" {
                    let last_success =
                        commit.log.calls.iter().rev().find(|called| called.url == webhook.url && called.status == 200);
                    let since = last_success.map_or(webhook.created_at, |called| called.at);
                    if commit.now.since(since) < Duration::from_secs(5 * 24 * 3600) {
                        findings.add(
                            "INV-23b",
                            format!("{} was disabled {:?} after its last success", webhook.id, commit.now.since(since)),
                        );
                    }
                }
            }
            _ => {}
        }
    }
}

/// A try verifies with somebody else's implementation, under every secret that holds, and under none that does not.
pub(super) fn on_call(log: &WorldLog, called: &Called, findings: &mut Findings) {
    let header =
        |name: &str| called.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default();
    let signed_at = header("webhook-timestamp").parse::<i64>().unwrap_or_default();
    if (signed_at - called.at.as_seconds()).abs() > 2_000 {
        findings.add("INV-23a", format!("signed at {signed_at}, sent at {}", called.at.as_seconds()));
    }
    let signed_at = Timestamp::from_micros(signed_at * 1_000_000);
    let secrets = log.secrets.get(&called.url).map(Vec::as_slice).unwrap_or_default();
    for (index, (secret, _)) in secrets.iter().enumerate() {
        let replaced = secrets.get(index + 1).map(|(_, at)| *at);
        let overlap_ends = replaced.map(|at| at + Duration::from_secs(24 * 3600));
        let replaced_twice = secrets.get(index + 2).map(|(_, at)| *at);
        let verifies = verify(secret, called);
        let margin = Duration::from_secs(700);
        let must =
            overlap_ends.is_none_or(|end| signed_at + margin < end) && replaced_twice.is_none_or(|at| signed_at + margin < at);
        let must_not = overlap_ends.is_some_and(|end| signed_at > end + margin);
        let not_yet = signed_at < secrets[index].1;
        if must && !not_yet && !verifies {
            findings.add("INV-23a", format!("a call of {} does not verify", called.url));
        }
        if must_not && verifies {
            findings.add("INV-23a", format!("a call of {} verifies with a secret that has expired", called.url));
        }
    }
    // All tries of one event have one id and the same bytes.
    let same_id = |other: &&Called| {
        other.url == called.url && other.headers.iter().any(|(key, value)| key == "webhook-id" && value == header("webhook-id"))
    };
    if let Some(other) = log.calls.iter().find(same_id)
        && other.body != called.body
    {
        findings.add("INV-23a", format!("{} has two bodies", header("webhook-id")));
    }
    let same_body = |other: &&Called| other.url == called.url && other.body == called.body;
    if let Some(other) = log.calls.iter().find(same_body)
        && !other.headers.iter().any(|(key, value)| key == "webhook-id" && value == header("webhook-id"))
    {
        findings.add("INV-23a", format!("one event has two ids, the second is {}", header("webhook-id")));
    }
}

/// With the implementation of Standard Webhooks' own authors.
fn verify(secret: &str, called: &Called) -> bool {
    let header =
        |name: &str| called.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default();
    let Ok(webhook) = standardwebhooks::Webhook::new(secret) else { return false };
    let timestamp = header("webhook-timestamp").parse().unwrap_or_default();
    let Ok(expected) = webhook.sign(header("webhook-id"), timestamp, &called.body) else { return false };
    header("webhook-signature").split(' ').any(|signature| signature == expected)
}

pub(super) fn at_quiescence(mirror: &Mirror, findings: &mut Findings) {
    for webhook in mirror.webhooks.values().filter(|webhook| webhook.is_enabled() && webhook.deleted_at.is_none()) {
        for event in mirror.events.get(&webhook.org).into_iter().flatten() {
            // What was subscribed when may have changed; what was created before the webhook is not for it.
            if event.at < webhook.created_at || !webhook.events.contains(&event.kind) {
                continue;
            }
            let delivery =
                mirror.deliveries.values().find(|delivery| delivery.webhook == webhook.id && delivery.event == event.id);
            match delivery.map(|delivery| delivery.state) {
                Some(DeliveryState::Delivered | DeliveryState::Exhausted) => {}
                state => findings.add("INV-22", format!("event {} for {} is {state:?}", event.seq, webhook.id)),
            }
        }
    }
}
