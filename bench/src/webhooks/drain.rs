//! What waits is delivered: how fast, behind nothing and behind a million others; and when every
//! tenth request fails.

use std::{
    io,
    time::{Duration, Instant},
};

use crate::{
    database::DatabaseKind,
    endpoint::Manner,
    report::{self, Goal},
};

use super::{Bench, waiting};

/// What one round showed.
pub struct Drained {
    pub per_second: f64,
    /// Microseconds of the server's processor time for each delivery.
    pub cpu: f64,
    /// The same of Postgres.
    pub database_cpu: f64,
    /// Cores that something else used meanwhile.
    other_load: f64,
    /// Requests that came a second time.
    repeated: u64,
    /// Deliveries that did not come.
    missing: usize,
}

/// Ever more waits behind the deliveries that are measured.
pub fn behind_backlogs(bench: &Bench<'_>, kind: DatabaseKind) -> io::Result<Vec<Goal>> {
    print_heading("drain: what waits is delivered");
    let mut rates = Vec::new();
    let mut goals = Vec::new();
    for &backlog in &bench.options.backlog {
        let rounds = rounds(bench, kind, Manner::Well, backlog)?;
        let missing: usize = rounds.iter().map(|round| round.missing).sum();
        goals.push((
            format!("all arrive with {backlog} behind: {missing} did not"),
            missing == 0,
        ));
        let rate = report::of_median(&rounds, |round| round.per_second);
        let cpu = report::of_median(&rounds, |round| round.cpu);
        goals.push((
            format!("at least 5000 deliveries/s with {backlog} behind: {rate:.0}"),
            rate >= 5000.0,
        ));
        goals.push((
            format!("CPU at most 100 us a delivery with {backlog} behind: {cpu:.1}"),
            cpu <= 100.0,
        ));
        rates.push(rate);
    }
    let slowest = rates.iter().copied().fold(f64::INFINITY, f64::min);
    if let (true, Some(first)) = (rates.len() > 1, rates.first()) {
        let ratio = first / slowest;
        goals.push((
            format!("no backlog makes it more than 1.2 x slower: {ratio:.2} x"),
            ratio <= 1.2,
        ));
    }
    Ok(goals)
}

/// Every tenth request is answered with 500. All first tries arrive; second ones come seconds
/// later.
pub fn failing(bench: &Bench<'_>, kind: DatabaseKind) -> io::Result<Vec<Goal>> {
    print_heading("failing: one request in ten is answered with 500");
    let rounds = rounds(bench, kind, Manner::FailOneInTen, 0)?;
    let rate = report::of_median(&rounds, |round| round.per_second);
    let missing: usize = rounds.iter().map(|round| round.missing).sum();
    Ok(vec![(
        format!("all first tries arrive: {missing} did not; {rate:.0} a second"),
        missing == 0,
    )])
}

fn print_heading(what: &str) {
    println!("{what}");
    println!("round  behind  deliveries/s  CPU us/delivery  of Postgres  came again  other load");
}

fn rounds(
    bench: &Bench<'_>,
    kind: DatabaseKind,
    manner: Manner,
    backlog: u64,
) -> io::Result<Vec<Drained>> {
    (1..=bench.options.effort.ground.rounds)
        .map(|number| {
            let round = round(bench, kind, manner, backlog)?;
            println!(
                "{number:>5} {backlog:>7} {:>13.0} {:>16.1} {:>12.1} {:>11} {:>11.2}",
                round.per_second, round.cpu, round.database_cpu, round.repeated, round.other_load,
            );
            Ok(round)
        })
        .collect()
}

fn round(
    bench: &Bench<'_>,
    kind: DatabaseKind,
    manner: Manner,
    backlog: u64,
) -> io::Result<Drained> {
    let wanted = bench.options.deliveries;
    let waiting = waiting::deliveries(&bench.site, kind, manner, wanted + backlog)?;
    let wanted = usize::try_from(wanted).map_err(io::Error::other)?;
    let server = waiting.stage.serve(&[])?;
    let meter = waiting.stage.meter(&server);
    let began = waiting
        .endpoint
        .wait_for(1, bench.patience())
        .ok_or_else(|| server.said("no delivery arrived"))?;
    let before = meter.read();
    let (ended, missing) = match super::arrived(&waiting.endpoint, wanted, bench.patience()) {
        Ok(at) => (at, 0),
        Err(missing) => (Instant::now(), missing),
    };
    let usage = meter.since(before);
    #[expect(clippy::cast_precision_loss, reason = "counts of deliveries")]
    let each = |time: Duration| time.as_secs_f64() * 1e6 / wanted as f64;
    let took = ended.duration_since(began).as_secs_f64();
    Ok(Drained {
        #[expect(clippy::cast_precision_loss, reason = "counts of deliveries")]
        per_second: wanted as f64 / took,
        cpu: each(usage.server),
        database_cpu: each(usage.database),
        other_load: usage.other().as_secs_f64() / took,
        repeated: waiting.endpoint.requests() - waiting.endpoint.distinct() as u64,
        missing,
    })
}
