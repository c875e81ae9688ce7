//! Who may do what, and how often: API keys, roles, scopes, rate limits and the one table of operations.

mod api_key;
mod api_keys;
mod gcra;
mod operation;
mod rate_limit;
mod role;
#[cfg(test)]
mod waiting_room;

use crate::kernel::record::RecordType;

pub use api_key::{ApiKey, ApiKeyReads, ApiKeySecret, KeyDirectory, KeyMode};
pub use api_keys::{ApiKeys, CreatedApiKey, NewApiKey, NotAuthenticated};
pub use operation::{By, Limit, OPERATIONS, Operation};
pub use rate_limit::{Count, PerLimit, Policy, Quotas, RateLimits, Standing, Whose};
pub use role::{Caller, Denied, Role};

/// What is stored of access.
pub(crate) const RECORDS: &[RecordType] = &[RecordType::of::<ApiKey>()];
