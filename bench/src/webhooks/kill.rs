//! `kill -9` in the middle: what became of the deliveries?

use std::io;

use hum_core::job::LEASE;

use crate::{database::DatabaseKind, endpoint::Manner, report::Goal};

use super::{Bench, waiting};

/// Kills the server when half of the deliveries have arrived, and starts it again. What it held
/// comes when the leases of its jobs have run out, after half a minute.
pub fn measure(bench: &Bench<'_>, kind: DatabaseKind) -> io::Result<Vec<Goal>> {
    println!("kill: the server is killed in the middle and started again");
    let count = bench.options.deliveries;
    let wanted = usize::try_from(count).map_err(io::Error::other)?;
    let waiting = waiting::deliveries(&bench.site, kind, Manner::Well, count)?;
    let endpoint = &waiting.endpoint;
    let server = waiting.stage.serve(&[])?;
    endpoint
        .wait_for(wanted / 2, bench.patience())
        .ok_or_else(|| server.said("half of the deliveries did not arrive"))?;
    drop(server);
    let before = endpoint.distinct();
    let server = waiting.stage.serve(&[])?;
    waiting::until_done(&waiting.stage, LEASE + bench.patience())?;
    drop(server);
    let arrived = endpoint.distinct();
    let again = endpoint.requests() - arrived as u64;
    let open = waiting
        .stage
        .database
        .number("SELECT count(*) FROM delivery WHERE state <> 'delivered'")?;
    println!(
        "killed after {before} of {count}; {arrived} arrived in the end, {again} came twice, {open} are not marked as delivered"
    );
    let lost = wanted.saturating_sub(arrived);
    Ok(vec![
        (format!("none is lost: {lost} are"), lost == 0),
        (
            format!("all are marked as delivered: {open} are not"),
            open == 0,
        ),
    ])
}
