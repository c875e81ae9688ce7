//! Jobs a second, behind nothing and behind a million others.

use std::{
    collections::BTreeMap,
    io, thread,
    time::{Duration, Instant},
};

use crate::{
    machine::Usage,
    report::{self, Goal},
};

use super::{Bench, side::Side};

/// Of the jobs that are measured, so many are waited for: with nothing behind them, the last ones
/// would not show how fast it is.
const ENOUGH: f64 = 0.9;

/// What one round showed.
struct Round {
    per_second: f64,
    /// Microseconds of the worker's processor time a job.
    cpu: f64,
    database_cpu: f64,
    other_load: f64,
}

/// The median rate of each side, by what waits behind.
type Rates = BTreeMap<(Side, u64), f64>;

pub fn measure(bench: &Bench<'_>) -> io::Result<Vec<Goal>> {
    println!("\njobs that do nothing");
    println!("round side             behind     jobs/s  CPU us/job  of Postgres  other load");
    let only = &bench.options.only;
    let sides: Vec<Side> = Side::ALL
        .into_iter()
        .filter(|side| only.is_empty() || only.contains(side))
        .collect();
    let mut rates = Rates::new();
    for &backlog in &bench.options.backlog {
        let mut rounds: BTreeMap<Side, Vec<Round>> = BTreeMap::new();
        for number in 1..=bench.options.ground.rounds {
            for &side in &sides {
                let round = round(bench, side, backlog)?;
                println!(
                    "{number:>5} {:<14} {backlog:>8} {:>10.0} {:>11.1} {:>12.1} {:>11.2}",
                    side.name(),
                    round.per_second,
                    round.cpu,
                    round.database_cpu,
                    round.other_load,
                );
                rounds.entry(side).or_default().push(round);
            }
        }
        for (side, rounds) in rounds {
            rates.insert(
                (side, backlog),
                report::of_median(&rounds, |round| round.per_second),
            );
        }
    }
    Ok(goals(&rates))
}

/// hum beside the peer as it is; beside the tuned one it is only said.
fn goals(rates: &Rates) -> Vec<Goal> {
    let mut goals = Vec::new();
    for (&(side, backlog), rate) in rates {
        if !matches!(side, Side::HumSqlite | Side::HumPostgres) {
            continue;
        }
        let name = side.name();
        if let Some(tuned) = rates.get(&(Side::GraphileTuned, backlog)) {
            println!(
                "{name} with {backlog} behind: {:.2} x tuned graphile-worker",
                rate / tuned
            );
        }
        if let Some(peer) = rates.get(&(Side::Graphile, backlog)) {
            let ratio = rate / peer;
            goals.push((
                format!("{name} with {backlog} behind at least 4 x graphile-worker: {ratio:.2} x"),
                ratio >= 4.0,
            ));
        }
    }
    goals
}

/// How many were left, when it was asked, and what had been used until then.
struct Look {
    left: u64,
    at: Instant,
    usage: Usage,
}

fn round(bench: &Bench<'_>, side: Side, backlog: u64) -> io::Result<Round> {
    let stage = side.fill(bench, bench.options.jobs + backlog)?;
    let server = side.start(&stage)?;
    let meter = stage.meter(&server);
    let look = || {
        let (at, usage) = (Instant::now(), meter.read());
        let left = stage.database.number(side.left())?;
        io::Result::Ok(Look { left, at, usage })
    };
    let enough = enough_of(bench.options.jobs);
    let limit = Duration::from_secs_f64(bench.options.seconds);
    let first = look()?;
    let mut last = look()?;
    while first.left.saturating_sub(last.left) < enough && last.at - first.at < limit {
        thread::sleep(until_enough(&first, &last, enough));
        last = look()?;
    }
    if last.left == first.left {
        return Err(server.said("no job was done"));
    }
    Ok(Round::between(&first, &last))
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of jobs"
)]
fn enough_of(jobs: u64) -> u64 {
    (jobs as f64 * ENOUGH) as u64
}

/// How long it will take at the rate so far. Counting a million costs something, so it is not done
/// often.
#[expect(clippy::cast_precision_loss, reason = "counts of jobs")]
fn until_enough(first: &Look, last: &Look, enough: u64) -> Duration {
    let done = first.left.saturating_sub(last.left);
    let took = (last.at - first.at).as_secs_f64();
    let rest = took * enough.saturating_sub(done) as f64 / done.max(1) as f64;
    Duration::from_secs_f64(rest.clamp(0.02, 1.0))
}

impl Round {
    #[expect(clippy::cast_precision_loss, reason = "counts of jobs")]
    fn between(first: &Look, last: &Look) -> Self {
        let jobs = (first.left - last.left) as f64;
        let took = (last.at - first.at).as_secs_f64();
        let usage = last.usage.since(first.usage);
        Self {
            per_second: jobs / took,
            cpu: usage.server.as_secs_f64() * 1e6 / jobs,
            database_cpu: usage.database.as_secs_f64() * 1e6 / jobs,
            other_load: usage.other().as_secs_f64() / took,
        }
    }
}
