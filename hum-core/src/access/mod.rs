//! Who may do what: API keys, roles, scopes and the one table of operations.

mod api_key;
mod api_keys;
mod operation;
mod role;

pub use api_key::{ApiKey, ApiKeyReads, ApiKeySecret, KeyMode};
pub use api_keys::{CreatedApiKey, NewApiKey, NotAuthenticated};
pub use operation::{OPERATIONS, Operation};
pub use role::{Caller, Denied, Role};
