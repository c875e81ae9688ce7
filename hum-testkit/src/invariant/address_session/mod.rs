//! INV-64 to INV-69: address sessions. Who may use one and until when ([`lifetime`]), what nobody may learn of its token
//! ([`token`]), and what was found ([`finding`]).

mod finding;
mod lifetime;
mod token;

use hum_core::{
    address_session::AddressSession,
    batch::{Record, Write},
};

use super::{Commit, Findings, Mirror};

pub(crate) use lifetime::on_call;
pub(crate) use token::on_created;

pub(super) fn on_commit(commit: &Commit<'_>, findings: &mut Findings) {
    for write in &commit.batch.writes {
        match write {
            Write::Insert(Record::AddressSession(session)) => {
                token::unique(commit, session, findings);
                let begun = lifetime::created(commit, session, findings);
                finding::created(commit, session, begun, findings);
            }
            Write::Put(Record::AddressSession(session)) => {
                let Some(before) = commit.before.address_sessions.get(&session.id) else { continue };
                if (before.org, before.token_hash, before.created_at) != (session.org, session.token_hash, session.created_at)
                    || before.request != session.request
                {
                    findings.add("INV-67", format!("{} became another session", session.id));
                }
                lifetime::changed(commit, before, session, findings);
                finding::changed(commit, before, session, findings);
            }
            _ => {}
        }
    }
}

pub(super) fn at_quiescence(mirror: &Mirror, findings: &mut Findings) {
    let open = |session: &&AddressSession| session.closed_at.is_none();
    for session in mirror.address_sessions.values().filter(open).filter(|session| session.found.is_pending()) {
        findings.add("INV-69", format!("{} is pending, and nobody looks any more", session.id));
    }
}
