//! Runs simulated worlds and says what went wrong, and how to see it again.

#![forbid(unsafe_code)]

use std::{
    collections::BTreeSet,
    process::ExitCode,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use clap::Parser;
use hum_testkit::{
    Options,
    planted::{self, Bug},
    simulator::{Report, run, run_planted},
};

/// Simulates hum: seeds in, verdicts out.
#[derive(Debug, Parser)]
#[command(name = "hum-sim", version)]
struct Cli {
    /// A range of seeds, the end not included, such as 1..201.
    #[arg(long, value_parser = range, default_value = "1..201", conflicts_with = "seed")]
    seeds: std::ops::Range<u64>,
    /// One seed; prints everything that was found.
    #[arg(long)]
    seed: Option<u64>,
    /// How long people act, simulated hours.
    #[arg(long, default_value_t = 48)]
    hours: u64,
    /// Runs every seed twice and compares the traces.
    #[arg(long)]
    twice: bool,
    /// Plants each bug in turn and demands that its invariant catches it.
    #[arg(long)]
    planted: bool,
    /// With --planted or --seed: only this bug, such as RetryOnTimeout.
    #[arg(long)]
    bug: Option<String>,
    /// Prints the trace of --seed.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Threads.
    #[arg(long)]
    jobs: Option<usize>,
}

fn range(text: &str) -> Result<std::ops::Range<u64>, String> {
    let (start, end) = text
        .split_once("..")
        .ok_or("write two numbers with .. between them")?;
    let parse = |text: &str| {
        text.parse::<u64>()
            .map_err(|_| format!("{text:?} is not a number"))
    };
    let range = parse(start)?..parse(end)?;
    if range.is_empty() {
        Err("the range is empty".into())
    } else {
        Ok(range)
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let bug = match cli.bug.as_deref().map(|name| Bug::named(name).ok_or(name)) {
        None => None,
        Some(Ok(bug)) => Some(bug),
        Some(Err(name)) => {
            eprintln!("there is no bug {name}; there are {:?}", planted::ALL);
            return ExitCode::from(2);
        }
    };
    let fine = match (cli.planted, cli.seed) {
        (true, _) => all_planted(&cli, bug),
        (false, Some(seed)) => one(&cli, seed, bug),
        (false, None) => many(&cli),
    };
    if fine {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn threads(cli: &Cli) -> usize {
    cli.jobs
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

fn one(cli: &Cli, seed: u64, bug: Option<Bug>) -> bool {
    let report = run_planted(Options::from_seed(seed, cli.hours), cli.trace, bug);
    for line in &report.lines {
        println!("{line}");
    }
    println!("{}", report.options);
    println!(
        "trace {} ({} steps, {} polls, {} simulated hours)",
        report.trace_hash,
        report.steps,
        report.polls,
        report.simulated.as_secs() / 3600
    );
    print(&report);
    report.violations.is_empty()
}

fn print(report: &Report) {
    for violation in &report.violations {
        println!(
            "  {} at {}: {}",
            violation.invariant, violation.at, violation.detail
        );
    }
}

/// Runs `work` for every seed, on all threads; the first `false` stops the rest.
fn for_each(cli: &Cli, seeds: &std::ops::Range<u64>, work: impl Fn(u64) -> bool + Sync) {
    let next = AtomicU64::new(seeds.start);
    std::thread::scope(|scope| {
        for _ in 0..threads(cli) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || !work(seed) {
                        next.store(seeds.end, Ordering::Relaxed);
                        return;
                    }
                }
            });
        }
    });
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long the simulation took is told to people, and decides nothing"
)]
fn stopwatch() -> std::time::Instant {
    std::time::Instant::now()
}

fn many(cli: &Cli) -> bool {
    let started = stopwatch();
    let (steps, hours) = (AtomicU64::new(0), AtomicU64::new(0));
    let failed: Mutex<Vec<(Report, Option<String>)>> = Mutex::default();
    for_each(cli, &cli.seeds, |seed| {
        let options = Options::from_seed(seed, cli.hours);
        let report = run(options.clone(), false);
        steps.fetch_add(report.steps, Ordering::Relaxed);
        hours.fetch_add(report.simulated.as_secs() / 3600, Ordering::Relaxed);
        let other = cli
            .twice
            .then(|| run(options, false).trace_hash)
            .filter(|hash| *hash != report.trace_hash);
        if !report.violations.is_empty() || other.is_some() {
            lock(&failed).push((report, other));
        }
        true
    });
    let mut failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed.sort_by_key(|(report, _)| report.options.seed);
    for (report, other) in &failed {
        println!(
            "seed {} failed; see it again with: hum-sim --seed {} --hours {}",
            report.options.seed, report.options.seed, cli.hours
        );
        println!("  {}", report.options);
        print(report);
        if let Some(other) = other {
            println!(
                "  {SAME_TRACE}: the same seed gave trace {} and then {other}",
                report.trace_hash
            );
        }
    }
    let count = cli.seeds.end - cli.seeds.start;
    println!(
        "{count} seeds{}, {} simulated hours, {} steps, {} failed, {:.1} s",
        if cli.twice { ", each twice" } else { "" },
        hours.into_inner(),
        steps.into_inner(),
        failed.len(),
        started.elapsed().as_secs_f64()
    );
    failed.is_empty()
}

/// Seeds that have caught bugs which few seeds catch, tried before the others.
const KNOWN: &[(&str, u64)] = &[
    ("DropOnDisable", 24),
    ("GateAtEnqueue", 314),
    ("PauseAtStartOnly", 206),
];

/// Every planted bug must be caught by its own invariant.
fn all_planted(cli: &Cli, only: Option<Bug>) -> bool {
    let bugs = planted::ALL
        .iter()
        .filter(|bug| only.is_none_or(|only| only.name == bug.name));
    let missed = bugs.filter(|bug| !catches(cli, **bug)).count();
    missed == 0
}

/// Looks for a seed whose world catches a bug, and says which.
fn catches(cli: &Cli, bug: Bug) -> bool {
    let caught: Mutex<Option<(u64, String)>> = Mutex::default();
    let others: Mutex<BTreeSet<&'static str>> = Mutex::default();
    let started = stopwatch();
    let attempt = |seed: u64| match judge(Options::from_seed(seed, cli.hours), bug) {
        Ok(detail) => {
            let mut caught = lock(&caught);
            if caught.as_ref().is_none_or(|(first, _)| seed < *first) {
                *caught = Some((seed, detail));
            }
            false
        }
        Err(found) => {
            lock(&others).extend(found);
            true
        }
    };
    let known = KNOWN
        .iter()
        .find(|(name, _)| *name == bug.name)
        .map(|(_, seed)| *seed);
    if known.is_none_or(&attempt) {
        for_each(cli, &cli.seeds, attempt);
    }
    let took = Duration::from_millis(u64::try_from(started.elapsed().as_millis()).unwrap_or(0));
    match &*lock(&caught) {
        Some((seed, detail)) => println!(
            "caught  {} {bug:?} by seed {seed} in {took:?}: {detail}",
            bug.invariant
        ),
        None => println!(
            "MISSED  {} {bug:?}: {} (other findings: {:?})",
            bug.invariant,
            bug.what,
            lock(&others)
        ),
    }
    lock(&caught).is_some()
}

/// What the invariant of a planted bug says of its world, or which others say something.
fn judge(options: Options, bug: Bug) -> Result<String, BTreeSet<&'static str>> {
    let report = run_planted(options.clone(), false, Some(bug));
    if let Some(found) = report
        .violations
        .iter()
        .find(|violation| violation.invariant == bug.invariant)
    {
        return Ok(found.detail.clone());
    }
    if bug.invariant == SAME_TRACE
        && run_planted(options, false, Some(bug)).trace_hash != report.trace_hash
    {
        return Ok("the same seed gave two traces".into());
    }
    Err(report
        .violations
        .iter()
        .map(|violation| violation.invariant)
        .collect())
}

/// The only invariant that no single world can tell of.
const SAME_TRACE: &str = "INV-56";
