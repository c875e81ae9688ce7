//! One side, loaded once, on a fresh database.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    effort::{Effort, Storage},
    load::{Load, Requests, Window},
    machine::{self, Cores, Meter, SyncProbe, Usage},
    server::{self, Postgres, Server},
};

/// What one side showed.
pub struct Round {
    pub per_second: f64,
    pub p50: Duration,
    pub p99: Duration,
    /// Microseconds of the server's processor time per request.
    pub cpu: f64,
    /// Cores that something else used meanwhile.
    pub other_load: f64,
    pub resident: u64,
    pub sync: Option<(SyncProbe, SyncProbe)>,
    /// All requests were used up before the time was.
    pub ran_out: bool,
    /// Bytes of a body: the mean, and the shortest.
    pub bytes: f64,
    pub shortest: usize,
}

/// A side that was started.
pub struct UnderTest {
    pub server: Server,
    /// Its database server, when that is a process of its own.
    pub postgres: Option<Postgres>,
    /// Counts what it has stored, after it was stopped.
    pub stored: Box<dyn FnOnce() -> io::Result<u64>>,
}

/// What every round needs.
pub struct Ring<'a> {
    pub effort: &'a Effort,
    pub cores: Cores,
    pub requests: Requests,
    /// The status of an answer that counts as one.
    pub expected: u16,
}

/// What a side prints goes here.
pub fn log(folder: &Path) -> PathBuf {
    folder.join("server.log")
}

impl Ring<'_> {
    /// Starts a side in a folder of its own and loads it. `sample` may send the first requests and
    /// look at the answers; it says how many it sent. Fails unless every answer was the expected
    /// one, and as many requests are stored as were answered.
    pub fn round(
        &self,
        storage: Storage,
        start: impl FnOnce(&Path, SocketAddr) -> io::Result<UnderTest>,
        sample: impl FnOnce(&Load, SocketAddr) -> io::Result<u64>,
    ) -> io::Result<Round> {
        let folder = self.effort.ground.folder_on(storage)?;
        let probe = || {
            if storage == Storage::Disk {
                machine::probe_sync(folder.path()).map(Some)
            } else {
                Ok(None)
            }
        };
        let sync_before = probe()?;
        let address = server::free_address()?;
        let UnderTest {
            server,
            postgres,
            stored,
        } = start(folder.path(), address)?;
        let load = Load::new(
            self.cores.rest_count.min(2),
            self.requests.clone(),
            self.expected,
        )?;
        let connections = self.effort.connections;
        let said = |error| server.said(error);
        let sampled = sample(&load, address).map_err(said)?;
        let warm_up = load
            .run(
                address,
                connections,
                Duration::from_secs_f64(self.effort.warm_up),
            )
            .map_err(said)?;

        let meter = Meter {
            server: server.pid(),
            postgres: postgres.as_ref().map(|postgres| postgres.pid),
        };
        let before = meter.read();
        let window = load
            .run(
                address,
                connections,
                Duration::from_secs_f64(self.effort.seconds),
            )
            .map_err(said)?;
        let usage = meter.since(before);

        let resident = machine::resident_of(server.pid());
        drop(server);
        let refused = warm_up.refused + window.refused;
        let answered = sampled + warm_up.latencies.count() + window.latencies.count() - refused;
        let stored = stored()?;
        if refused > 0 || stored != answered {
            return Err(io::Error::other(format!(
                "{refused} requests were refused, {answered} answered and {stored} stored"
            )));
        }
        let sync = sync_before.zip(probe()?);
        Ok(Round::new(&window, &usage, resident, sync, load.ran_out()))
    }
}

impl Round {
    #[expect(clippy::cast_precision_loss, reason = "counts of requests")]
    fn new(
        window: &Window,
        usage: &Usage,
        resident: u64,
        sync: Option<(SyncProbe, SyncProbe)>,
        ran_out: bool,
    ) -> Self {
        let requests = window.latencies.count() as f64;
        Self {
            per_second: requests / window.took.as_secs_f64(),
            p50: window.latencies.quantile(0.5),
            p99: window.latencies.quantile(0.99),
            cpu: usage.server.as_secs_f64() * 1e6 / requests,
            other_load: usage.other().as_secs_f64() / window.took.as_secs_f64(),
            resident,
            sync,
            ran_out,
            bytes: window.bytes as f64 / requests,
            shortest: window.shortest.unwrap_or_default(),
        }
    }
}
