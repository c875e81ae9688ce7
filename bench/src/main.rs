//! Benchmarks with a peer in the same run. `bench/README.md` says how to run and read them.

#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

mod histogram;
mod load;
mod machine;
mod server;
mod sms_in;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "hum-bench", about = "Measures hum beside a peer, in one run")]
struct Arguments {
    #[command(subcommand)]
    benchmark: Benchmark,
}

#[derive(Subcommand)]
enum Benchmark {
    /// Signed inbound texts, taken in durably: hum beside express + Twilio's middleware.
    SmsIn(sms_in::Options),
}

fn main() -> std::process::ExitCode {
    let Benchmark::SmsIn(options) = Arguments::parse().benchmark;
    match sms_in::run(&options) {
        Ok(true) => std::process::ExitCode::SUCCESS,
        Ok(false) => std::process::ExitCode::FAILURE,
        Err(error) => {
            eprintln!("hum-bench: {error}");
            std::process::ExitCode::from(2)
        }
    }
}
