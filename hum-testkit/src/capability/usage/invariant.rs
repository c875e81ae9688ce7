//! INV-70: what is used is counted in the commit of its use, once.

use std::{collections::BTreeMap, time::Duration};

use hum_core::{
    sms::{Direction, Message, Turn},
    usage::{Day, Usage},
    webhook::{Delivery, DeliveryState},
};

use crate::{
    invariant::{Commit, Findings, Invariant},
    monitor::WorldLog,
};

/// Usage is counted.
pub struct Counted;

impl Invariant for Counted {
    fn on_commit(&self, commit: &Commit<'_>, _: &mut WorldLog, findings: &mut Findings) {
        let used = used(commit);
        let mut counted: BTreeMap<Usage, i64> = BTreeMap::new();
        let now = commit.now();
        // A process may stand still between its decision and its commit.
        let days = [now, now - Duration::from_secs(24 * 3600)].map(Day::of);
        for count in commit.counts() {
            match Usage::of_metric(&count.metric) {
                Some((day, usage)) if days.contains(&day) => {
                    *counted.entry(usage).or_default() += count.delta;
                }
                _ => findings.add("INV-70", format!("{} is counted now", count.metric)),
            }
        }
        if counted != used {
            findings.add(
                "INV-70",
                format!("{used:?} was used, and {counted:?} counted"),
            );
        }
    }
}

/// What a commit uses, by the records in it.
fn used(commit: &Commit<'_>) -> BTreeMap<Usage, i64> {
    let came_in = |message: &&Message| message.direction == Direction::Inbound;
    let began = commit.inserted::<Turn>().count();
    let received = commit.inserted::<Message>().filter(came_in).count();
    let amount = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let mut used = BTreeMap::from([
        (Usage::TextsReceived, amount(received)),
        (Usage::AiTurns, amount(began)),
    ]);
    for message in commit.changed::<Message>() {
        let before = commit.before.get::<Message>(&message.id);
        let was_sent = before.is_some_and(|before| before.carrier().sid.is_some());
        let is_sent = message.carrier().sid.is_some();
        let segments = |message: &Message| message.carrier().segments.map_or(0, i64::from);
        *used.entry(Usage::TextsSent).or_default() += i64::from(is_sent && !was_sent);
        *used.entry(Usage::SegmentsSent).or_default() +=
            segments(message) - before.map_or(0, segments);
    }
    for delivery in commit.changed::<Delivery>() {
        let is_taken = |delivery: &Delivery| delivery.state() == DeliveryState::Delivered;
        let before = commit.before.get::<Delivery>(&delivery.id);
        let taken = is_taken(delivery) && !before.is_some_and(is_taken);
        *used.entry(Usage::Deliveries).or_default() += i64::from(taken);
    }
    used.retain(|_, amount| *amount != 0);
    used
}
