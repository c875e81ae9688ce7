use std::collections::BTreeMap;

use hum_core::id::OrgId;

/// What clients know that follow a feed.
#[derive(Debug, Default)]
pub struct EventLog {
    /// The last event that each one has, by organization and by its number among the clients there.
    /// It is not there before it knows where it begins.
    pub last: BTreeMap<(OrgId, u64), i64>,
}
