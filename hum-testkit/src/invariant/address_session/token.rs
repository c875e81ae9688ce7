//! INV-67: a token is shown once, and stored nowhere.

use std::collections::BTreeSet;

use hum_core::{
    address_session::AddressSession,
    batch::{Batch, Record, Write},
    id::AddressSessionId,
};

use super::super::{Commit, Findings, Mirror};
use crate::session_log::{SessionLog, State, Wanted, token_hash};

/// 128 bits, as characters of which each has at most 5.96.
const SHORTEST: usize = 22;

pub(super) fn unique(commit: &Commit<'_>, session: &AddressSession, findings: &mut Findings) {
    let known = commit.before.address_sessions.values().any(|other| other.token_hash == session.token_hash);
    if known || commit.before.address_sessions.contains_key(&session.id) {
        findings.add("INV-67", format!("{} has another session's token or id", session.id));
    }
    // A hash that can be read is none: chance makes one in 10^14.
    let letters = session.token_hash.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    if letters >= SHORTEST {
        findings.add("INV-67", format!("{} has its token in the open", session.id));
    }
    let twice = commit.log.sessions.calls.iter().any(|call| match &call.wanted {
        Wanted::Create { campaign, keyed } => *keyed && session.request.campaign_id.as_ref() == Some(campaign),
        Wanted::Use(_) | Wanted::Close(_) => false,
    }) && commit
        .before
        .address_sessions
        .values()
        .any(|other| other.org == session.org && other.request.campaign_id == session.request.campaign_id);
    if twice {
        findings.add("INV-67", format!("{} is the second session of one Idempotency-Key", session.id));
    }
}

/// Somebody was shown a token, or nobody: the creation is over.
pub(crate) fn on_created(mirror: &Mirror, log: &mut SessionLog, call: usize, token: Option<&str>, findings: &mut Findings) {
    let Some(call) = log.calls.get_mut(call) else { return };
    call.in_flight = false;
    let org = call.org;
    let Some(token) = token else { return };
    let chars: BTreeSet<char> = token.chars().collect();
    if token.len() < SHORTEST || !token.bytes().all(|byte| byte.is_ascii_alphanumeric()) || chars.len() < 6 {
        findings.add("INV-67", format!("a token of {} characters, {} of them different", token.len(), chars.len()));
    }
    let hash = token_hash(token);
    let Some(session) = mirror.address_sessions.values().find(|session| session.org == org && session.token_hash == hash) else {
        findings.add("INV-67", "a token was shown whose SHA-256 is not stored".into());
        return;
    };
    if log.tokens.iter().any(|(id, known)| known == token && *id != session.id) {
        findings.add("INV-67", format!("{} has another session's token", session.id));
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
    if [token, bytes.trim_matches(['[', ']']), &hex].into_iter().any(|form| text.contains(form)) {
        findings.add("INV-67", format!("a commit tells the token of {session}"));
    }
}

impl SessionLog {
    /// A batch was committed, which `text` shows whole.
    pub(crate) fn committed(&mut self, batch: &Batch, text: &str, findings: &mut Findings) {
        self.commits += 1;
        for write in &batch.writes {
            let (session, version) = match write {
                Write::Insert(Record::AddressSession(session)) => (session, 1),
                Write::Put(Record::AddressSession(session)) => (session, session.version + 1),
                _ => continue,
            };
            let (commit, expires_at, closed) = (self.commits, session.expires_at, session.closed_at.is_some());
            self.states.entry(session.token_hash).or_default().push(State { commit, expires_at, closed, version });
            match self.tokens.get(&session.id) {
                Some(token) => conceal(session.id, token, text, findings),
                None => self.unread.entry(session.id).or_default().push(text.to_owned()),
            }
        }
    }
}
