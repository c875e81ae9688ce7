//! Address sessions: one US address in; internet providers, plans and why to believe it out.
//!
//! Three agents work on a session: `geocoding` places the address, `internet` finds who serves the
//! place, `checkout` waits (it has no work yet). Agents whose sources are local answer before the
//! session's first commit; remote sources are asked in a job, and the client polls. A source that
//! fails makes the answer poorer, never an error.

mod ask;
mod cache;
mod find;
mod found;
mod session;
mod sessions;
mod token;

use crate::kernel::record::RecordType;

pub use find::FIND;
pub use found::{Found, Geocoded, Internet};
pub use session::{AddressSession, AddressSessionReads, SessionRequest, SessionStatus};
pub(crate) use sessions::Parts;
pub use sessions::{AddressSessions, CreatedSession};
pub use token::SessionToken;

/// What is stored here.
pub(crate) const RECORDS: &[RecordType] = &[RecordType::of::<AddressSession>()];

impl AddressSessions {
    /// The kinds of jobs, one line each.
    pub(crate) fn jobs(&self) -> Vec<std::sync::Arc<dyn crate::kernel::job::Job>> {
        use std::sync::Arc;
        vec![Arc::new(find::Find(self.clone()))]
    }
}
