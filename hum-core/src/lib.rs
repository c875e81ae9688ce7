//! The pure core of hum: what it decides, and the ports through which it decides.
//!
//! Every use case has three beats. **Decide**: load what is needed, call a plain function. **Commit**: apply a whole
//! [`batch::Batch`] or nothing. **Act**: call the carrier, the model or a customer only in a [`job`], after the commit that
//! ordered it. A crash between any two lines is survivable, and the simulator tries.
//!
//! No database, HTTP, vendor or async-runtime crate is a dependency, and no code here reads the clock, draws chance or
//! spawns: time, chance and waiting come in through [`clock`] and [`entropy`].
//!
//! | Folder | Capability |
//! |---|---|
//! | [`organization`] | the tenant, its carrier account |
//! | [`access`] | API keys, roles, the table of operations |
//! | [`flow`] | AI agents and their versions |
//! | [`number`] | phone numbers |
//! | [`consent`] | keywords, opt-outs |
//! | [`sms`] | conversations, messages, receiving, sending, resolving doubt; the port to a carrier |
//! | [`turn`] | AI turns; the port to a language model |
//! | [`tool`] | what agents can do |
//! | [`webhook`] | signed events to customers |
//! | [`address`] | US addresses and their normal form |
//! | [`geocode`] | the port that places an address on the map |
//! | [`broadband`] | internet providers and plans at a place, with evidence; the port to who knows them |
//! | [`address_session`] | an address in, providers and plans out; tokens, agents, expiry |
//! | [`event`] | the feed |
//! | [`job`] | work after a commit; the worker |

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
pub mod webhook;

pub use app::{Census, Counts, Hum, HumBuilder, MissingPort, OrgReads, Settings, Storage, SystemReads, records};
pub use kernel::{audit, batch, cipher, clock, decide, egress, entropy, error, event, id, idempotency, job, live_bus, page, record, store};
