//! The pure core of hum: what it decides, and the ports through which it decides.
//!
//! Every use case has three beats. **Decide**: load what is needed, call a plain function.
//! **Commit**: apply a whole [`batch::Batch`] or nothing. **Act**: call the carrier, the model or a
//! customer only in a [`job`], after the commit that ordered it. A crash between any two lines is
//! survivable, and the simulator tries. [`decide`] runs all three.
//!
//! No database, HTTP, vendor or async-runtime crate is a dependency, and no code here reads the
//! clock, draws chance or spawns: time, chance and waiting come in through [`clock`] and
//! [`entropy`].
//!
//! [`Hum`] assembles the capabilities; each knows the kernel and, one way, those below it.
//!
//! | Folder | Capability | Service |
//! |---|---|---|
//! | [`access`] | API keys, roles, the table of operations, rate limits | [`Hum::api_keys`], [`Hum::rate_limits`] |
//! | [`usage`] | what an organization used, by day | [`Hum::usage`] |
//! | [`organization`] | the tenant, its carrier account | [`Hum::organizations`] |
//! | [`telephony`] | the ports to a carrier | – |
//! | [`flow`] | AI agents and their versions | [`Hum::flows`] |
//! | [`number`] | phone numbers | [`Hum::numbers`] |
//! | [`consent`] | keywords, opt-outs | [`Hum::opt_outs`] |
//! | [`sms`] | conversations, messages, templates, receiving, sending, resolving doubt | [`Hum::sms`] |
//! | [`language_model`] | the port to a language model | – |
//! | [`tool`] | what agents can do | – |
//! | [`turn`] | AI turns: they run in jobs | – |
//! | [`webhook`] | signed events to customers | [`Hum::webhooks`] |
//! | [`address`] | US addresses and their normal form | – |
//! | [`geocode`] | the port that places an address on the map | – |
//! | [`broadband`] | internet providers and plans at a place, with evidence; the port to who knows them | – |
//! | [`address_session`] | an address in, providers and plans out; tokens, agents, expiry | [`Hum::address_sessions`] |
//!
//! The kernel: [`actor`], [`audit`], [`batch`], [`cipher`], [`clock`], [`counter`], [`decide`],
//! [`egress`], [`entropy`], [`error`], [`event`], [`feed`], [`id`], [`idempotency`], [`job`],
//! [`live_bus`], [`page`], [`record`], [`selector`], [`store`].

#![forbid(unsafe_code)]

pub mod access;
pub mod address;
pub mod address_session;
mod app;
pub mod broadband;
pub mod consent;
pub mod flow;
pub mod geocode;
mod kernel;
pub mod language_model;
pub mod number;
pub mod organization;
pub mod sms;
pub mod telephony;
pub mod tool;
pub mod turn;
pub mod usage;
pub mod webhook;

pub use app::{
    Census, Counts, Hum, HumBuilder, MissingPort, OrgReads, Settings, Storage, SystemReads, records,
};
pub use kernel::{
    actor, audit, batch, cipher, clock, counter, decide, egress, entropy, error, event, feed, id,
    idempotency, job, live_bus, page, record, selector, store,
};
