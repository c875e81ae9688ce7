//! The two sides: hum's server and the peer, each set up as its maker says and told to keep
//! everything for later.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use clap::ValueEnum;

use crate::{
    round::log,
    server::{self, Server},
};

use super::texts::{ACCOUNT_SID, AUTH_TOKEN, PUBLIC_URL};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Side {
    Hum,
    Peer,
}

impl Side {
    pub fn name(self) -> &'static str {
        match self {
            Self::Hum => "hum",
            Self::Peer => "peer",
        }
    }
}

pub enum Database {
    Sqlite(PathBuf),
    Postgres(String),
}

pub fn peer_folder() -> PathBuf {
    server::repository().join("bench/peers/sms-in")
}

/// Starts one side on `database`, ready to take texts for [`super::texts::NUMBER`].
pub fn start(
    side: Side,
    hum: &Path,
    database: &Database,
    address: SocketAddr,
    folder: &Path,
    core: &str,
) -> io::Result<Server> {
    let mut command = match side {
        Side::Hum => {
            super::prepare::number(database)?;
            let mut command = Command::new(hum);
            let url = match database {
                Database::Sqlite(path) => format!("sqlite://{}", path.display()),
                Database::Postgres(url) => url.clone(),
            };
            command.arg("serve").current_dir(folder);
            command
                .env("HUM_BIND", address.to_string())
                .env("HUM_DATABASE_URL", url)
                .env("HUM_PUBLIC_URL", PUBLIC_URL);
            command
                .env("HUM_CARRIER", "twilio")
                .env("HUM_DATA_DIR", folder)
                .env("HUM_WORKERS", "0")
                .env("HUM_LOG", "warn");
            command
        }
        Side::Peer => {
            let mut command = Command::new("node");
            let database = match database {
                Database::Sqlite(path) => path.display().to_string(),
                Database::Postgres(url) => url.clone(),
            };
            command.arg("server.js").current_dir(peer_folder());
            command
                .env("PORT", address.port().to_string())
                .env("DATABASE", database)
                .env("PUBLIC_URL", PUBLIC_URL);
            command.env("NODE_ENV", "production");
            command
        }
    };
    command
        .env("TWILIO_ACCOUNT_SID", ACCOUNT_SID)
        .env("TWILIO_AUTH_TOKEN", AUTH_TOKEN);
    Server::start(&command, core, address, &log(folder))
}

/// How many messages are stored; both sides have a table `message`.
pub fn count_messages(database: &Database) -> io::Result<u64> {
    let sql = "select count(*) from message";
    match database {
        Database::Sqlite(path) => server::count_in_sqlite(path, sql),
        Database::Postgres(url) => {
            let output = Command::new("psql")
                .args(["-wXAtq", url, "-c", sql])
                .output()?;
            String::from_utf8_lossy(&output.stdout)
                .trim()
                .parse()
                .map_err(io::Error::other)
        }
    }
}
