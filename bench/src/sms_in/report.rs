//! What is printed, and which goals were met.

use std::time::Duration;

use crate::{
    load::Window,
    machine::{Cores, SyncProbe},
};

use super::{DatabaseKind, Options, Storage, under_test::Side};

/// One side, once.
pub struct Round {
    per_second: f64,
    p50: Duration,
    p99: Duration,
    /// Microseconds of the server's processor time per request.
    cpu: f64,
    /// Cores that something else used meanwhile.
    other_load: f64,
    resident: u64,
    sync: Option<(SyncProbe, SyncProbe)>,
    ran_out: bool,
}

/// hum, then the peer.
pub struct Pair {
    pub hum: Round,
    pub peer: Round,
}

impl Round {
    #[expect(clippy::cast_precision_loss, reason = "counts of requests")]
    pub fn new(
        window: &Window,
        server_cpu: Duration,
        other: Duration,
        resident: u64,
        sync: Option<(SyncProbe, SyncProbe)>,
        ran_out: bool,
    ) -> Self {
        let requests = window.latencies.count() as f64;
        Self {
            per_second: requests / window.took.as_secs_f64(),
            p50: window.latencies.quantile(0.5),
            p99: window.latencies.quantile(0.99),
            cpu: server_cpu.as_secs_f64() * 1e6 / requests,
            other_load: other.as_secs_f64() / window.took.as_secs_f64(),
            resident,
            sync,
            ran_out,
        }
    }
}

pub fn print_header(options: &Options, cores: &Cores, priority: bool) {
    println!(
        "sms-in: {} connections, {} contacts, {} s a side after {} s of warm-up, {} pairs",
        options.connections, options.contacts, options.seconds, options.warm_up, options.rounds
    );
    println!(
        "server on core {}, load and database on {}, {}",
        cores.server,
        cores.rest,
        if priority { "all at real-time priority" } else { "at normal priority: real-time priority was not allowed" }
    );
}

pub fn print_title(kind: DatabaseKind, storage: Storage) {
    println!("\n{}", title(kind, storage));
    println!("pair side       req/s   p50 ms   p99 ms  CPU us/req  RSS MiB  other load  4 KiB syncs/s before, after");
}

fn title(kind: DatabaseKind, storage: Storage) -> &'static str {
    match (kind, storage) {
        (DatabaseKind::Sqlite, Storage::Tmpfs) => "SQLite, synchronous=FULL, on tmpfs",
        (DatabaseKind::Sqlite, Storage::Disk) => "SQLite, synchronous=FULL, on disk",
        (DatabaseKind::Postgres, Storage::Tmpfs) => "Postgres, synchronous_commit=on, on tmpfs",
        (DatabaseKind::Postgres, Storage::Disk) => "Postgres, synchronous_commit=on, on disk",
    }
}

pub fn print_round(number: usize, side: Side, round: &Round) {
    let name = match side {
        Side::Hum => "hum",
        Side::Peer => "peer",
    };
    let sync = round.sync.as_ref().map_or_else(String::new, |(before, after)| {
        let text = |probe: &SyncProbe| format!("{:.0} (p99 {:.1} ms)", probe.per_second, milliseconds(probe.p99));
        format!("  {}, {}", text(before), text(after))
    });
    println!(
        "{number:>4} {name:<5} {:>10.0} {:>8.2} {:>8.2} {:>11.1} {:>8.0} {:>11.2}{sync}{}",
        round.per_second,
        milliseconds(round.p50),
        milliseconds(round.p99),
        round.cpu,
        round.resident as f64 / f64::from(1 << 20),
        round.other_load,
        if round.ran_out { "  (ran out of texts)" } else { "" },
    );
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Prints medians and what they mean for the goals; `false` when one was missed. Goals hold on tmpfs only.
pub fn print_verdict(kind: DatabaseKind, storage: Storage, pairs: &[Pair]) -> bool {
    if pairs.is_empty() {
        return true;
    }
    let each = |value: fn(&Pair) -> f64| median(pairs.iter().map(value).collect());
    let speed = each(|pair| pair.hum.per_second / pair.peer.per_second);
    let cpu = each(|pair| pair.hum.cpu / pair.peer.cpu);
    let p99 = each(|pair| milliseconds(pair.hum.p99));
    println!(
        "median of {} pairs: hum {:.0} req/s, {:.1} us CPU a request, p99 {p99:.2} ms; peer {:.0} req/s, {:.1} us, {:.2} ms",
        pairs.len(),
        each(|pair| pair.hum.per_second),
        each(|pair| pair.hum.cpu),
        each(|pair| pair.peer.per_second),
        each(|pair| pair.peer.cpu),
        each(|pair| milliseconds(pair.peer.p99)),
    );
    println!("median pairwise ratio: {speed:.2} x the requests, {:.3} of the CPU a request (1/{:.1})", cpu, 1.0 / cpu);
    if storage == Storage::Disk {
        println!("no goal: what a disk does between two probes decides this");
        return true;
    }
    let wanted = match kind {
        DatabaseKind::Sqlite => 4.0,
        DatabaseKind::Postgres => 5.0,
    };
    let goals = [
        (format!("req/s at least {wanted} x the peer's: {speed:.2} x"), speed >= wanted),
        (format!("CPU a request at most 1/4 of the peer's: 1/{:.1}", 1.0 / cpu), cpu <= 0.25),
        (format!("p99 at most 40 ms: {p99:.2} ms"), p99 <= 40.0),
    ];
    for (goal, met) in &goals {
        println!("{} {goal}", if *met { "met   " } else { "MISSED" });
    }
    goals.iter().all(|(_, met)| *met)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_median_of_an_even_number_is_between_the_middle_two() {
        assert!((super::median(vec![4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!((super::median(vec![9.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
    }
}
