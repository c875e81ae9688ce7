//! Who may do what: API keys, roles, scopes and the one table of operations.

mod api_key;
mod api_keys;
mod operation;
mod role;

use crate::kernel::record::RecordType;

pub use api_key::{ApiKey, ApiKeyReads, ApiKeySecret, KeyDirectory, KeyMode};
pub use api_keys::{ApiKeys, CreatedApiKey, NewApiKey, NotAuthenticated};
pub use operation::{By, Limit, OPERATIONS, Operation};
pub use role::{Caller, Denied, Role};

/// What is stored of access.
pub(crate) const RECORDS: &[RecordType] = &[RecordType::of::<ApiKey>()];
