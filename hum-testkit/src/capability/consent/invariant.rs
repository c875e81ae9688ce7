//! INV-24 to INV-28: nothing leaves to who said no, but one confirmation; and a word is taken as it
//! was meant.

use hum_core::{
    audit::AuditRow,
    consent::{Consent, ConsentSource, ConsentState, Keyword},
    event::EventKind,
    number::E164,
    sms::{Conversation, Direction, Message, MessageStatus, SendAttempt, Source},
};

use crate::{
    invariant::{Commit, Findings, Invariant, Known, Mirror},
    monitor::WorldLog,
};

fn is_out(mirror: &Mirror, org: hum_core::id::OrgId, contact: &E164) -> bool {
    mirror
        .get::<Consent>(&(org, contact.clone()))
        .is_some_and(Consent::is_opted_out)
}

/// Nothing leaves to who said no, but one confirmation.
pub struct Sends;

impl Invariant for Sends {
    fn on_commit(&self, commit: &Commit<'_>, _: &mut WorldLog, findings: &mut Findings) {
        for attempt in commit.inserted::<SendAttempt>() {
            let Some(message) = commit.before.get::<Message>(&attempt.message) else {
                continue;
            };
            let Some(conversation) = commit.before.get::<Conversation>(&message.conversation)
            else {
                continue;
            };
            if message.source != Source::Confirmation
                && is_out(commit.before, message.org, &conversation.contact)
            {
                findings.add(
                    "INV-24",
                    format!("{} is dispatched to somebody who is opted out", message.id),
                );
            }
            if message.source == Source::Confirmation
                && attempt.started_at.since(message.created_at).as_secs() > 300
            {
                findings.add(
                    "INV-26",
                    format!("{} confirms after more than five minutes", message.id),
                );
            }
        }
    }

    fn at_quiescence(&self, known: &Known<'_>, findings: &mut Findings) {
        for conversation in known.mirror.all::<Conversation>() {
            confirmed_once(known, conversation, findings);
            if is_out(known.mirror, conversation.org, &conversation.contact) {
                let waits = |message: &&Message| {
                    message.conversation == conversation.id
                        && message.status() == MessageStatus::Queued
                };
                if let Some(message) = known.mirror.all::<Message>().find(waits) {
                    findings.add(
                        "INV-25",
                        format!("{} still waits for somebody who is opted out", message.id),
                    );
                }
            }
        }
    }
}

/// Per thread: opt-outs, and texts that confirm them, hum's and the carrier's.
fn confirmed_once(known: &Known<'_>, conversation: &Conversation, findings: &mut Findings) {
    let id = conversation.id;
    let pair = (
        conversation.number_e164.clone(),
        conversation.contact.clone(),
    );
    let by_carrier = known
        .log
        .sms
        .carrier_confirmations
        .iter()
        .filter(|confirmed| **confirmed == pair)
        .count();
    let confirms = |message: &&Message| {
        message.conversation == id
            && message.source == Source::Confirmation
            && message.body.contains("are unsubscribed")
    };
    let by_hum = known.mirror.all::<Message>().filter(confirms).count();
    let feed = known.mirror.events.get(&conversation.org);
    let opt_outs = feed
        .into_iter()
        .flatten()
        .filter(|event| {
            event.kind == EventKind::SmsOptOut
                && event.conversation.is_some_and(|(thread, _)| thread == id)
        })
        .count();
    if by_hum > opt_outs || (by_hum > 0 && by_carrier > 0) {
        let what = format!(
            "{opt_outs} opt-outs, {by_hum} confirmations by hum and {by_carrier} by the carrier"
        );
        findings.add("INV-26", format!("{id}: {what}"));
    }
}

/// A word is taken as it was meant, in the commit of its text.
pub struct Keywords;

impl Invariant for Keywords {
    fn on_commit(&self, commit: &Commit<'_>, log: &mut WorldLog, findings: &mut Findings) {
        for message in commit
            .inserted::<Message>()
            .filter(|message| message.direction == Direction::Inbound)
        {
            opts_out(commit, message, log, findings);
        }
        for consent in commit.written::<Consent>() {
            comes_back(commit, consent, log, findings);
        }
    }
}

/// An opt-out takes effect in the commit of its text, however it is spelt.
fn opts_out(commit: &Commit<'_>, message: &Message, log: &WorldLog, findings: &mut Findings) {
    let Some(written) = log
        .sms
        .written_as(message)
        .filter(|written| written.means == Some(Keyword::OptOut))
    else {
        return;
    };
    let was_out = is_out(commit.before, message.org, &written.from);
    let is_out = commit
        .written::<Consent>()
        .any(|consent| consent.contact == written.from && consent.is_opted_out());
    if !was_out && !is_out {
        let plain = written.body.chars().all(|char| char.is_ascii_uppercase());
        findings.add(
            if plain { "INV-25" } else { "INV-27" },
            format!("{:?} did not opt {:?} out", written.body, written.from),
        );
    }
}

/// Consent comes back only by the contact's own word, or by somebody's who is in the audit.
fn comes_back(commit: &Commit<'_>, consent: &Consent, log: &WorldLog, findings: &mut Findings) {
    if !is_out(commit.before, consent.org, &consent.contact) || consent.is_opted_out() {
        return;
    }
    let audited = commit
        .batch
        .inserted::<AuditRow>()
        .iter()
        .any(|row| row.action == "opt_out.remove");
    let by_contact = commit
        .inserted::<Message>()
        .filter(|message| message.direction == Direction::Inbound)
        .any(|message| {
            log.sms
                .written_as(message)
                .is_some_and(|written| written.means == Some(Keyword::OptIn))
        });
    let fine = match consent.state() {
        ConsentState::OptedIn {
            source: ConsentSource::Keyword,
            ..
        } => by_contact && audited,
        ConsentState::OptedIn {
            source: ConsentSource::Api,
            ..
        } => audited,
        _ => false,
    };
    if !fine {
        findings.add(
            "INV-28",
            format!(
                "{:?} is opted in again without a reason: {:?}",
                consent.contact,
                consent.state()
            ),
        );
    }
}
