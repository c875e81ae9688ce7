//! INV-67: a token is shown once, and stored nowhere.

use std::collections::BTreeSet;

use hum_core::{address_session::AddressSession, id::AddressSessionId};

use crate::{
    capability::address_session::{SessionLog, Wanted, token_hash},
    invariant::{Commit, Findings, Invariant},
    monitor::{Witness, WorldLog},
};

/// 128 bits, as characters of which each has at most 5.96.
const SHORTEST: usize = 22;

/// A token is one session's, and nobody else learns it.
pub struct Token;

impl Invariant for Token {
    fn on_commit(&self, commit: &Commit<'_>, log: &mut WorldLog, findings: &mut Findings) {
        commit
            .inserted::<AddressSession>()
            .for_each(|session| unique(commit, session, &log.sessions, findings));
        commit
            .changed::<AddressSession>()
            .for_each(|session| same(commit, session, findings));
        for session in commit.written::<AddressSession>() {
            match log.sessions.tokens.get(&session.id) {
                Some(token) => conceal(session.id, token, commit.text, findings),
                None => log
                    .sessions
                    .unread
                    .entry(session.id)
                    .or_default()
                    .push(commit.text.to_owned()),
            }
        }
    }
}

fn same(commit: &Commit<'_>, session: &AddressSession, findings: &mut Findings) {
    let Some(before) = commit.before.get::<AddressSession>(&session.id) else {
        return;
    };
    let is_same = (before.org, before.token_hash, before.created_at)
        == (session.org, session.token_hash, session.created_at);
    if !is_same || before.request != session.request {
        findings.add("INV-67", format!("{} became another session", session.id));
    }
}

fn unique(
    commit: &Commit<'_>,
    session: &AddressSession,
    log: &SessionLog,
    findings: &mut Findings,
) {
    let known = commit
        .before
        .all::<AddressSession>()
        .any(|other| other.token_hash == session.token_hash);
    if known || commit.before.get::<AddressSession>(&session.id).is_some() {
        findings.add(
            "INV-67",
            format!("{} has another session's token or id", session.id),
        );
    }
    // A hash that can be read is none: chance makes one in 10^14.
    let letters = session
        .token_hash
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    if letters >= SHORTEST {
        findings.add(
            "INV-67",
            format!("{} has its token in the open", session.id),
        );
    }
    let keyed = log.calls.iter().any(|call| match &call.wanted {
        Wanted::Create { campaign, keyed } => {
            *keyed && session.request.campaign_id.as_ref() == Some(campaign)
        }
        Wanted::Use(_) | Wanted::Close(_) => false,
    });
    let is_its = |other: &AddressSession| {
        other.org == session.org && other.request.campaign_id == session.request.campaign_id
    };
    if keyed && commit.before.all::<AddressSession>().any(is_its) {
        findings.add(
            "INV-67",
            format!(
                "{} is the second session of one Idempotency-Key",
                session.id
            ),
        );
    }
}

/// Somebody was shown a token, or nobody: the creation is over.
pub fn shown(witness: &mut Witness, call: usize, token: Option<&str>) {
    let Witness {
        mirror,
        log,
        findings,
        ..
    } = witness;
    let log = &mut log.sessions;
    let Some(call) = log.calls.get_mut(call) else {
        return;
    };
    call.in_flight = false;
    let org = call.org;
    let Some(token) = token else { return };
    let chars: BTreeSet<char> = token.chars().collect();
    if token.len() < SHORTEST
        || !token.bytes().all(|byte| byte.is_ascii_alphanumeric())
        || chars.len() < 6
    {
        findings.add(
            "INV-67",
            format!(
                "a token of {} characters, {} of them different",
                token.len(),
                chars.len()
            ),
        );
    }
    let hash = token_hash(token);
    let is_its = |session: &&AddressSession| session.org == org && session.token_hash == hash;
    let Some(session) = mirror.all::<AddressSession>().find(is_its) else {
        findings.add(
            "INV-67",
            "a token was shown whose SHA-256 is not stored".into(),
        );
        return;
    };
    if log
        .tokens
        .iter()
        .any(|(id, known)| known == token && *id != session.id)
    {
        findings.add(
            "INV-67",
            format!("{} has another session's token", session.id),
        );
    }
    for text in log.unread.remove(&session.id).unwrap_or_default() {
        conceal(session.id, token, &text, findings);
    }
    log.tokens.insert(session.id, token.to_owned());
}

/// Nothing that is committed tells the token: not as text, not as bytes, not in hex.
fn conceal(session: AddressSessionId, token: &str, text: &str, findings: &mut Findings) {
    let bytes = format!("{:?}", token.as_bytes());
    let hex: String = token.bytes().map(|byte| format!("{byte:02x}")).collect();
    if [token, bytes.trim_matches(['[', ']']), &hex]
        .into_iter()
        .any(|form| text.contains(form))
    {
        findings.add("INV-67", format!("a commit tells the token of {session}"));
    }
}
