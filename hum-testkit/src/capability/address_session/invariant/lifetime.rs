//! INV-64, INV-65 and INV-66: who may use a session, and until when.

use std::time::Duration;

use hum_core::{address_session::AddressSession, clock::Timestamp};

use crate::{
    capability::address_session::{Call, Outcome, State, Wanted},
    invariant::{Commit, Findings, Invariant},
    monitor::{Witness, WorldLog},
};

/// How long a session lives without use: the witness's own knowledge.
const IDLE: Duration = Duration::from_secs(30 * 60);

/// Who may use a session, and until when.
pub struct Lifetime;

impl Invariant for Lifetime {
    fn on_commit(&self, commit: &Commit<'_>, log: &mut WorldLog, findings: &mut Findings) {
        for session in commit.inserted::<AddressSession>() {
            if let Some(call) = log.sessions.creation_of(session) {
                created(commit, session, call, findings);
            }
        }
        for session in commit.changed::<AddressSession>() {
            if let Some(before) = commit.before.get::<AddressSession>(&session.id) {
                changed(commit, before, session, log, findings);
            }
        }
        log.sessions.commits += 1;
        let number = log.sessions.commits;
        for session in commit.written::<AddressSession>() {
            let (expires_at, closed) = (session.expires_at(), session.closed_at().is_some());
            let state = State {
                commit: number,
                expires_at,
                closed,
                version: session.version,
            };
            log.sessions
                .states
                .entry(session.token_hash)
                .or_default()
                .push(state);
        }
    }
}

/// A session is made, for whoever called.
fn created(commit: &Commit<'_>, session: &AddressSession, call: &Call, findings: &mut Findings) {
    let (earliest, latest) = commit.clock.walls_since(call.start);
    if !(earliest..=latest).contains(&session.created_at)
        || session.expires_at() != session.created_at + IDLE
    {
        let (id, made, expires) = (session.id, session.created_at, session.expires_at());
        findings.add("INV-65", format!("{id} is made at {made} until {expires}"));
    }
    if session.org != call.org {
        findings.add(
            "INV-66",
            format!("{} is made for another tenant", session.id),
        );
    }
}

/// A session is changed. Its commit is guarded by the version before, so whoever decided it had
/// seen exactly that.
fn changed(
    commit: &Commit<'_>,
    before: &AddressSession,
    after: &AddressSession,
    log: &WorldLog,
    findings: &mut Findings,
) {
    let closes = before.closed_at().is_none() && after.closed_at().is_some();
    let is_used =
        before.expires_at() != after.expires_at() || (!closes && before.found() == after.found());
    if before.closed_at().is_some() && (is_used || after.closed_at() != before.closed_at()) {
        findings.add(
            "INV-64",
            format!("{} is used after it was closed", after.id),
        );
    }
    if !is_used && !closes {
        return;
    }
    let fits = |wanted: &Wanted| match wanted {
        Wanted::Use(token) => is_used && *token == after.token_hash,
        Wanted::Close(token) => closes && *token == after.token_hash,
        Wanted::Create { .. } => false,
    };
    let calls: Vec<&Call> = log.sessions.in_flight(fits).collect();
    if calls.is_empty() {
        // Without any call in the log, the world's user calls hum by other ways.
        if !log.sessions.calls.is_empty() {
            findings.add(
                "INV-65",
                format!("{} lives on although nobody used it", after.id),
            );
        }
        return;
    }
    if !calls
        .iter()
        .any(|call| commit.clock.walls_since(call.start).0 < before.expires_at())
    {
        findings.add(
            "INV-65",
            format!(
                "{} is used, but it expired at {}",
                after.id,
                before.expires_at()
            ),
        );
    }
    let in_time = |call: &&Call| {
        let (earliest, latest) = commit.clock.walls_since(call.start);
        is_within(after.expires_at(), earliest + IDLE, latest + IDLE)
    };
    if is_used && !calls.iter().any(in_time) {
        findings.add(
            "INV-65",
            format!(
                "{} was used, and now expires at {}",
                after.id,
                after.expires_at()
            ),
        );
    }
    if calls.iter().all(|call| call.org != after.org) {
        findings.add("INV-66", format!("{} is used by another tenant", after.id));
    }
}

fn is_within(at: Timestamp, earliest: Timestamp, latest: Timestamp) -> bool {
    (earliest..=latest).contains(&at)
}

/// A use or a close ended.
pub fn called(witness: &mut Witness, call: usize, outcome: &Outcome) {
    let Witness {
        mirror,
        log,
        findings,
        clock,
        ..
    } = witness;
    let log = &mut log.sessions;
    let Some(ended) = log.calls.get_mut(call) else {
        return;
    };
    ended.in_flight = false;
    let call = ended.clone();
    let (token, closes) = match &call.wanted {
        Wanted::Use(token) => (token, false),
        Wanted::Close(token) => (token, true),
        Wanted::Create { .. } => return,
    };
    let met = log.met_by(&call, token);
    let is_own = mirror
        .all::<AddressSession>()
        .any(|session| session.token_hash == *token && session.org == call.org);
    match outcome {
        Outcome::Answered(session) if !is_own || session.org != call.org => {
            findings.add(
                "INV-66",
                format!("{} was given to {}", session.id, call.org),
            );
        }
        Outcome::Answered(session) => {
            if met
                .first()
                .is_some_and(|state| state.closed && state.commit <= call.commits)
            {
                findings.add(
                    "INV-64",
                    format!("{} answers, and it was closed", session.id),
                );
            }
            let stored = |state: &State| {
                state.commit > call.commits
                    && state.expires_at == session.expires_at()
                    && state.closed == closes
            };
            if !met.iter().any(stored) {
                findings.add(
                    "INV-65",
                    format!(
                        "{} answers with what is not stored: {session:?}",
                        session.id
                    ),
                );
            }
        }
        Outcome::Refused if is_own => {
            let (_, latest) = clock.walls_since(call.start);
            if met
                .iter()
                .all(|state| !state.closed && latest < state.expires_at)
            {
                findings.add(
                    "INV-65",
                    format!("an open session was refused at {latest}: {met:?}"),
                );
            }
        }
        Outcome::Failed(error) => {
            findings.add("INV-65", format!("a session cannot be used: {error}"))
        }
        Outcome::Refused | Outcome::Unknown => {}
    }
}
