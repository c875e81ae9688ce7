//! What `hum` can be told to do.

mod demo;
mod import;
mod keys;
mod organizations;
mod serve;
mod welcome;

use std::{fmt, process::ExitCode};

use clap::{Parser, Subcommand};
use hum_core::{error::Error, store::StoreError};

use crate::config::{BadValue, Config};

/// AI voice and SMS operations. Without a command it serves.
#[derive(Parser)]
#[command(name = "hum", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API and run the jobs.
    Serve,
    /// Play a text, the agent's answer and a webhook, in memory.
    Demo,
    /// API keys.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Organizations.
    #[command(subcommand)]
    Organizations(organizations::Organizations),
    /// Broadband data: who serves a place, and what they sell there.
    #[command(subcommand)]
    Import(import::Import),
}

impl Cli {
    /// Does it.
    pub fn run(self) -> Result<(), Failure> {
        let command = self.command.unwrap_or(Command::Serve);
        if matches!(command, Command::Demo) {
            return runtime()?.block_on(demo::run());
        }
        let config = Config::from_env()?;
        log_to_stderr(&config)?;
        runtime()?.block_on(async {
            match command {
                Command::Serve | Command::Demo => serve::run(config).await,
                Command::Keys(keys) => keys.run(&config).await,
                Command::Organizations(organizations) => organizations.run(&config).await,
                // Waits for nothing but the disk.
                Command::Import(import) => import.run(&config),
            }
        })
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("no threads: {error}")))
}

fn log_to_stderr(config: &Config) -> Result<(), BadValue> {
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log).map_err(|_| {
        BadValue::new(
            "HUM_LOG",
            format!("{:?}", config.log),
            "it must be a filter such as info or hum_core=debug",
        )
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    Ok(())
}

/// Why a command failed, in a sentence.
#[derive(Debug)]
pub struct Failure {
    sentence: String,
    code: u8,
}

impl Failure {
    /// Something did not work.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            code: 1,
        }
    }

    /// 2 when the configuration is wrong, 1 otherwise.
    pub fn exit_code(&self) -> ExitCode {
        self.code.into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl From<BadValue> for Failure {
    fn from(bad: BadValue) -> Self {
        Self {
            sentence: bad.to_string(),
            code: 2,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(match error {
            Error::Invalid(problems) => {
                let sentences: Vec<String> = problems
                    .iter()
                    .map(|problem| {
                        format!(
                            "{} {}",
                            problem.pointer.trim_start_matches('/'),
                            problem.detail
                        )
                    })
                    .collect();
                sentences.join("; ")
            }
            Error::Store(error) => error.to_string(),
            other => other.to_string(),
        })
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(error.to_string())
    }
}
