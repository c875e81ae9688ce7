//! Texts come in, and each is delivered: at a rate, and as fast as they are taken.

use std::{io, sync::Arc, time::Duration};

use crate::{
    database::DatabaseKind,
    endpoint::{Endpoint, Manner},
    latencies::Latencies,
    load::{Load, Window},
    machine::Usage,
    report::{self, Goal, milliseconds},
    texts,
};

use super::Bench;

/// What one round showed.
struct Taken {
    per_second: f64,
    /// Microseconds of the server's processor time for each text, in and delivered.
    cpu: f64,
    database_cpu: f64,
    other_load: f64,
    /// From the text's answer to its delivery.
    latencies: Latencies,
}

pub fn measure(bench: &Bench<'_>, kind: DatabaseKind) -> io::Result<Vec<Goal>> {
    println!("in: texts come in and are delivered");
    println!(
        "round      texts/s  delivered/s  CPU us/text  of Postgres   p50 ms   p99 ms  other load"
    );
    let rounds = bench.options.effort.ground.rounds;
    let mut saturated = Vec::new();
    for number in 1..=rounds {
        let rate = bench.options.rate;
        print(
            number,
            &format!("{rate:.0}"),
            &round(bench, kind, Some(rate))?,
        );
        let round = round(bench, kind, None)?;
        print(number, "saturated", &round);
        saturated.push(round);
    }
    let cpu = report::of_median(&saturated, |round| round.cpu);
    Ok(vec![(
        format!("CPU at most 190 us a text, in and delivered: {cpu:.1}"),
        cpu <= 190.0,
    )])
}

fn print(number: usize, rate: &str, round: &Taken) {
    println!(
        "{number:>5} {rate:>12} {:>12.0} {:>12.1} {:>12.1} {:>8.1} {:>8.1} {:>11.2}",
        round.per_second,
        round.cpu,
        round.database_cpu,
        milliseconds(round.latencies.quantile(0.5)),
        milliseconds(round.latencies.quantile(0.99)),
        round.other_load,
    );
}

/// On a fresh database. After the warm-up it is waited until all of it is delivered.
fn round(bench: &Bench<'_>, kind: DatabaseKind, rate: Option<f64>) -> io::Result<Taken> {
    let options = bench.options;
    let stage = bench.site.stage(kind, &[])?;
    let endpoint = Endpoint::start(Manner::Well)?;
    let organization = stage.organization("bench")?;
    let server = stage.serve(&[])?;
    organization.number(texts::NUMBER, texts::LONGEST_DEBOUNCE_MS)?;
    organization.webhook(&endpoint.url())?;

    let texts = Arc::new(texts::signed(options.texts, options.contacts));
    let load = Load::new(1, texts, 200)?;
    let load = match rate {
        Some(rate) => load.paced(rate),
        None => load,
    };
    let mut delivered = 0;
    let mut run = |seconds| {
        let window = load
            .run(
                stage.address,
                options.effort.connections,
                Duration::from_secs_f64(seconds),
            )
            .map_err(|error| server.said(error))?;
        if window.refused > 0 {
            return Err(server.said(format!("{} texts were refused", window.refused)));
        }
        delivered += window.answered.len();
        match super::arrived(&endpoint, delivered, bench.patience()) {
            Ok(last) => Ok((window, last)),
            Err(missing) => Err(server.said(format!("{missing} deliveries did not arrive"))),
        }
    };
    run(options.effort.warm_up)?;
    let meter = stage.meter(&server);
    let before = meter.read();
    let began = std::time::Instant::now();
    let (window, last) = run(options.effort.seconds)?;
    let usage = meter.since(before);
    Ok(Taken::new(
        &window,
        &endpoint,
        last.duration_since(began),
        &usage,
    ))
}

impl Taken {
    #[expect(clippy::cast_precision_loss, reason = "counts of texts")]
    fn new(window: &Window, endpoint: &Endpoint, took: Duration, usage: &Usage) -> Self {
        let arrivals = endpoint.texts();
        let mut latencies = Latencies::default();
        for (text, answered) in &window.answered {
            if let Some(arrived) = arrivals.get(text) {
                latencies.record(arrived.saturating_duration_since(*answered));
            }
        }
        let texts = window.answered.len() as f64;
        Self {
            per_second: texts / took.as_secs_f64(),
            cpu: usage.server.as_secs_f64() * 1e6 / texts,
            database_cpu: usage.database.as_secs_f64() * 1e6 / texts,
            other_load: usage.other().as_secs_f64() / took.as_secs_f64(),
            latencies,
        }
    }
}
