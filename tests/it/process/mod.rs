//! Tests of the real `hum` program, as a process.

mod fake_twilio;
mod kill;
mod load;
mod server;
