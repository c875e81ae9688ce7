//! Benchmarks, most of them with a peer in the same run. `bench/README.md` says how to run and read them.

#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

mod database;
mod effort;
mod endpoint;
mod http;
mod hum;
mod latencies;
mod load;
mod machine;
mod organization;
mod queue;
mod report;
mod round;
mod rows;
mod server;
mod sessions;
mod sms_in;
mod stage;
mod texts;
mod webhooks;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "hum-bench",
    about = "Measures hum, most often beside a peer in one run"
)]
struct Arguments {
    #[command(subcommand)]
    benchmark: Benchmark,
}

#[derive(Subcommand)]
enum Benchmark {
    /// Signed inbound texts, taken in durably: hum beside express + Twilio's middleware.
    SmsIn(sms_in::Options),
    /// Address sessions: hum beside express + zod and FastAPI + pydantic.
    Sessions(sessions::Options),
    /// Events that come in and are delivered, behind a backlog, failures, a hanging neighbour, a kill.
    Webhooks(webhooks::Options),
    /// The job queue, with nothing to do and with a million jobs: hum beside graphile-worker.
    Queue(queue::Options),
}

fn main() -> std::process::ExitCode {
    let all_met = match Arguments::parse().benchmark {
        Benchmark::SmsIn(options) => sms_in::run(&options),
        Benchmark::Sessions(options) => sessions::run(&options),
        Benchmark::Webhooks(options) => webhooks::run(&options),
        Benchmark::Queue(options) => queue::run(&options),
    };
    match all_met {
        Ok(true) => std::process::ExitCode::SUCCESS,
        Ok(false) => std::process::ExitCode::FAILURE,
        Err(error) => {
            eprintln!("hum-bench: {error}");
            std::process::ExitCode::from(2)
        }
    }
}
