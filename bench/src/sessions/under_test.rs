//! The three sides: hum's server and two peers, each set up as its maker says.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use clap::ValueEnum;

use crate::{
    database::Database,
    hum,
    round::{UnderTest, log},
    server::{self, Server},
};

use super::{availability::VINTAGE, prepare::Prepared, zip_codes};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Side {
    Hum,
    Node,
    Python,
}

impl Side {
    pub const ALL: [Self; 3] = [Self::Hum, Self::Node, Self::Python];

    pub fn name(self) -> &'static str {
        match self {
            Self::Hum => "hum",
            Self::Node => "node",
            Self::Python => "python",
        }
    }

    fn peer_folder(self) -> PathBuf {
        server::repository()
            .join("bench/peers")
            .join(format!("sessions-{}", self.name()))
    }

    /// What starts it, installed if need be; nothing for hum.
    pub fn install(self) -> io::Result<()> {
        match self {
            Self::Hum => Ok(()),
            Self::Node => server::install_from_npm(&self.peer_folder()),
            Self::Python => server::install_from_pip(&self.peer_folder()).map(drop),
        }
    }

    /// Starts it on a fresh database in `folder`.
    pub fn start(
        self,
        program: &Path,
        prepared: &Prepared,
        address: SocketAddr,
        folder: &Path,
        core: &str,
    ) -> io::Result<UnderTest> {
        let database = folder.join("sessions.sqlite");
        let mut command = match self {
            Self::Hum => {
                fs::copy(&prepared.database, &database)?;
                let sqlite = Database::Sqlite(database.clone());
                let mut command = hum::serve(program, &sqlite, &prepared.data, folder, address);
                // Sources are local, so there are no jobs; and one key makes all requests.
                command
                    .env("HUM_WORKERS", "0")
                    .env("HUM_SESSION_REQUESTS_PER_MINUTE", "0");
                command
            }
            Self::Node => {
                let mut command = Command::new("node");
                command
                    .arg("server.js")
                    .env("PORT", address.port().to_string())
                    .env("NODE_ENV", "production");
                command
            }
            Self::Python => {
                let mut command = Command::new(self.peer_folder().join(".venv/bin/python"));
                command.args([
                    "-m",
                    "uvicorn",
                    "server:app",
                    "--workers",
                    "1",
                    "--loop",
                    "uvloop",
                    "--http",
                    "httptools",
                ]);
                command.args([
                    "--no-access-log",
                    "--log-level",
                    "warning",
                    "--host",
                    "127.0.0.1",
                    "--port",
                ]);
                command.arg(address.port().to_string());
                command
            }
        };
        if self != Self::Hum {
            command
                .current_dir(self.peer_folder())
                .env("DATABASE", &database)
                .env("API_KEYS", &prepared.keys);
            command
                .env("ZIPS", zip_codes::table())
                .env("AVAILABILITY", &prepared.availability);
            command
                .env("PLANS", &prepared.cards)
                .env("VINTAGE", VINTAGE);
        }
        let server = Server::start(&command, core, address, &log(folder))?;
        let stored =
            move || Database::Sqlite(database).number("select count(*) from address_session");
        Ok(UnderTest {
            server,
            postgres: None,
            stored: Box::new(stored),
        })
    }
}
