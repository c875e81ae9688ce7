//! `hum-bench webhooks`: events come in and are delivered to an endpoint on loopback.

mod drain;
mod intake;
mod kill;
mod neighbour;
mod waiting;

use std::{
    io,
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum};

use crate::{
    database::{DatabaseKind, Databases},
    effort::{Effort, Storage},
    endpoint::Endpoint,
    report::{self, Goal},
    stage::Site,
};

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    databases: Databases,
    /// What is measured.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "drain,in,failing,neighbour,kill"
    )]
    scenario: Vec<Scenario>,
    /// Where the files are. The goals hold on tmpfs.
    #[arg(long, value_enum, default_value = "tmpfs")]
    storage: Storage,
    #[command(flatten)]
    effort: Effort,
    /// Deliveries that are measured when what waits is delivered.
    #[arg(long, default_value_t = 20_000)]
    deliveries: u64,
    /// How many more wait behind them.
    #[arg(long, value_delimiter = ',', default_value = "0,100000,1000000")]
    backlog: Vec<u64>,
    /// Deliveries that wait for the neighbour's endpoint, which hangs.
    #[arg(long, default_value_t = 10_000)]
    hanging: u64,
    /// Texts to the neighbour of the endpoint that hangs, one after the other.
    #[arg(long, default_value_t = 10)]
    probes: usize,
    /// Texts a second, where they come in at a rate.
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
    /// Texts made and signed beforehand.
    #[arg(long, default_value_t = 100_000)]
    texts: usize,
    /// Contacts that they come from.
    #[arg(long, default_value_t = 10_000)]
    contacts: usize,
    /// For how many seconds a delivery is waited for.
    #[arg(long, default_value_t = 60.0)]
    patience: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// Deliveries wait; more and more behind them.
    Drain,
    /// Texts come in and are delivered.
    #[value(name = "in")]
    Intake,
    /// Every tenth request is answered with 500.
    Failing,
    /// Another organization's endpoint hangs.
    Neighbour,
    /// The server is killed in the middle.
    Kill,
}

struct Bench<'a> {
    options: &'a Options,
    site: Site<'a>,
}

/// Measures; `false` when a goal was missed.
pub fn run(options: &Options) -> io::Result<bool> {
    let Effort { ground, .. } = &options.effort;
    let plan = options
        .effort
        .plan("webhooks", &format!("{} deliveries", options.deliveries));
    let bench = Bench {
        options,
        site: Site::new(ground, options.storage, &plan)?,
    };
    let mut all_met = true;
    for &kind in &options.databases.database {
        println!("\n{}", options.storage.title(kind));
        let mut goals = Vec::new();
        for &scenario in &options.scenario {
            goals.extend(bench.measure(scenario, kind)?);
        }
        all_met &= report::verdict(options.storage, &goals);
    }
    Ok(all_met)
}

impl Bench<'_> {
    fn measure(&self, scenario: Scenario, kind: DatabaseKind) -> io::Result<Vec<Goal>> {
        match scenario {
            Scenario::Drain => drain::behind_backlogs(self, kind),
            Scenario::Intake => intake::measure(self, kind),
            Scenario::Failing => drain::failing(self, kind),
            Scenario::Neighbour => neighbour::measure(self, kind),
            Scenario::Kill => kill::measure(self, kind),
        }
    }

    fn patience(&self) -> Duration {
        Duration::from_secs_f64(self.options.patience)
    }
}

/// When the `wanted`th event had come; how many are missing when for a while no more came.
fn arrived(endpoint: &Endpoint, wanted: usize, patience: Duration) -> Result<Instant, usize> {
    loop {
        let before = endpoint.distinct();
        if let Some(at) = endpoint.wait_for(wanted, patience) {
            return Ok(at);
        }
        if endpoint.distinct() == before {
            return Err(wanted - before);
        }
    }
}
