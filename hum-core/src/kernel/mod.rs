//! What knows no capability: ids, time, chance, what is remembered and how it is decided.
//!
//! Every capability stands on this; nothing in here names one. Outside of this crate the modules have no `kernel` in their
//! paths: `hum_core::clock`, `hum_core::batch`.

pub mod audit;
pub mod batch;
pub mod cipher;
pub mod clock;
pub mod e164;
pub mod egress;
pub mod entropy;
pub mod error;
pub mod event;
pub mod id;
pub mod idempotency;
pub mod job;
pub mod live_bus;
pub(crate) mod named;
pub mod page;
pub mod store;
