//! The broadband map on this machine: the FCC's availability data and a catalogue of plans.

mod durable;
pub mod import;
pub mod index;
mod mapped_file;
mod technology;
