//! `hum-bench queue`: what the job queue costs when there is nothing to do, and how fast it is when
//! there is, beside graphile-worker.

mod jobs;
mod side;
mod statements;

use std::io;

use clap::{Args, ValueEnum};

use crate::{
    database::DatabaseKind,
    effort::{Ground, Storage},
    report, server,
    stage::Site,
};

use self::side::Side;

#[derive(Args)]
pub struct Options {
    /// What is measured.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "statements,jobs"
    )]
    part: Vec<Part>,
    /// Only these sides run jobs; goals need all.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Side>,
    /// Where the files are. The goals hold on tmpfs.
    #[arg(long, value_enum, default_value = "tmpfs")]
    storage: Storage,
    #[command(flatten)]
    ground: Ground,
    /// How long statements are counted.
    #[arg(long, default_value_t = 10.0)]
    idle: f64,
    /// How many loops the server has whose statements are counted: as many as it would have cores.
    #[arg(long, default_value_t = 4)]
    workers: u32,
    /// Jobs that are measured.
    #[arg(long, default_value_t = 50_000)]
    jobs: u64,
    /// For how long at most.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// How many more wait behind them.
    #[arg(long, value_delimiter = ',', default_value = "0,100000,1000000")]
    backlog: Vec<u64>,
    /// Organizations that hum's jobs belong to.
    #[arg(long, default_value_t = 100)]
    organizations: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Statements a second while nothing can be done.
    Statements,
    /// Jobs a second.
    Jobs,
}

struct Bench<'a> {
    options: &'a Options,
    site: Site<'a>,
}

/// Measures; `false` when a goal was missed.
pub fn run(options: &Options) -> io::Result<bool> {
    if options.part.contains(&Part::Jobs) {
        server::install_from_npm(&side::peer_folder())?;
    }
    let plan = format!(
        "queue: statements for {} s; {} jobs, for {} s at most",
        options.idle, options.jobs, options.seconds
    );
    let bench = Bench {
        options,
        site: Site::new(&options.ground, options.storage, &plan)?,
    };
    let mut goals = Vec::new();
    for part in &options.part {
        goals.extend(match part {
            Part::Statements => {
                println!("\n{}", options.storage.title(DatabaseKind::Postgres));
                statements::measure(&bench)?
            }
            Part::Jobs => jobs::measure(&bench)?,
        });
    }
    Ok(report::verdict(options.storage, &goals))
}
