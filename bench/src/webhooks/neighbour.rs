//! One organization's endpoint hangs, and thousands of deliveries wait for it. How long does another
//! organization wait for one of its own?

use std::{
    io, thread,
    time::{Duration, Instant},
};

use crate::{
    database::DatabaseKind,
    endpoint::{Endpoint, Manner},
    load::Load,
    report::{Goal, milliseconds},
    stage::Stage,
    texts,
};

use super::{Bench, waiting};

/// Between two probes.
const PAUSE: Duration = Duration::from_millis(300);

/// Texts to the healthy one, one after the other.
pub fn measure(bench: &Bench<'_>, kind: DatabaseKind) -> io::Result<Vec<Goal>> {
    let options = bench.options;
    println!(
        "neighbour: {} deliveries wait for an endpoint that hangs",
        options.hanging
    );
    let stage = bench.site.stage(kind, &[])?;
    let (hanging, healthy) = (
        Endpoint::start(Manner::Hang)?,
        Endpoint::start(Manner::Well)?,
    );
    put_both(&stage, &hanging, &healthy, options.hanging)?;
    let server = stage.serve(&[])?;
    hanging
        .wait_for(1, bench.patience())
        .ok_or_else(|| server.said("nothing came to the endpoint that hangs"))?;
    // Whatever it can hold of that is held.
    thread::sleep(Duration::from_secs(2));
    let load = Load::new(1, texts::signed(options.probes, 1).into(), 200)?;
    let mut worst = Duration::ZERO;
    for probe in 1..=options.probes {
        load.sample(stage.address, 1)
            .map_err(|error| server.said(error))?;
        let answered = Instant::now();
        let Some(arrived) = healthy.wait_for(probe, bench.patience()) else {
            println!("probe {probe:>2} did not arrive in {} s", options.patience);
            worst = bench.patience();
            break;
        };
        let latency = arrived.saturating_duration_since(answered);
        println!(
            "probe {probe:>2} arrived after {:.1} ms",
            milliseconds(latency)
        );
        worst = worst.max(latency);
        thread::sleep(PAUSE);
    }
    Ok(vec![(
        format!(
            "a neighbour's delivery arrives within 500 ms: the slowest took {:.1}",
            milliseconds(worst)
        ),
        worst <= Duration::from_millis(500),
    )])
}

/// Two organizations, each with a webhook; the healthy one has the number.
fn put_both(stage: &Stage, hanging: &Endpoint, healthy: &Endpoint, count: u64) -> io::Result<()> {
    let loud = stage.organization("loud")?;
    let quiet = stage.organization("quiet")?;
    let webhook = {
        let _server = stage.serve_only()?;
        quiet.number(texts::NUMBER, texts::LONGEST_DEBOUNCE_MS)?;
        quiet.webhook(&healthy.url())?;
        loud.webhook(&hanging.url())?
    };
    waiting::fill(&stage.database, &loud, &webhook, count)
}
