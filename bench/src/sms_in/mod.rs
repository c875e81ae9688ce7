//! `hum-bench sms-in`: signed inbound texts, taken in durably, hum beside a peer.

mod prepare;
mod report;

mod texts;
mod under_test;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::{Args, ValueEnum};

use crate::{
    load::Load,
    machine::{self, Cores},
    server::{self, Postgres},
};

use self::{
    report::{Pair, Round},
    under_test::{Database, Side},
};

#[derive(Args)]
pub struct Options {
    /// Which databases.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "sqlite,postgres")]
    database: Vec<DatabaseKind>,
    /// Where their files are. On tmpfs syncing is free, so the goals hold there; on a disk it is what it is.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "tmpfs,disk")]
    storage: Vec<Storage>,
    /// A folder on the disk that `--storage disk` means.
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    disk: PathBuf,
    /// Pairs: hum, then the peer, and again.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How long each side is measured, after a warm-up.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// The warm-up.
    #[arg(long, default_value_t = 1.5)]
    warm_up: f64,
    /// Keep-alive connections.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Texts made and signed beforehand; a side stops early when it used them all.
    #[arg(long, default_value_t = 200_000)]
    texts: usize,
    /// Contacts that they come from.
    #[arg(long, default_value_t = 10_000)]
    contacts: usize,
    /// Only one side, for profiling; no ratios then.
    #[arg(long, value_enum)]
    only: Option<Side>,
    /// hum's server, instead of the one that `cargo build --release` makes.
    #[arg(long)]
    hum: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DatabaseKind {
    Sqlite,
    Postgres,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Storage {
    Tmpfs,
    Disk,
}

/// What every round needs.
struct Bench<'a> {
    options: &'a Options,
    cores: Cores,
    hum: PathBuf,
    texts: Arc<Vec<Box<[u8]>>>,
}

/// Measures; `false` when a goal was missed.
pub fn run(options: &Options) -> io::Result<bool> {
    let cores = machine::cores().ok_or_else(|| io::Error::other("needs two cores: one for the server, one for the load"))?;
    let hum = match &options.hum {
        Some(path) => path.canonicalize()?,
        None => server::hum_binary()?,
    };
    if options.only != Some(Side::Hum) {
        server::install_peer(&under_test::peer_folder())?;
    }
    // Before there are threads, so that all of them are pinned; children inherit it.
    let priority = machine::settle(&cores)?;
    report::print_header(options, &cores, priority);
    let bench = Bench { options, cores, hum, texts: Arc::new(texts::signed(options.texts, options.contacts)) };
    let mut all_met = true;
    for &kind in &options.database {
        for &storage in &options.storage {
            all_met &= bench.compare(kind, storage)?;
        }
    }
    Ok(all_met)
}

impl Bench<'_> {
    fn compare(&self, kind: DatabaseKind, storage: Storage) -> io::Result<bool> {
        let parent = match storage {
            Storage::Tmpfs => Path::new("/dev/shm"),
            Storage::Disk => &self.options.disk,
        };
        let mut pairs = Vec::new();
        for number in 1..=self.options.rounds {
            let side = |side| -> io::Result<Option<Round>> {
                if self.options.only.is_some_and(|only| only != side) {
                    return Ok(None);
                }
                let round = self.round(side, kind, storage, parent)?;
                report::print_round(number, side, &round);
                Ok(Some(round))
            };
            if number == 1 {
                report::print_title(kind, storage);
            }
            if let (Some(hum), Some(peer)) = (side(Side::Hum)?, side(Side::Peer)?) {
                pairs.push(Pair { hum, peer });
            }
        }
        Ok(report::print_verdict(kind, storage, &pairs))
    }

    /// One side, on a fresh database.
    fn round(&self, side: Side, kind: DatabaseKind, storage: Storage, parent: &Path) -> io::Result<Round> {
        let folder = tempfile::Builder::new().prefix("hum-bench-").tempdir_in(parent)?;
        let probe = || if storage == Storage::Disk { machine::probe_sync(folder.path()).map(Some) } else { Ok(None) };
        let sync_before = probe()?;
        let postgres = match kind {
            DatabaseKind::Postgres => Some(Postgres::start(&folder.path().join("postgres"))?),
            DatabaseKind::Sqlite => None,
        };
        let database = match &postgres {
            Some(postgres) => Database::Postgres(postgres.url.clone()),
            None => Database::Sqlite(folder.path().join("hum.sqlite")),
        };
        let address = server::free_address()?;
        let server = under_test::start(side, &self.hum, &database, address, folder.path(), &self.cores.server)?;
        let load = Load::new(self.cores.rest_count.min(2), self.texts.clone())?;
        let connections = self.options.connections;
        let said = |error: io::Error| {
            let log = std::fs::read_to_string(under_test::log(folder.path())).unwrap_or_default();
            io::Error::other(format!("{side:?} stopped answering: {error}\n{log}"))
        };
        let warm_up = load.run(address, connections, Duration::from_secs_f64(self.options.warm_up)).map_err(said)?;

        let server_before = machine::cpu_of(server.pid());
        let own_before = self.own_cpu(&postgres, server.pid());
        let all_before = machine::cpu_of_all();
        let window = load.run(address, connections, Duration::from_secs_f64(self.options.seconds)).map_err(said)?;
        let server_cpu = machine::cpu_of(server.pid()).saturating_sub(server_before);
        let own = self.own_cpu(&postgres, server.pid()).saturating_sub(own_before);
        let other = machine::cpu_of_all().saturating_sub(all_before).saturating_sub(own);

        let answered = warm_up.latencies.count() + window.latencies.count() - warm_up.refused - window.refused;
        let resident = machine::resident_of(server.pid());
        drop(server);
        let stored = under_test::count_messages(&database)?;
        if warm_up.refused + window.refused > 0 || stored != answered {
            return Err(io::Error::other(format!(
                "{side:?} refused {} texts, answered {answered} and stored {stored}",
                warm_up.refused + window.refused
            )));
        }
        let sync_after = probe()?;
        Ok(Round::new(&window, server_cpu, other, resident, sync_before.zip(sync_after), load.sent() == self.texts.len()))
    }

    /// Processor time of everything that belongs to the benchmark.
    fn own_cpu(&self, postgres: &Option<Postgres>, server: u32) -> Duration {
        let database = postgres.as_ref().map(|postgres| machine::cpu_of_family(postgres.pid)).unwrap_or_default();
        machine::cpu_of(std::process::id()) + machine::cpu_of(server) + database
    }
}
