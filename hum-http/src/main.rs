//! The `hum` command.

#![forbid(unsafe_code)]

mod assemble;
mod cli;
mod config;

use std::process::ExitCode;

use clap::Parser;

/// A fifth of the work of taking a text in was glibc's allocator (docs/adr/0008).
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let command = cli::Cli::parse();
    match command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("hum: {failure}");
            failure.exit_code()
        }
    }
}
