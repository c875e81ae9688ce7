//! INV-64, INV-65 and INV-66: who may use a session, and until when.

use std::time::Duration;

use hum_core::{address_session::AddressSession, clock::Timestamp};

use super::super::{Commit, Findings, Mirror};
use crate::{
    clock::VirtualClock,
    session_log::{Call, Outcome, SessionLog, Wanted},
};

/// How long a session lives without use: the witness's own knowledge.
const IDLE: Duration = Duration::from_secs(30 * 60);

/// A session is made; answers when its request began, if the world knows.
pub(super) fn created(commit: &Commit<'_>, session: &AddressSession, findings: &mut Findings) -> Option<Duration> {
    let name = session.request.campaign_id.as_deref().unwrap_or_default();
    let fits = |wanted: &Wanted| matches!(wanted, Wanted::Create { campaign, .. } if campaign == name);
    let call = commit.log.sessions.in_flight(fits).next()?;
    let (earliest, latest) = commit.clock.walls_since(call.start);
    if !(earliest..=latest).contains(&session.created_at) || session.expires_at != session.created_at + IDLE {
        findings.add("INV-65", format!("{} is made at {} until {}", session.id, session.created_at, session.expires_at));
    }
    if session.org != call.org {
        findings.add("INV-66", format!("{} is made for another tenant", session.id));
    }
    Some(call.start)
}

/// A session is changed. Its commit is guarded by the version before, so whoever decided it had seen exactly that.
pub(super) fn changed(commit: &Commit<'_>, before: &AddressSession, after: &AddressSession, findings: &mut Findings) {
    let closes = before.closed_at.is_none() && after.closed_at.is_some();
    let is_used = before.expires_at != after.expires_at || (!closes && before.found == after.found);
    if before.closed_at.is_some() && (is_used || after.closed_at != before.closed_at) {
        findings.add("INV-64", format!("{} is used after it was closed", after.id));
    }
    if !is_used && !closes {
        return;
    }
    let fits = |wanted: &Wanted| match wanted {
        Wanted::Use(token) => is_used && *token == after.token_hash,
        Wanted::Close(token) => closes && *token == after.token_hash,
        Wanted::Create { .. } => false,
    };
    let calls: Vec<&Call> = commit.log.sessions.in_flight(fits).collect();
    if calls.is_empty() {
        // Without any call in the log, the world's user calls hum by other ways.
        if !commit.log.sessions.calls.is_empty() {
            findings.add("INV-65", format!("{} lives on although nobody used it", after.id));
        }
        return;
    }
    if !calls.iter().any(|call| commit.clock.walls_since(call.start).0 < before.expires_at) {
        findings.add("INV-65", format!("{} is used, but it expired at {}", after.id, before.expires_at));
    }
    let in_time = |call: &&Call| {
        let (earliest, latest) = commit.clock.walls_since(call.start);
        is_within(after.expires_at, earliest + IDLE, latest + IDLE)
    };
    if is_used && !calls.iter().any(in_time) {
        findings.add("INV-65", format!("{} was used, and now expires at {}", after.id, after.expires_at));
    }
    if calls.iter().all(|call| call.org != after.org) {
        findings.add("INV-66", format!("{} is used by another tenant", after.id));
    }
}

fn is_within(at: Timestamp, earliest: Timestamp, latest: Timestamp) -> bool {
    (earliest..=latest).contains(&at)
}

/// A use or a close ended.
pub(crate) fn on_call(
    mirror: &Mirror,
    log: &mut SessionLog,
    call: usize,
    outcome: &Outcome,
    clock: &VirtualClock,
    findings: &mut Findings,
) {
    let Some(ended) = log.calls.get_mut(call) else { return };
    ended.in_flight = false;
    let call = ended.clone();
    let (token, closes) = match &call.wanted {
        Wanted::Use(token) => (token, false),
        Wanted::Close(token) => (token, true),
        Wanted::Create { .. } => return,
    };
    let met = log.met_by(&call, token);
    let is_own = mirror.address_sessions.values().any(|session| session.token_hash == *token && session.org == call.org);
    match outcome {
        Outcome::Answered(session) if !is_own || session.org != call.org => {
            findings.add("INV-66", format!("{} was given to {}", session.id, call.org));
        }
        Outcome::Answered(session) => {
            if met.first().is_some_and(|state| state.closed && state.commit <= call.commits) {
                findings.add("INV-64", format!("{} answers, and it was closed", session.id));
            }
            let stored = |state: &crate::session_log::State| {
                state.commit > call.commits && state.expires_at == session.expires_at && state.closed == closes
            };
            if !met.iter().any(stored) {
                findings.add("INV-65", format!("{} answers with what is not stored: {session:?}", session.id));
            }
        }
        Outcome::Refused if is_own => {
            let (_, latest) = clock.walls_since(call.start);
            if met.iter().all(|state| !state.closed && latest < state.expires_at) {
                findings.add("INV-65", format!("an open session was refused at {latest}: {met:?}"));
            }
        }
        Outcome::Failed(error) => findings.add("INV-65", format!("a session cannot be used: {error}")),
        Outcome::Refused | Outcome::Unknown => {}
    }
}
