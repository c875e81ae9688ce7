//! Tests of the real `hum` program, as a process. A test of the package `hum-http`, so that Cargo
//! builds the program for it.

#![forbid(unsafe_code)]

mod fake_twilio;
mod import;
mod kill;
mod load;
mod server;
mod wake;
