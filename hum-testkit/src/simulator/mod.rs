//! Seeds in, verdicts out.

mod stage;

use std::time::Duration;

use hum_core::organization::KeywordReplies;

use crate::{
    capability::{self, flow::any_definition},
    monitor::Violation,
    options::Options,
    planted::Bug,
    world::{FEED_POLL, World},
};

pub use stage::Stage;

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

/// How long the world may take to become quiet when nothing goes wrong any more: the last retry of
/// a webhook comes after 33 hours.
const QUIET_WITHIN: Duration = Duration::from_secs(6 * 24 * 3600);

/// Runs one seed: first everything goes wrong and nothing bad may happen, then nothing goes wrong
/// and all must end well.
pub fn run(options: Options, keep_trace: bool) -> Report {
    run_planted(options, keep_trace, None)
}

/// The same with a bug in it.
pub fn run_planted(options: Options, keep_trace: bool, bug: Option<Bug>) -> Report {
    let mut world = World::builder()
        .options(options.clone())
        .keep_trace(keep_trace)
        .planted(bug)
        .build();
    let stage = set_up(&mut world);
    let (fate, monitor) = (stage.shared.fate(), stage.shared.monitor());
    fate.set_calm(false);
    world.run_until(Duration::from_secs(options.hours * 3600));
    fate.set_calm(true);
    capability::ALL
        .iter()
        .for_each(|capability| capability.leave(&stage));
    let quiet = world.settle(QUIET_WITHIN);
    // Whoever missed the last signal looks again.
    let until_all_looked = stage.shared.clock().elapsed() + 3 * FEED_POLL;
    world.run_until(until_all_looked);
    world.count_jobs();
    if quiet {
        monitor.quiescent();
    } else {
        let waiting = monitor
            .mirror(|mirror| format!("{:?}", mirror.queue.jobs().take(3).collect::<Vec<_>>()));
        monitor.violate(
            "INV-18",
            format!("the world does not become quiet: {waiting}"),
        );
    }
    Report {
        options,
        violations: monitor.violations(),
        trace_hash: monitor.trace_hash(),
        steps: monitor.steps(),
        polls: world.polls(),
        simulated: stage.shared.clock().elapsed(),
        lines: monitor.lines(),
    }
}

/// Tenants with what they need, and everybody who acts later.
fn set_up(world: &mut World) -> Stage {
    let shared = world.shared().clone();
    let mut tenants = Vec::new();
    for index in 0..shared.fate().options().organizations {
        let replies = if shared.chance().below(2) == 0 {
            KeywordReplies::Carrier
        } else {
            KeywordReplies::Hum
        };
        let definition = any_definition(shared.chance());
        tenants.push(world.set_up_tenant(index, definition, replies));
    }
    capability::ALL
        .iter()
        .for_each(|capability| capability.prepare(world, &tenants));
    let stage = Stage {
        shared,
        tenants: tenants.into(),
    };
    capability::ALL
        .iter()
        .for_each(|capability| capability.enter(&stage));
    stage
}
