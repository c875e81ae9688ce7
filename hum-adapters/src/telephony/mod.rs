//! Carriers: Twilio, and a fake one with handsets.

pub mod fake;
pub mod twilio;

pub use fake::FakeCarrier;
pub use twilio::Twilio;
