//! Ports with a memory, opinions and faults. Each belongs to one process of the world and asks
//! [`crate::process::Fate`] what goes wrong.

pub mod bus;
pub mod carrier;
pub mod endpoints;
pub mod model;
pub mod sources;
pub mod store;
pub mod texting;
