//! `hum-bench sessions`: `POST /sessions`, answered from local sources and stored durably, hum
//! beside two peers.

mod answers;
mod availability;
mod prepare;
mod providers;
mod requests;
mod under_test;
mod zip_codes;

use std::{collections::BTreeMap, io, path::PathBuf, sync::Arc};

use clap::Args;

use crate::{
    database::DatabaseKind,
    effort::{Effort, Storage},
    report::{self, Ratio},
    round::{Ring, Round},
};

use self::{answers::Answers, prepare::Prepared, under_test::Side};

#[derive(Args)]
pub struct Options {
    /// Where the database is. On tmpfs syncing is free, so the goals hold there; on a disk it is
    /// what it is.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "tmpfs")]
    storage: Vec<Storage>,
    #[command(flatten)]
    effort: Effort,
    /// Addresses made beforehand; a side stops early when it used them all.
    #[arg(long, default_value_t = 200_000)]
    addresses: usize,
    /// Rows of availability, about.
    #[arg(long, default_value_t = 200_000)]
    rows: usize,
    /// Only these sides, for profiling; goals need all.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Side>,
}

struct Bench<'a> {
    sides: Vec<Side>,
    hum: PathBuf,
    prepared: Prepared,
    ring: Ring<'a>,
}

/// The rounds of each side, and what it answered.
type Results = BTreeMap<Side, (Vec<Round>, Answers)>;

/// Measures; `false` when a goal was missed.
pub fn run(options: &Options) -> io::Result<bool> {
    let sides: Vec<Side> = Side::ALL
        .into_iter()
        .filter(|side| options.only.is_empty() || options.only.contains(side))
        .collect();
    let hum = options.effort.ground.hum()?;
    sides.iter().try_for_each(|side| side.install())?;
    let cores = options
        .effort
        .settle("sessions", &format!("{} addresses", options.addresses))?;
    let folder = options.effort.ground.folder_on(Storage::Tmpfs)?;
    let prepared = prepare::all(&hum, folder.path(), options.rows)?;
    let requests = Arc::new(requests::with_key(
        &prepared.key,
        options.addresses,
        &prepared.zips,
    ));
    let bench = Bench {
        sides,
        hum,
        prepared,
        ring: Ring {
            effort: &options.effort,
            cores,
            requests,
            expected: 201,
        },
    };
    let mut all_met = true;
    for &storage in &options.storage {
        all_met &= bench.compare(storage)?;
    }
    Ok(all_met)
}

impl Bench<'_> {
    fn compare(&self, storage: Storage) -> io::Result<bool> {
        report::print_title(&storage.title(DatabaseKind::Sqlite));
        let mut results = Results::new();
        for number in 1..=self.ring.effort.ground.rounds {
            for &side in &self.sides {
                let (round, answers) = self
                    .round(side, storage)
                    .map_err(|error| io::Error::other(format!("{}: {error}", side.name())))?;
                report::print_round(number, side.name(), &round);
                let (rounds, last) = results.entry(side).or_default();
                rounds.push(round);
                *last = answers;
            }
        }
        same_work(&results)?;
        Ok(verdict(storage, &results))
    }

    /// One side, on a fresh database.
    fn round(&self, side: Side, storage: Storage) -> io::Result<(Round, Answers)> {
        let mut answers = Answers::default();
        let round = self.ring.round(
            storage,
            |folder, address| {
                side.start(
                    &self.hum,
                    &self.prepared,
                    address,
                    folder,
                    &self.ring.cores.server,
                )
            },
            |load, address| {
                answers = Answers::sample(load, address)?;
                Ok(answers.count)
            },
        )?;
        // An answer without providers is much shorter.
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        if (round.shortest as f64) < round.bytes / 2.0 {
            return Err(io::Error::other(format!(
                "an answer has {} bytes, the mean is {:.0}",
                round.shortest, round.bytes
            )));
        }
        Ok((round, answers))
    }
}

/// Prints what is in the answers, and fails when their sizes are more than a fifth apart.
fn same_work(results: &Results) -> io::Result<()> {
    let size = |rounds: &[Round]| report::of_median(rounds, |round| round.bytes);
    for (side, (rounds, answers)) in results {
        println!(
            "{:<6} answers {:.0} bytes: {}",
            side.name(),
            size(rounds),
            answers.describe()
        );
    }
    let Some((hum, answers)) = results.get(&Side::Hum) else {
        return Ok(());
    };
    for (side, (rounds, others)) in results.iter().filter(|(side, _)| **side != Side::Hum) {
        for difference in answers.differences("hum", others, side.name()) {
            println!("NOTE   {difference}");
        }
        let ratio = size(rounds) / size(hum);
        if !(0.8..=1.2).contains(&ratio) {
            return Err(io::Error::other(format!(
                "{}'s answers are {ratio:.2} times as long as hum's",
                side.name()
            )));
        }
    }
    Ok(())
}

/// Prints medians and what they mean for the goals; `false` when one was missed. Goals hold on
/// tmpfs only.
fn verdict(storage: Storage, results: &Results) -> bool {
    for (side, (rounds, _)) in results {
        report::print_medians(side.name(), rounds);
    }
    let Some((hum, _)) = results.get(&Side::Hum) else {
        return true;
    };
    let mut goals = Vec::new();
    for (side, (rounds, _)) in results.iter().filter(|(side, _)| **side != Side::Hum) {
        let Ratio { speed, .. } = Ratio::of(hum, rounds).printed(side.name());
        goals.push((
            format!("req/s at least 5 x {}'s: {speed:.2} x", side.name()),
            speed >= 5.0,
        ));
    }
    let p99 = report::of_median(hum, report::p99);
    goals.push((format!("p99 at most 10 ms: {p99:.2} ms"), p99 <= 10.0));
    report::verdict(storage, &goals)
}
