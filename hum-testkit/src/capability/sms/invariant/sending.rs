//! INV-01 to INV-06 and INV-09 to INV-11: what leaves, and what hum believes of it.

use std::collections::BTreeSet;

use hum_core::sms::{AttemptState, Direction, Message, MessageStatus, SendAttempt};

use crate::{
    capability::sms::{AnswerKind, Effect, SmsLog},
    invariant::{Commit, Findings, Invariant, Known},
    monitor::WorldLog,
};

/// A message leaves once, and hum knows whether it did.
pub struct Sending;

impl Invariant for Sending {
    fn on_effect(&self, known: &Known<'_>, effect: &Effect, findings: &mut Findings) {
        let attempts = || known.mirror.all::<SendAttempt>();
        let Some(attempt) = attempts().find(|attempt| attempt.token == effect.token) else {
            findings.add(
                "INV-03",
                format!(
                    "the carrier got {} before its attempt was committed",
                    effect.sid
                ),
            );
            return;
        };
        let same = attempts().filter(|other| other.message == attempt.message);
        let tokens: BTreeSet<&str> = same.map(|attempt| attempt.token.as_str()).collect();
        if known
            .log
            .sms
            .effects
            .iter()
            .any(|earlier| tokens.contains(earlier.token.as_str()))
        {
            findings.add(
                "INV-02",
                format!("{} reached the carrier twice", attempt.message),
            );
        }
    }

    fn on_commit(&self, commit: &Commit<'_>, log: &mut WorldLog, findings: &mut Findings) {
        if !log.sms.is_deaf {
            commit
                .changed::<SendAttempt>()
                .for_each(|attempt| is_true(attempt, &log.sms, findings));
        }
    }

    fn at_quiescence(&self, known: &Known<'_>, findings: &mut Findings) {
        for message in known
            .mirror
            .all::<Message>()
            .filter(|message| message.status() == MessageStatus::Dispatching)
        {
            findings.add("INV-04", format!("{} is silently in doubt", message.id));
        }
        for attempt in known.mirror.all::<SendAttempt>() {
            let was_sent = known.log.sms.effect(&attempt.token).is_some();
            if was_sent && matches!(attempt.state(), AttemptState::NotSent { .. }) {
                findings.add(
                    "INV-05",
                    format!("{} counts as not sent, and was", attempt.message),
                );
            }
        }
    }
}

/// What is believed of a try is what happened.
fn is_true(attempt: &SendAttempt, log: &SmsLog, findings: &mut Findings) {
    let effect = log.effect(&attempt.token);
    match (attempt.state(), effect) {
        (AttemptState::Confirmed { sid, .. }, Some(effect)) if *sid == effect.sid => {}
        (AttemptState::Confirmed { sid, by }, effect) => {
            let truth = effect.map(|effect| &effect.sid);
            let what = format!(
                "{} is confirmed as {sid} by {by:?}, but the carrier has {truth:?}",
                attempt.message
            );
            findings.add("INV-05", what);
        }
        (AttemptState::NotSent { reason }, effect) => match log.answers.get(&attempt.token) {
            Some(AnswerKind::ServerError) => {
                findings.add(
                    "INV-04",
                    format!(
                        "{} counts as not sent after a 500 ({reason})",
                        attempt.message
                    ),
                );
            }
            Some(AnswerKind::Reset) => {
                findings.add(
                    "INV-06",
                    format!(
                        "{} counts as not sent after a reset ({reason})",
                        attempt.message
                    ),
                );
            }
            Some(AnswerKind::Accepted | AnswerKind::Definite) | None if effect.is_some() => {
                findings.add(
                    "INV-06",
                    format!("{} counts as not sent, and was", attempt.message),
                );
            }
            Some(AnswerKind::Accepted | AnswerKind::Definite) | None => {}
        },
        (AttemptState::Dispatching | AttemptState::InDoubt { .. }, _) => {}
    }
}

/// What the carrier reports only adds to what is known, in any order.
pub struct Statuses;

impl Invariant for Statuses {
    fn on_commit(&self, commit: &Commit<'_>, _: &mut WorldLog, findings: &mut Findings) {
        for message in commit
            .inserted::<Message>()
            .filter(|message| message.direction == Direction::Outbound)
        {
            let status = message.status();
            if !matches!(status, MessageStatus::Queued | MessageStatus::OptedOut) {
                findings.add(
                    "INV-11",
                    format!("{} came into being as {}", message.id, status.as_str()),
                );
            }
        }
        for message in commit.changed::<Message>() {
            let Some(before) = commit.before.get::<Message>(&message.id) else {
                continue;
            };
            let (id, before, after) = (message.id, before.carrier(), message.carrier());
            if after.status < before.status {
                findings.add(
                    "INV-09",
                    format!("{id} fell from {:?} to {:?}", before.status, after.status),
                );
            }
            if !after.error_codes.is_superset(&before.error_codes) {
                findings.add("INV-09", format!("{id} forgot an error code"));
            }
        }
    }

    /// The final state is a function of the set of facts.
    fn at_quiescence(&self, known: &Known<'_>, findings: &mut Findings) {
        let confirmed =
            |attempt: &&SendAttempt| matches!(attempt.state(), AttemptState::Confirmed { .. });
        for attempt in known.mirror.all::<SendAttempt>().filter(confirmed) {
            let Some(message) = known.mirror.get::<Message>(&attempt.message) else {
                continue;
            };
            let (id, facts) = (message.id, message.carrier());
            let told = known
                .log
                .sms
                .callbacks
                .get(&attempt.token)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let highest = told.iter().map(|(status, _)| *status).max();
            if facts.status < highest {
                findings.add(
                    "INV-10",
                    format!("{id} is {:?}, but {highest:?} was reported", facts.status),
                );
            }
            let codes: BTreeSet<u32> = told.iter().filter_map(|(_, code)| *code).collect();
            if !facts.error_codes.is_superset(&codes) {
                findings.add(
                    "INV-10",
                    format!(
                        "{id} shows {:?}, but {codes:?} were reported",
                        facts.error_codes
                    ),
                );
            }
        }
    }
}

/// What the API acknowledged is not lost.
pub struct Acknowledged;

impl Invariant for Acknowledged {
    fn at_quiescence(&self, known: &Known<'_>, findings: &mut Findings) {
        for (_, id) in &known.log.sms.acknowledged {
            match known.mirror.get::<Message>(id).map(Message::status) {
                None => findings.add("INV-01", format!("{id} was acknowledged and is gone")),
                Some(MessageStatus::Queued) => findings.add("INV-01", format!("{id} still waits")),
                Some(_) => {}
            }
        }
    }
}
