//! INV-24 and INV-26: nothing leaves to who said no, but one confirmation.

use hum_core::{
    batch::{Record, Write},
    consent::Consent,
    event::EventKind,
    sms::{MessageStatus, Source},
};

use super::{Commit, Findings, Mirror};
use crate::monitor::WorldLog;

pub(super) fn on_commit(commit: &Commit<'_>, findings: &mut Findings) {
    for write in &commit.batch.writes {
        let Write::Insert(Record::Attempt(attempt)) = write else { continue };
        let Some(message) = commit.before.messages.get(&attempt.message) else { continue };
        let Some(conversation) = commit.before.conversations.get(&message.conversation) else { continue };
        let consent = commit.before.consents.get(&(message.org, conversation.contact.clone()));
        if consent.is_some_and(Consent::is_opted_out) && message.source != Source::Confirmation {
            findings.add("INV-24", format!("{} is dispatched to somebody who is opted out", message.id));
        }
        if message.source == Source::Confirmation && attempt.started_at.since(message.created_at).as_secs() > 300 {
            findings.add("INV-26", format!("{} confirms after more than five minutes", message.id));
        }
    }
}

pub(super) fn at_quiescence(mirror: &Mirror, log: &WorldLog, findings: &mut Findings) {
    // Per thread: opt-outs, and texts that confirm them, hum's and the carrier's.
    for conversation in mirror.conversations.values() {
        let pair = (conversation.number_e164.clone(), conversation.contact.clone());
        let by_carrier = log.carrier_confirmations.iter().filter(|confirmed| **confirmed == pair).count();
        let is_opt_out = |message: &&hum_core::sms::Message| {
            message.conversation == conversation.id
                && message.source == Source::Confirmation
                && message.body.contains("are unsubscribed")
        };
        let by_hum = mirror.messages.values().filter(is_opt_out).count();
        let opt_outs = mirror
            .events
            .get(&conversation.org)
            .into_iter()
            .flatten()
            .filter(|event| event.kind == EventKind::SmsOptOut && event.conversation.is_some_and(|(id, _)| id == conversation.id))
            .count();
        if by_hum > opt_outs || (by_hum > 0 && by_carrier > 0) {
            findings.add(
                "INV-26",
                format!(
                    "{}: {opt_outs} opt-outs, {by_hum} confirmations by hum and {by_carrier} by the carrier",
                    conversation.id
                ),
            );
        }
        let out = mirror.consents.get(&(conversation.org, conversation.contact.clone())).is_some_and(Consent::is_opted_out);
        let waits = |message: &&hum_core::sms::Message| {
            message.conversation == conversation.id && message.status == MessageStatus::Queued
        };
        if let Some(message) = mirror.messages.values().find(waits).filter(|_| out) {
            findings.add("INV-25", format!("{} still waits for somebody who is opted out", message.id));
        }
    }
}
