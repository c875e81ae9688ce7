//! How long and how hard each side is loaded, and where its files are.

use std::{
    io,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};

use crate::{
    database::DatabaseKind,
    machine::{self, Cores},
    server,
};

/// What the sides stand on.
#[derive(Args)]
pub struct Ground {
    /// A folder on the disk that `--storage disk` means.
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    disk: PathBuf,
    /// How often the sides take turns.
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// Without real-time priority. The kernel takes 5 % of each second from a core that is busy
    /// with it, 50 ms in one piece: of a saturated server that can be all that p99 shows. For quiet
    /// machines.
    #[arg(long)]
    normal_priority: bool,
    /// hum's server, instead of the one that `cargo build --release` makes.
    #[arg(long)]
    hum: Option<PathBuf>,
}

/// How hard requests load a side.
#[derive(Args)]
pub struct Effort {
    #[command(flatten)]
    pub ground: Ground,
    /// How long each side is measured, after a warm-up.
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    /// The warm-up.
    #[arg(long, default_value_t = 1.5)]
    pub warm_up: f64,
    /// Keep-alive connections.
    #[arg(long, default_value_t = 64)]
    pub connections: usize,
}

/// On tmpfs syncing is free, so goals hold there; a disk is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Storage {
    Tmpfs,
    Disk,
}

impl Storage {
    /// What rounds on it are printed below.
    pub fn title(self, database: DatabaseKind) -> String {
        let place = match self {
            Self::Tmpfs => "tmpfs",
            Self::Disk => "disk",
        };
        format!("{}, on {place}", database.name())
    }
}

impl Ground {
    /// hum's server. Builds it, so this comes before the machine is settled.
    pub fn hum(&self) -> io::Result<PathBuf> {
        match &self.hum {
            Some(path) => path.canonicalize(),
            None => server::hum_binary(),
        }
    }

    /// A folder for the files of one round.
    pub fn folder_on(&self, storage: Storage) -> io::Result<tempfile::TempDir> {
        let parent = match storage {
            Storage::Tmpfs => Path::new("/dev/shm"),
            Storage::Disk => &self.disk,
        };
        tempfile::Builder::new()
            .prefix("hum-bench-")
            .tempdir_in(parent)
    }

    /// Gives the cores to server and load, and says what is going to happen: `plan`.
    pub fn settle(&self, plan: &str) -> io::Result<Cores> {
        let cores = machine::cores().ok_or_else(|| {
            io::Error::other("needs two cores: one for the server, one for the load")
        })?;
        // Before there are threads, so that all of them are pinned; children inherit it.
        let priority = machine::settle(&cores, !self.normal_priority)?;
        println!("{plan}, {} rounds", self.rounds);
        println!(
            "server on core {}, load and database on {}, {}",
            cores.server,
            cores.rest,
            match (priority, self.normal_priority) {
                (true, _) => "all at real-time priority",
                (false, true) => "at normal priority",
                (false, false) => "at normal priority: real-time priority was not allowed",
            }
        );
        Ok(cores)
    }
}

impl Effort {
    /// Gives the cores to server and load, and says what is going to happen.
    pub fn settle(&self, name: &str, data: &str) -> io::Result<Cores> {
        self.ground.settle(&self.plan(name, data))
    }

    /// What is going to happen; `data` describes what is sent.
    pub fn plan(&self, name: &str, data: &str) -> String {
        format!(
            "{name}: {} connections, {data}, {} s a side after {} s of warm-up",
            self.connections, self.seconds, self.warm_up
        )
    }
}
