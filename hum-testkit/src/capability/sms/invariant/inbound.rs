//! INV-12 and INV-13: what comes in is stored once, in one thread, and counted.

use std::collections::BTreeMap;

use hum_core::sms::{Conversation, Direction, Message};

use crate::{
    invariant::{Commit, Findings, Invariant, Known},
    monitor::WorldLog,
};

/// What comes in.
pub struct Threads;

impl Invariant for Threads {
    /// Unread is the number of texts since somebody last read, and one thread per pair.
    fn on_commit(&self, commit: &Commit<'_>, _: &mut WorldLog, findings: &mut Findings) {
        for conversation in commit.written::<Conversation>() {
            let id = conversation.id;
            let came_in = |message: &&Message| {
                message.direction == Direction::Inbound && message.conversation == id
            };
            let new =
                i64::try_from(commit.inserted::<Message>().filter(came_in).count()).unwrap_or(0);
            let before = commit
                .before
                .get::<Conversation>(&id)
                .map_or(0, Conversation::unread_count);
            let unread = conversation.unread_count();
            let read = new == 0 && unread == 0;
            if unread != before + new && !read {
                findings.add(
                    "INV-13",
                    format!("{id} has {unread} unread after {before} and {new} more"),
                );
            }
            let same = |other: &&Conversation| {
                other.id != id
                    && other.number == conversation.number
                    && other.contact == conversation.contact
            };
            if let Some(other) = commit.before.all::<Conversation>().find(same) {
                findings.add("INV-13", format!("{} and {id} are one thread", other.id));
            }
        }
    }

    /// One text, one row.
    fn at_quiescence(&self, known: &Known<'_>, findings: &mut Findings) {
        let mut written: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
        for text in known.log.sms.written.values() {
            *written
                .entry((text.from.as_str(), text.to.as_str(), &text.body))
                .or_default() += 1;
        }
        let mut stored: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
        for message in known
            .mirror
            .all::<Message>()
            .filter(|message| message.direction == Direction::Inbound)
        {
            let Some(conversation) = known.mirror.get::<Conversation>(&message.conversation) else {
                continue;
            };
            let text = (
                conversation.contact.as_str(),
                conversation.number_e164.as_str(),
                message.body.as_str(),
            );
            *stored.entry(text).or_default() += 1;
        }
        for (text, count) in &stored {
            let expected = written.get(text).copied().unwrap_or(0);
            if *count > expected {
                findings.add(
                    "INV-12",
                    format!(
                        "{:?} was written {expected} times and stored {count} times",
                        text.2
                    ),
                );
            }
        }
    }
}
