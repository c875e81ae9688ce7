//! INV-01 to INV-06 and INV-09 to INV-11: what leaves, and what hum believes of it.

use std::collections::BTreeSet;

use hum_core::{
    batch::{Record, Write},
    sms::{AttemptState, CarrierStatus, Direction, MessageStatus},
};

use super::{Commit, Findings, Mirror};
use crate::monitor::{AnswerKind, Effect, WorldLog};

pub(super) fn on_effect(mirror: &Mirror, log: &WorldLog, effect: &Effect, findings: &mut Findings) {
    let attempt = mirror.tokens.get(&effect.token).and_then(|id| mirror.attempts.get(id));
    let Some(attempt) = attempt else {
        findings.add("INV-03", format!("the carrier got {} before its attempt was committed", effect.sid));
        return;
    };
    let earlier = log.effects.iter().filter(|other| {
        mirror
            .tokens
            .get(&other.token)
            .and_then(|id| mirror.attempts.get(id))
            .is_some_and(|other| other.message == attempt.message)
    });
    if earlier.count() > 0 {
        findings.add("INV-02", format!("{} reached the carrier twice", attempt.message));
    }
}

pub(super) fn on_commit(commit: &Commit<'_>, findings: &mut Findings) {
    for write in &commit.batch.writes {
        match write {
            Write::Insert(Record::Message(message))
                if message.direction == Direction::Outbound
                    && !matches!(message.status, MessageStatus::Queued | MessageStatus::OptedOut) =>
            {
                findings.add("INV-11", format!("{} came into being as {}", message.id, message.status.as_str()));
            }
            Write::Put(Record::Message(message)) => {
                let Some(before) = commit.before.messages.get(&message.id) else { continue };
                if message.carrier.status < before.carrier.status {
                    findings.add(
                        "INV-09",
                        format!("{} fell from {:?} to {:?}", message.id, before.carrier.status, message.carrier.status),
                    );
                }
                if !message.carrier.error_codes.is_superset(&before.carrier.error_codes) {
                    findings.add("INV-09", format!("{} forgot an error code", message.id));
                }
            }
            Write::Put(Record::Attempt(attempt)) => {
                let effect = commit.log.effects.iter().find(|effect| effect.token == attempt.token);
                match (&attempt.state, effect) {
                    (AttemptState::Confirmed { sid, .. }, Some(effect)) if *sid == effect.sid => {}
                    (AttemptState::Confirmed { sid, by }, effect) => {
                        let truth = effect.map(|effect| &effect.sid);
                        findings.add(
                            "INV-05",
                            format!("{} is confirmed as {sid} by {by:?}, but the carrier has {truth:?}", attempt.message),
                        );
                    }
                    (AttemptState::NotSent { reason }, effect) => match commit.log.answers.get(&attempt.token) {
                        Some(AnswerKind::ServerError) => {
                            findings.add("INV-04", format!("{} counts as not sent after a 500 ({reason})", attempt.message));
                        }
                        Some(AnswerKind::Reset) => {
                            findings.add("INV-06", format!("{} counts as not sent after a reset ({reason})", attempt.message));
                        }
                        Some(AnswerKind::Accepted | AnswerKind::Definite) | None if effect.is_some() => {
                            findings.add("INV-06", format!("{} counts as not sent, and was", attempt.message));
                        }
                        _ => {}
                    },
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

pub(super) fn at_quiescence(mirror: &Mirror, log: &WorldLog, findings: &mut Findings) {
    for (_, id) in &log.acknowledged {
        match mirror.messages.get(id).map(|message| message.status) {
            None => findings.add("INV-01", format!("{id} was acknowledged and is gone")),
            Some(MessageStatus::Queued) => findings.add("INV-01", format!("{id} still waits")),
            Some(_) => {}
        }
    }
    for message in mirror.messages.values() {
        if message.status == MessageStatus::Dispatching {
            findings.add("INV-04", format!("{} is silently in doubt", message.id));
        }
    }
    for attempt in mirror.attempts.values() {
        let Some(message) = mirror.messages.get(&attempt.message) else { continue };
        let effect = log.effects.iter().find(|effect| effect.token == attempt.token);
        if effect.is_some() && matches!(attempt.state, AttemptState::NotSent { .. }) {
            findings.add("INV-05", format!("{} counts as not sent, and was", message.id));
        }
        let AttemptState::Confirmed { .. } = attempt.state else { continue };
        // The final state is a function of the set of facts, whatever their order.
        let told: Vec<(CarrierStatus, Option<u32>)> = log.callbacks.get(&attempt.token).cloned().unwrap_or_default();
        let highest = told.iter().map(|(status, _)| *status).max();
        if message.carrier.status < highest {
            findings.add("INV-10", format!("{} is {:?}, but {highest:?} was reported", message.id, message.carrier.status));
        }
        let codes: BTreeSet<u32> = told.iter().filter_map(|(_, code)| *code).collect();
        if !message.carrier.error_codes.is_superset(&codes) {
            findings
                .add("INV-10", format!("{} shows {:?}, but {codes:?} were reported", message.id, message.carrier.error_codes));
        }
    }
}
