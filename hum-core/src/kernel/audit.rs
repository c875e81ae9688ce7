//! Who changed what: one row in the same commit as the change.

use super::{
    actor::Actor,
    clock::Timestamp,
    decide::Moment,
    id::{AuditId, OrgId},
    record::record,
};

record! {
    /// One act that somebody may be asked about later.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct AuditRow in "audit" {
        /// Whose.
        key pub org: OrgId => "org_id",
        /// Which.
        key pub id: AuditId => "id",
        /// When.
        fixed pub at: Timestamp => "at",
        /// See [`Actor`].
        fixed pub actor: String => "actor",
        /// What was done, such as `opt_out.remove`.
        fixed pub action: String => "action",
        /// To what: an id or a number.
        fixed pub subject: String => "subject",
    }
}

impl AuditRow {
    /// A row for an act.
    pub fn new(
        org: OrgId,
        actor: Actor,
        action: &str,
        subject: String,
        moment: Moment<'_>,
    ) -> Self {
        let Moment { now, entropy } = moment;
        Self {
            id: AuditId::new(now, entropy),
            org,
            at: now,
            actor: actor.to_string(),
            action: action.into(),
            subject,
        }
    }
}
