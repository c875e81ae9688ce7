//! What handlers take in. Everything that comes from outside is checked here, with a pointer to
//! what is wrong.

mod body;
mod caller;
mod idempotency_key;
mod page;
mod patch;
mod path;
mod value;

pub(crate) use body::{Body, NoBody, read};
pub(crate) use caller::Caller;
pub(crate) use idempotency_key::{Command, InFlight};
pub(crate) use page::{Filter, List, NoFilter, PageParams, PageView};
pub(crate) use patch::Patch;
pub(crate) use path::{Id, Id2, Token};
pub(crate) use value::{Flag, ToolName};
