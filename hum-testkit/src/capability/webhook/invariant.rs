//! INV-20, INV-22, INV-23a and INV-23b: signed events reach customers.

use std::time::Duration;

use hum_core::{
    clock::Timestamp,
    webhook::{ATTEMPTS, Delivery, DeliveryState, SCHEDULE, Webhook, WebhookState},
};

use super::Called;
use crate::{
    invariant::{Commit, Findings, Invariant, Known},
    monitor::WorldLog,
};

/// Tries come by the schedule, and an endpoint is given up late.
pub struct Tries;

impl Invariant for Tries {
    fn on_commit(&self, commit: &Commit<'_>, log: &mut WorldLog, findings: &mut Findings) {
        commit
            .changed::<Delivery>()
            .for_each(|delivery| in_time(commit, delivery, findings));
        commit
            .changed::<Webhook>()
            .for_each(|webhook| patient(commit, webhook, log, findings));
    }
}

fn in_time(commit: &Commit<'_>, delivery: &Delivery, findings: &mut Findings) {
    let tries = usize::try_from(delivery.tries()).unwrap_or(usize::MAX);
    if delivery.tries() > ATTEMPTS {
        findings.add("INV-20", format!("{} was tried {tries} times", delivery.id));
    }
    let before = commit.before.get::<Delivery>(&delivery.id);
    let new = before.is_some_and(|before| delivery.attempts().len() > before.attempts().len());
    if let ([.., before, last], true, Some(base)) = (
        delivery.attempts(),
        new && tries >= 2,
        SCHEDULE.get(tries.wrapping_sub(1)),
    ) {
        let waited = last.at.since(before.at);
        if waited < base.mul_f64(0.8) {
            findings.add(
                "INV-20",
                format!(
                    "{} was tried again after {waited:?} instead of {base:?}",
                    delivery.id
                ),
            );
        }
    }
}

fn patient(commit: &Commit<'_>, webhook: &Webhook, log: &WorldLog, findings: &mut Findings) {
    let WebhookState::Disabled { reason, .. } = webhook.state() else {
        return;
    };
    let was_enabled = commit
        .before
        .get::<Webhook>(&webhook.id)
        .is_some_and(Webhook::is_enabled);
    if was_enabled && reason == "failing" {
        let succeeded =
            |called: &&Called| called.url == webhook.url() && (200..300).contains(&called.status);
        let last_success = log.webhooks.calls.iter().rev().find(succeeded);
        let since = last_success.map_or(webhook.created_at, |called| called.at);
        let waited = commit.now().since(since);
        if waited < Duration::from_secs(5 * 24 * 3600) {
            findings.add(
                "INV-23b",
                format!(
                    "{} was disabled {waited:?} after its last success",
                    webhook.id
                ),
            );
        }
    }
}

/// A try verifies with somebody else's implementation, under every secret that holds, and under
/// none that does not; and all tries of an event are the same.
pub struct Signatures;

impl Invariant for Signatures {
    fn on_call(&self, known: &Known<'_>, called: &Called, findings: &mut Findings) {
        let signed_at = called
            .header("webhook-timestamp")
            .parse::<i64>()
            .unwrap_or_default();
        if (signed_at - called.at.as_seconds()).abs() > 2_000 {
            findings.add(
                "INV-23a",
                format!("signed at {signed_at}, sent at {}", called.at.as_seconds()),
            );
        }
        let log = &known.log.webhooks;
        let secrets = log
            .secrets
            .get(&called.url)
            .map(Vec::as_slice)
            .unwrap_or_default();
        verifies(
            called,
            Timestamp::from_micros(signed_at * 1_000_000),
            secrets,
            findings,
        );
        let id = called.header("webhook-id");
        let same_id = |other: &&Called| other.url == called.url && other.header("webhook-id") == id;
        if log
            .calls
            .iter()
            .find(same_id)
            .is_some_and(|other| other.body != called.body)
        {
            findings.add("INV-23a", format!("{id} has two bodies"));
        }
        let same_body = |other: &&Called| other.url == called.url && other.body == called.body;
        if log
            .calls
            .iter()
            .find(same_body)
            .is_some_and(|other| other.header("webhook-id") != id)
        {
            findings.add(
                "INV-23a",
                format!("one event has two ids, the second is {id}"),
            );
        }
    }
}

fn verifies(
    called: &Called,
    signed_at: Timestamp,
    secrets: &[(String, Timestamp)],
    findings: &mut Findings,
) {
    const MARGIN: Duration = Duration::from_secs(700);
    for (index, (secret, valid_from)) in secrets.iter().enumerate() {
        let replaced = secrets.get(index + 1).map(|(_, at)| *at);
        let overlap_ends = replaced.map(|at| at + Duration::from_secs(24 * 3600));
        let replaced_twice = secrets.get(index + 2).map(|(_, at)| *at);
        let verifies = verify(secret, called);
        let must = overlap_ends.is_none_or(|end| signed_at + MARGIN < end)
            && replaced_twice.is_none_or(|at| signed_at + MARGIN < at);
        let must_not = overlap_ends.is_some_and(|end| signed_at > end + MARGIN);
        let not_yet = signed_at < *valid_from;
        if must && !not_yet && !verifies {
            findings.add(
                "INV-23a",
                format!("a call of {} does not verify", called.url),
            );
        }
        if must_not && verifies {
            findings.add(
                "INV-23a",
                format!(
                    "a call of {} verifies with a secret that has expired",
                    called.url
                ),
            );
        }
    }
}

/// With the implementation of Standard Webhooks' own authors.
fn verify(secret: &str, called: &Called) -> bool {
    let Ok(webhook) = standardwebhooks::Webhook::new(secret) else {
        return false;
    };
    let timestamp = called
        .header("webhook-timestamp")
        .parse()
        .unwrap_or_default();
    let Ok(expected) = webhook.sign(called.header("webhook-id"), timestamp, &called.body) else {
        return false;
    };
    called
        .header("webhook-signature")
        .split(' ')
        .any(|signature| signature == expected)
}

/// Each event reaches each enabled subscriber, or is visibly exhausted.
pub struct EveryEvent;

impl Invariant for EveryEvent {
    fn at_quiescence(&self, known: &Known<'_>, findings: &mut Findings) {
        let lives = |webhook: &&Webhook| webhook.is_enabled() && webhook.deleted_at().is_none();
        for webhook in known.mirror.all::<Webhook>().filter(lives) {
            for event in known.mirror.events.get(&webhook.org).into_iter().flatten() {
                // What was subscribed when may have changed; what was created before the webhook is
                // not for it.
                if event.at < webhook.created_at || !webhook.events().contains(&event.kind) {
                    continue;
                }
                let is_its = |delivery: &&Delivery| {
                    delivery.webhook == webhook.id && delivery.event == event.id
                };
                match known
                    .mirror
                    .all::<Delivery>()
                    .find(is_its)
                    .map(Delivery::state)
                {
                    Some(DeliveryState::Delivered | DeliveryState::Exhausted) => {}
                    state => findings.add(
                        "INV-22",
                        format!("event {} for {} is {state:?}", event.seq, webhook.id),
                    ),
                }
            }
        }
    }
}
