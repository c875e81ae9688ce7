//! Runs simulated worlds and says what went wrong, and how to see it again.

#![forbid(unsafe_code)]

use std::{
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use clap::Parser;
use hum_core::planted::Bug;
use hum_testkit::{
    Options,
    simulator::{Report, run},
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
    /// Plants each bug in turn and demands that its invariant catches it. Needs the feature `planted-bugs`.
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
    let (start, end) = text.split_once("..").ok_or("write two numbers with .. between them")?;
    let parse = |text: &str| text.parse::<u64>().map_err(|_| format!("{text:?} is not a number"));
    let range = parse(start)?..parse(end)?;
    if range.is_empty() { Err("the range is empty".into()) } else { Ok(range) }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let bug = match cli.bug.as_deref().map(|name| Bug::ALL.iter().find(|bug| format!("{bug:?}") == name).copied().ok_or(name)) {
        None => None,
        Some(Ok(bug)) => Some(bug),
        Some(Err(name)) => {
            eprintln!("there is no bug {name}; there are {:?}", Bug::ALL);
            return ExitCode::from(2);
        }
    };
    let fine = match (cli.planted, cli.seed) {
        (true, _) => planted(&cli, bug),
        (false, Some(seed)) => one(&cli, seed, bug),
        (false, None) => many(&cli),
    };
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(feature = "planted-bugs")]
fn plant(bug: Option<Bug>) {
    hum_core::planted::plant(bug);
}

#[cfg(not(feature = "planted-bugs"))]
fn plant(bug: Option<Bug>) {
    if bug.is_some() {
        eprintln!("this build has no planted bugs: build it with --features planted-bugs");
        std::process::exit(2);
    }
}

fn threads(cli: &Cli) -> usize {
    cli.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

fn one(cli: &Cli, seed: u64, bug: Option<Bug>) -> bool {
    plant(bug);
    let report = run(Options::from_seed(seed, cli.hours), cli.trace);
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
        println!("  {} at {}: {}", violation.invariant, violation.at, violation.detail);
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

#[expect(clippy::disallowed_methods, reason = "how long the simulation took is told to people, and decides nothing")]
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
        let other = cli.twice.then(|| run(options, false).trace_hash).filter(|hash| *hash != report.trace_hash);
        if !report.violations.is_empty() || other.is_some() {
            failed.lock().unwrap_or_else(PoisonError::into_inner).push((report, other));
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
            println!("  INV-56: the same seed gave trace {} and then {other}", report.trace_hash);
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
const KNOWN: &[(Bug, u64)] = &[(Bug::MatchByRecipientOnly, 70), (Bug::DropOnDisable, 47), (Bug::GateAtEnqueue, 25)];

/// Every planted bug must be caught by its own invariant.
fn planted(cli: &Cli, only: Option<Bug>) -> bool {
    let mut all_caught = true;
    for bug in Bug::ALL.iter().copied().filter(|bug| only.is_none_or(|only| only == *bug)) {
        let caught: Mutex<Option<(u64, String)>> = Mutex::default();
        let others: Mutex<Vec<String>> = Mutex::default();
        let started = stopwatch();
        let attempt = |seed: u64| {
            plant(Some(bug));
            let options = Options::from_seed(seed, cli.hours);
            let report = run(options.clone(), false);
            let mut found = report
                .violations
                .iter()
                .find(|violation| violation.invariant == bug.invariant())
                .map(|found| found.detail.clone());
            if bug == Bug::AmbientChance && run(options, false).trace_hash != report.trace_hash {
                found = Some("the same seed gave two traces".into());
            }
            plant(None);
            match found {
                Some(detail) => {
                    let mut caught = caught.lock().unwrap_or_else(PoisonError::into_inner);
                    if caught.as_ref().is_none_or(|(first, _)| seed < *first) {
                        *caught = Some((seed, detail));
                    }
                    false
                }
                None => {
                    others
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .extend(report.violations.iter().take(1).map(|found| found.invariant.to_owned()));
                    true
                }
            }
        };
        let known = KNOWN.iter().find(|(known, _)| *known == bug).map(|(_, seed)| *seed);
        if known.is_none_or(&attempt) {
            for_each(cli, &cli.seeds, attempt);
        }
        let caught = caught.into_inner().unwrap_or_else(PoisonError::into_inner);
        let took = Duration::from_millis(u64::try_from(started.elapsed().as_millis()).unwrap_or(0));
        match &caught {
            Some((seed, detail)) => println!("caught  {} {bug:?} by seed {seed} in {took:?}: {detail}", bug.invariant()),
            None => {
                all_caught = false;
                let others = others.into_inner().unwrap_or_else(PoisonError::into_inner);
                println!(
                    "MISSED  {} {bug:?}: {} (other findings: {:?})",
                    bug.invariant(),
                    bug.what(),
                    others.iter().take(3).collect::<Vec<_>>()
                );
            }
        }
    }
    all_caught
}
