//! INV-21: an event exists if and only if its change was committed, and no number is missing.
//! INV-61: whoever follows a feed sees each event once, in order.

use std::collections::BTreeMap;

use hum_core::{
    event::EventKind,
    id::ConversationId,
    sms::{Conversation, Direction, Message},
};

use crate::{
    invariant::{Commit, Findings, Invariant, Known},
    monitor::WorldLog,
};

/// Numbers have no gaps, neither in a conversation nor in the feed.
pub struct Numbers;

impl Invariant for Numbers {
    fn on_commit(&self, commit: &Commit<'_>, _: &mut WorldLog, findings: &mut Findings) {
        let known = |id: ConversationId| {
            commit
                .before
                .get::<Conversation>(&id)
                .map_or(0, Conversation::event_seq)
        };
        let mut next: BTreeMap<ConversationId, i64> = BTreeMap::new();
        for (conversation, seq) in commit.events().filter_map(|event| event.conversation) {
            let expected = next
                .entry(conversation)
                .or_insert_with(|| known(conversation) + 1);
            if seq != *expected {
                findings.add(
                    "INV-21",
                    format!("event {seq} of {conversation} follows {}", *expected - 1),
                );
            }
            *expected = seq + 1;
        }
        for conversation in commit.written::<Conversation>() {
            let (id, counted) = (conversation.id, conversation.event_seq());
            let emitted = next.get(&id).map_or_else(|| known(id), |next| next - 1);
            if counted != emitted {
                findings.add(
                    "INV-21",
                    format!("{id} counts {counted} events, but {emitted} were emitted"),
                );
            }
        }
        let came_in = |message: &&Message| message.direction == Direction::Inbound;
        if !commit.tells(EventKind::SmsReceived) {
            for message in commit.inserted::<Message>().filter(came_in) {
                findings.add("INV-21", format!("{} came in without an event", message.id));
            }
        }
    }

    fn at_quiescence(&self, known: &Known<'_>, findings: &mut Findings) {
        for (org, events) in &known.mirror.events {
            let gap = events
                .iter()
                .zip(1..)
                .find(|(event, seq)| event.seq != *seq);
            if let Some((event, seq)) = gap {
                findings.add(
                    "INV-21",
                    format!("event {} of {org} should be {seq}", event.seq),
                );
            }
        }
    }
}

/// A client of a feed that came again each time has all of it in the end. Whatever it sees is
/// judged when it sees it.
pub struct Followed;

impl Invariant for Followed {
    fn at_quiescence(&self, known: &Known<'_>, findings: &mut Findings) {
        for ((org, number), last) in &known.log.events.last {
            let committed = known.mirror.events.get(org).map_or(0, Vec::len);
            if i64::try_from(committed).ok() != Some(*last) {
                findings.add(
                    "INV-61",
                    format!("client {number} of {org} has {last} of {committed} events"),
                );
            }
        }
    }
}
