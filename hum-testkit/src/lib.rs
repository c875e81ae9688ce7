//! A whole world from one seed: clock, carrier, handsets, model, storage crashes, customer
//! endpoints.
//!
//! Use it in two ways. Test your own agents: [`World::calm`] runs the real application on virtual
//! time without faults, and `examples/test_your_agent.rs` shows how. [`World::builder`] takes
//! adapters of your own, your model, your store, and rules of your own. Test hum:
//! [`simulator::run`] gives a seed to a world full of faults and checks the invariants of
//! `docs/invariants.md`; the command is `hum-sim`.

#![forbid(unsafe_code)]

pub mod capability;
pub mod chance;
pub mod clock;
pub mod contract;
pub mod executor;
pub mod fake;
pub mod invariant;
pub mod monitor;
pub mod options;
pub mod planted;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod simulator;
pub mod trace;
pub mod world;

pub use chance::Chance;
pub use clock::VirtualClock;
pub use options::Options;
pub use world::World;
