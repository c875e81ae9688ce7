//! Who changed what: one row in the same commit as the change.

use crate::{
    access::Caller,
    kernel::{
        clock::Timestamp,
        entropy::Entropy,
        id::{AuditId, OrgId},
    },
};

/// One act that somebody may be asked about later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Which.
    pub id: AuditId,
    /// Whose.
    pub org: OrgId,
    /// When.
    pub at: Timestamp,
    /// An API key's id, `system`, or `contact` for what a texter did.
    pub actor: String,
    /// What was done, such as `opt_out.remove`.
    pub action: &'static str,
    /// To what: an id or a number.
    pub subject: String,
}

impl AuditRow {
    /// A row for an act of `caller`.
    pub fn by(caller: &Caller, action: &'static str, subject: impl ToString, now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self {
            id: AuditId::new(now, entropy),
            org: caller.org,
            at: now,
            actor: caller.actor(),
            action,
            subject: subject.to_string(),
        }
    }
}
