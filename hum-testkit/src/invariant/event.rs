//! INV-21: an event exists if and only if its change was committed, and no number is missing.

use std::collections::BTreeMap;

use hum_core::{
    batch::{Record, Write},
    event::EventKind,
    id::ConversationId,
    sms::Direction,
};

use super::{Commit, Findings, Mirror};

pub(super) fn on_commit(commit: &Commit<'_>, findings: &mut Findings) {
    let mut next: BTreeMap<ConversationId, i64> = BTreeMap::new();
    for write in &commit.batch.writes {
        let Write::Emit(event) = write else { continue };
        let Some((conversation, seq)) = event.conversation else { continue };
        let known = commit.before.conversations.get(&conversation).map_or(0, |conversation| conversation.event_seq);
        let expected = next.entry(conversation).or_insert(known + 1);
        if seq != *expected {
            findings.add("INV-21", format!("event {seq} of {conversation} follows {}", *expected - 1));
        }
        *expected = seq + 1;
    }
    for write in &commit.batch.writes {
        match write {
            Write::Put(Record::Conversation(conversation)) | Write::Insert(Record::Conversation(conversation)) => {
                let known = commit.before.conversations.get(&conversation.id).map_or(0, |before| before.event_seq);
                let emitted = next.get(&conversation.id).map_or(known, |next| next - 1);
                if conversation.event_seq != emitted {
                    findings.add(
                        "INV-21",
                        format!("{} counts {} events, but {emitted} were emitted", conversation.id, conversation.event_seq),
                    );
                }
            }
            Write::Insert(Record::Message(message)) if message.direction == Direction::Inbound => {
                let told = commit
                    .batch
                    .writes
                    .iter()
                    .any(|write| matches!(write, Write::Emit(event) if event.kind == EventKind::SmsReceived));
                if !told {
                    findings.add("INV-21", format!("{} came in without an event", message.id));
                }
            }
            _ => {}
        }
    }
}

pub(super) fn at_quiescence(mirror: &Mirror, findings: &mut Findings) {
    for (org, events) in &mirror.events {
        let gap = events.iter().zip(1..).find(|(event, seq)| event.seq != *seq);
        if let Some((event, seq)) = gap {
            findings.add("INV-21", format!("event {} of {org} should be {seq}", event.seq));
        }
    }
}
