//! hum on a fresh database, in a folder of its own: what a round that restarts or fills it needs.

use std::{io, net::SocketAddr, path::PathBuf, process::Command};

use crate::{
    database::{Database, DatabaseKind},
    effort::{Ground, Storage},
    hum,
    machine::Meter,
    organization::Organization,
    round::log,
    server::{self, Postgres, Server},
    texts,
};

/// Where stages are put up.
pub struct Site<'a> {
    ground: &'a Ground,
    storage: Storage,
    /// hum's server.
    program: PathBuf,
    /// The core that it runs on.
    core: String,
}

pub struct Stage {
    pub database: Database,
    postgres: Option<Postgres>,
    folder: tempfile::TempDir,
    program: PathBuf,
    core: String,
    pub address: SocketAddr,
}

impl<'a> Site<'a> {
    /// Builds hum, and gives the cores to it and the rest. `plan` is what is going to happen.
    pub fn new(ground: &'a Ground, storage: Storage, plan: &str) -> io::Result<Self> {
        let program = ground.hum()?;
        let core = ground.settle(plan)?.server;
        Ok(Self {
            ground,
            storage,
            program,
            core,
        })
    }

    /// An empty database. `settings` are those of its own server, as `name=value`.
    pub fn stage(&self, kind: DatabaseKind, settings: &[&str]) -> io::Result<Stage> {
        let folder = self.ground.folder_on(self.storage)?;
        let (database, postgres) = kind.fresh(folder.path(), settings)?;
        Ok(Stage {
            database,
            postgres,
            folder,
            program: self.program.clone(),
            core: self.core.clone(),
            address: server::free_address()?,
        })
    }
}

impl Stage {
    /// Makes an organization; the first time also the schema of the measured build.
    pub fn organization(&self, slug: &str) -> io::Result<Organization> {
        let (program, data) = (&self.program, self.folder.path());
        Organization::create(program, &self.database, data, slug, self.address)
    }

    /// Starts hum's server, which takes texts in and may call loopback, with `settings` besides.
    pub fn serve(&self, settings: &[(&str, &str)]) -> io::Result<Server> {
        let folder = self.folder.path();
        let mut command = hum::serve(&self.program, &self.database, folder, folder, self.address);
        command
            .envs(texts::CARRIER)
            // No text leaves: nobody listens there.
            .env("HUM_TWILIO_API_URL", "http://127.0.0.1:9")
            .env("HUM_EGRESS_ALLOW", "127.0.0.1")
            .envs(settings.iter().copied());
        self.start(&command)
    }

    /// Starts any server on the core that is measured.
    pub fn start(&self, command: &Command) -> io::Result<Server> {
        Server::start(command, &self.core, self.address, &log(self.folder.path()))
    }

    /// A server that only serves, for what is made by API.
    pub fn serve_only(&self) -> io::Result<Server> {
        self.serve(&[("HUM_WORKERS", "0")])
    }

    /// Reads the processor time of a server on this stage.
    pub fn meter(&self, server: &Server) -> Meter {
        Meter {
            server: server.pid(),
            postgres: self.postgres.as_ref().map(|postgres| postgres.pid),
        }
    }
}
