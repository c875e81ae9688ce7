//! Seeds in, verdicts out.

mod scenario;
mod sessions;

use std::{sync::Arc, time::Duration};

use hum_adapters::language_model::Scripted;

use crate::{monitor::Violation, options::Options, world::World};

/// What became of one seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What it was.
    pub options: Options,
    /// What went wrong.
    pub violations: Vec<Violation>,
    /// SHA-256 of everything that happened.
    pub trace_hash: String,
    /// How many steps that was.
    pub steps: u64,
    /// How often a future was polled.
    pub polls: u64,
    /// How much time passed in the world.
    pub simulated: Duration,
    /// The trace, if it was asked for.
    pub lines: Vec<String>,
}

/// How long the world may take to become quiet when nothing goes wrong any more: the last retry of a webhook comes after
/// 33 hours.
const QUIET_WITHIN: Duration = Duration::from_secs(6 * 24 * 3600);

/// Runs one seed: first everything goes wrong and nothing bad may happen, then nothing goes wrong and all must end well.
pub fn run(options: Options, keep_trace: bool) -> Report {
    let hours = options.hours;
    let mut world = World::new(options.clone(), Arc::new(Scripted), keep_trace);
    let shared = world.shared().clone();
    let tenants = scenario::set_up(&mut world);
    sessions::set_up(&shared, &tenants);
    shared.fate().set_calm(false);
    world.run_until(Duration::from_secs(hours * 3600));
    shared.fate().set_calm(true);
    sessions::last(&shared, &tenants);
    let quiet = world.settle(QUIET_WITHIN);
    world.count_jobs();
    if quiet {
        shared.monitor().quiescent();
    } else {
        let waiting = shared.monitor().mirror(|mirror| format!("{:?}", mirror.jobs.values().take(3).collect::<Vec<_>>()));
        shared.monitor().violate("INV-18", format!("the world does not become quiet: {waiting}"));
    }
    Report {
        options,
        violations: shared.monitor().violations(),
        trace_hash: shared.monitor().trace_hash(),
        steps: shared.monitor().steps(),
        polls: world.polls(),
        simulated: shared.clock().elapsed(),
        lines: shared.monitor().lines(),
    }
}
