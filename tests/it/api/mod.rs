//! The API over the real router, on both stores.

mod authorization;
mod bad_input;

mod conversations;
mod documents;
mod event_stream;
mod events;
mod flows;
mod idempotency;
mod inbound;
mod keys;
mod messages;
mod numbers;
mod opt_outs;
mod organization;
mod rate_limits;
mod service;
mod session_requests;
mod sessions;
mod templates;
mod usage;
mod webhooks;
