//! INV-46: nothing of one tenant is in what another one does.

use crate::{
    invariant::{Commit, Findings, Invariant},
    monitor::WorldLog,
};

/// Tenants are apart.
pub struct Apart;

impl Invariant for Apart {
    fn on_commit(&self, commit: &Commit<'_>, _: &mut WorldLog, findings: &mut Findings) {
        let org = commit.batch.org;
        if commit.jobs().any(|job| job.org != org) || commit.events().any(|event| event.org != org)
        {
            findings.add("INV-46", "a batch has another tenant's event or job".into());
        }
    }
}
