//! `hum-bench sms-in`: signed inbound texts, taken in durably, hum beside a peer.

mod under_test;

use std::{io, path::PathBuf, sync::Arc};

use clap::Args;

use crate::{
    database::{DatabaseKind, Databases},
    effort::{Effort, Storage},
    report::{self, Ratio},
    round::{Ring, Round, UnderTest},
    server, texts,
};

use self::under_test::Side;

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    databases: Databases,
    /// Where their files are. On tmpfs syncing is free, so the goals hold there; on a disk it is
    /// what it is.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "tmpfs,disk")]
    storage: Vec<Storage>,
    #[command(flatten)]
    effort: Effort,
    /// Texts made and signed beforehand; a side stops early when it used them all.
    #[arg(long, default_value_t = 200_000)]
    texts: usize,
    /// Contacts that they come from.
    #[arg(long, default_value_t = 10_000)]
    contacts: usize,
    /// Only one side, for profiling; no ratios then.
    #[arg(long, value_enum)]
    only: Option<Side>,
}

/// What every round needs.
struct Bench<'a> {
    options: &'a Options,
    hum: PathBuf,
    ring: Ring<'a>,
}

/// Measures; `false` when a goal was missed.
pub fn run(options: &Options) -> io::Result<bool> {
    let hum = options.effort.ground.hum()?;
    if options.only != Some(Side::Hum) {
        server::install_from_npm(&under_test::peer_folder())?;
    }
    let cores = options
        .effort
        .settle("sms-in", &format!("{} contacts", options.contacts))?;
    let requests = Arc::new(texts::signed(options.texts, options.contacts));
    let bench = Bench {
        options,
        hum,
        ring: Ring {
            effort: &options.effort,
            cores,
            requests,
            expected: 200,
        },
    };
    let mut all_met = true;
    for &kind in &options.databases.database {
        for &storage in &options.storage {
            all_met &= bench.compare(kind, storage)?;
        }
    }
    Ok(all_met)
}

impl Bench<'_> {
    fn compare(&self, kind: DatabaseKind, storage: Storage) -> io::Result<bool> {
        report::print_title(&storage.title(kind));
        let (mut hum, mut peer) = (Vec::new(), Vec::new());
        for number in 1..=self.options.effort.ground.rounds {
            for (side, rounds) in [(Side::Hum, &mut hum), (Side::Peer, &mut peer)] {
                if self.options.only.is_none_or(|only| only == side) {
                    let round = self.round(side, kind, storage)?;
                    report::print_round(number, side.name(), &round);
                    rounds.push(round);
                }
            }
        }
        Ok(verdict(kind, storage, &hum, &peer))
    }

    /// One side, on a fresh database.
    fn round(&self, side: Side, kind: DatabaseKind, storage: Storage) -> io::Result<Round> {
        let start = |folder: &std::path::Path, address| {
            let (database, postgres) = kind.fresh(folder, &[])?;
            let server = under_test::start(
                side,
                &self.hum,
                &database,
                address,
                folder,
                &self.ring.cores.server,
            )?;
            Ok(UnderTest {
                server,
                postgres,
                // Both sides have a table of this name.
                stored: Box::new(move || database.number("select count(*) from message")),
            })
        };
        let nothing = |_: &_, _| Ok(0);
        self.ring
            .round(storage, start, nothing)
            .map_err(|error| io::Error::other(format!("{}: {error}", side.name())))
    }
}

/// Prints medians and what they mean for the goals; `false` when one was missed. Goals hold on
/// tmpfs only.
fn verdict(kind: DatabaseKind, storage: Storage, hum: &[Round], peer: &[Round]) -> bool {
    if hum.is_empty() || peer.is_empty() {
        return true;
    }
    report::print_medians("hum", hum);
    report::print_medians("peer", peer);
    let Ratio { speed, cpu } = Ratio::of(hum, peer).printed("the peer");
    let wanted = match kind {
        DatabaseKind::Sqlite => 4.0,
        DatabaseKind::Postgres => 5.0,
    };
    let p99 = report::of_median(hum, report::p99);
    let goals = [
        (
            format!("req/s at least {wanted} x the peer's: {speed:.2} x"),
            speed >= wanted,
        ),
        (
            format!(
                "CPU a request at most 1/4 of the peer's: 1/{:.1}",
                1.0 / cpu
            ),
            cpu <= 0.25,
        ),
        (format!("p99 at most 40 ms: {p99:.2} ms"), p99 <= 40.0),
    ];
    report::verdict(storage, &goals)
}
