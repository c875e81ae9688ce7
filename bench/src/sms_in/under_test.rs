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
    database::Database,
    hum,
    organization::Organization,
    round::log,
    server::{self, Server},
    texts::{self, PUBLIC_URL},
};

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

pub fn peer_folder() -> PathBuf {
    server::repository().join("bench/peers/sms-in")
}

/// Starts one side on `database`, ready to take texts for [`texts::NUMBER`].
pub fn start(
    side: Side,
    program: &Path,
    database: &Database,
    address: SocketAddr,
    folder: &Path,
    core: &str,
) -> io::Result<Server> {
    let mut command = match side {
        Side::Hum => {
            let mut command = hum::serve(program, database, folder, folder, address);
            command.env("HUM_WORKERS", "0");
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
    command.envs(texts::CARRIER);
    if side == Side::Peer {
        return Server::start(&command, core, address, &log(folder));
    }
    let organization = Organization::create(program, database, folder, "bench", address)?;
    let server = Server::start(&command, core, address, &log(folder))?;
    // Its agent waits as long as it may before it answers.
    organization.number(texts::NUMBER, texts::LONGEST_DEBOUNCE_MS)?;
    Ok(server)
}
