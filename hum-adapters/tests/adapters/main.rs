//! The adapters against servers that these tests run themselves, and against what the vendors
//! publish.

mod contracts;
mod egress;
mod fake_carrier;
mod geocode;
mod geocode_chain;
mod language_model;
mod server;
mod twilio;
mod twilio_signature;
mod zip_table;
