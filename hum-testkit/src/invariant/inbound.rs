//! INV-12, INV-13, INV-25, INV-27 and INV-28: what comes in.

use std::collections::BTreeMap;

use hum_core::{
    batch::{Record, Write},
    consent::{Consent, ConsentSource, ConsentState, Keyword},
    sms::{Direction, Message},
};

use super::{Commit, Findings, Mirror};
use crate::monitor::WorldLog;

pub(super) fn on_commit(commit: &Commit<'_>, findings: &mut Findings) {
    let inbound: Vec<&Message> = commit
        .batch
        .writes
        .iter()
        .filter_map(|write| match write {
            Write::Insert(Record::Message(message)) if message.direction == Direction::Inbound => Some(message),
            _ => None,
        })
        .collect();
    unread(commit, &inbound, findings);
    for message in &inbound {
        keyword(commit, message, findings);
    }
    for write in &commit.batch.writes {
        if let Write::Put(Record::Consent(consent)) | Write::Insert(Record::Consent(consent)) = write {
            provenance(commit, consent, &inbound, findings);
        }
    }
}

/// Unread is the number of texts since somebody last read, and one thread per pair.
fn unread(commit: &Commit<'_>, inbound: &[&Message], findings: &mut Findings) {
    for write in &commit.batch.writes {
        let (Write::Put(Record::Conversation(conversation)) | Write::Insert(Record::Conversation(conversation))) = write else {
            continue;
        };
        let new = i64::try_from(inbound.iter().filter(|message| message.conversation == conversation.id).count()).unwrap_or(0);
        let before = commit.before.conversations.get(&conversation.id).map_or(0, |before| before.unread_count);
        let read = new == 0 && conversation.unread_count == 0;
        if conversation.unread_count != before + new && !read {
            findings.add(
                "INV-13",
                format!("{} has {} unread after {before} and {new} more", conversation.id, conversation.unread_count),
            );
        }
        let same = |other: &&hum_core::sms::Conversation| {
            other.id != conversation.id && other.number == conversation.number && other.contact == conversation.contact
        };
        if let Some(other) = commit.before.conversations.values().find(same) {
            findings.add("INV-13", format!("{} and {} are one thread", other.id, conversation.id));
        }
    }
}

/// An opt-out takes effect in the commit of its text, however it is spelt.
fn keyword(commit: &Commit<'_>, message: &Message, findings: &mut Findings) {
    let Some(written) = message.carrier.sid.as_ref().and_then(|sid| commit.log.written.get(sid)) else { return };
    if written.means != Some(Keyword::OptOut) {
        return;
    }
    let key = (message.org, written.from.clone());
    let was_out = commit.before.consents.get(&key).is_some_and(Consent::is_opted_out);
    let is_out = commit.batch.writes.iter().any(|write| match write {
        Write::Put(Record::Consent(consent)) | Write::Insert(Record::Consent(consent)) => {
            consent.contact == written.from && consent.is_opted_out()
        }
        _ => false,
    });
    if !was_out && !is_out {
        let plain = written.body.chars().all(|char| char.is_ascii_uppercase());
        findings.add(if plain { "INV-25" } else { "INV-27" }, format!("{:?} did not opt {:?} out", written.body, written.from));
    }
}

/// Consent comes back only by the contact's own word, or by somebody's who is in the audit.
fn provenance(commit: &Commit<'_>, consent: &Consent, inbound: &[&Message], findings: &mut Findings) {
    let was_out = commit.before.consents.get(&(consent.org, consent.contact.clone())).is_some_and(Consent::is_opted_out);
    if !was_out || consent.is_opted_out() {
        return;
    }
    let audited = commit
        .batch
        .writes
        .iter()
        .any(|write| matches!(write, Write::Insert(Record::Audit(row)) if row.action == "opt_out.remove"));
    let by_contact = inbound.iter().any(|message| {
        let written = message.carrier.sid.as_ref().and_then(|sid| commit.log.written.get(sid));
        written.is_some_and(|written| written.means == Some(Keyword::OptIn))
    });
    let fine = match &consent.state {
        ConsentState::OptedIn { source: ConsentSource::Keyword, .. } => by_contact && audited,
        ConsentState::OptedIn { source: ConsentSource::Api, .. } => audited,
        _ => false,
    };
    if !fine {
        findings.add("INV-28", format!("{:?} is opted in again without a reason: {:?}", consent.contact, consent.state));
    }
}

/// One text, one row, one turn at most that takes effect.
pub(super) fn at_quiescence(mirror: &Mirror, log: &WorldLog, findings: &mut Findings) {
    let mut written: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    for text in log.written.values() {
        *written.entry((text.from.as_str(), text.to.as_str(), &text.body)).or_default() += 1;
    }
    let mut stored: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    for message in mirror.messages.values().filter(|message| message.direction == Direction::Inbound) {
        let Some(conversation) = mirror.conversations.get(&message.conversation) else { continue };
        *stored.entry((conversation.contact.as_str(), conversation.number_e164.as_str(), &message.body)).or_default() += 1;
    }
    for (text, count) in &stored {
        let expected = written.get(text).copied().unwrap_or(0);
        if *count > expected {
            findings.add("INV-12", format!("{:?} was written {expected} times and stored {count} times", text.2));
        }
    }
}
