//! What is printed about rounds, and whether goals were met.

use std::time::Duration;

use crate::{effort::Storage, machine::SyncProbe, round::Round};

/// Said in place of goals.
const NO_GOAL_ON_DISK: &str = "no goal: what a disk does between two probes decides this";

pub fn print_title(title: &str) {
    println!("\n{title}");
    println!(
        "round side      req/s   p50 ms   p99 ms  CPU us/req  RSS MiB  other load  4 KiB syncs/s before, after"
    );
}

#[expect(clippy::cast_precision_loss, reason = "bytes of memory")]
pub fn print_round(number: usize, side: &str, round: &Round) {
    let sync = round
        .sync
        .as_ref()
        .map_or_else(String::new, |(before, after)| {
            let text = |probe: &SyncProbe| {
                format!(
                    "{:.0} (p99 {:.1} ms)",
                    probe.per_second,
                    milliseconds(probe.p99)
                )
            };
            format!("  {}, {}", text(before), text(after))
        });
    println!(
        "{number:>5} {side:<6} {:>8.0} {:>8.2} {:>8.2} {:>11.1} {:>8.0} {:>11.2}{sync}{}",
        round.per_second,
        milliseconds(round.p50),
        milliseconds(round.p99),
        round.cpu,
        round.resident as f64 / f64::from(1 << 20),
        round.other_load,
        if round.ran_out {
            "  (ran out of requests)"
        } else {
            ""
        },
    );
}

/// The medians of a side.
pub fn print_medians(side: &str, rounds: &[Round]) {
    println!(
        "median of {} rounds: {side} {:.0} req/s, {:.1} us CPU a request, p99 {:.2} ms",
        rounds.len(),
        of_median(rounds, |round| round.per_second),
        of_median(rounds, |round| round.cpu),
        of_median(rounds, p99),
    );
}

/// How hum compares with a peer: the medians over the rounds, each round with itself.
pub struct Ratio {
    /// Requests a second, hum's through the peer's.
    pub speed: f64,
    /// Processor time a request.
    pub cpu: f64,
}

impl Ratio {
    pub fn of(hum: &[Round], peer: &[Round]) -> Self {
        let pairwise = |value: fn(&Round) -> f64| {
            median(
                hum.iter()
                    .zip(peer)
                    .map(|(hum, peer)| value(hum) / value(peer))
                    .collect(),
            )
        };
        Self {
            speed: pairwise(|round| round.per_second),
            cpu: pairwise(|round| round.cpu),
        }
    }

    pub fn printed(self, peer: &str) -> Self {
        let Self { speed, cpu } = self;
        println!(
            "median ratio to {peer}: {speed:.2} x the requests, {cpu:.3} of the CPU a request (1/{:.1})",
            1.0 / cpu
        );
        self
    }
}

/// What is wanted, with what was measured, and whether that is enough.
pub type Goal = (String, bool);

/// Prints which goals were met; `false` when one was missed.
pub fn print_goals(goals: &[Goal]) -> bool {
    for (goal, met) in goals {
        println!("{} {goal}", if *met { "met   " } else { "MISSED" });
    }
    goals.iter().all(|(_, met)| *met)
}

/// The same; but goals hold on tmpfs only.
pub fn verdict(storage: Storage, goals: &[Goal]) -> bool {
    if storage == Storage::Disk {
        println!("{NO_GOAL_ON_DISK}");
        return true;
    }
    print_goals(goals)
}

/// The 99th percentile in milliseconds.
pub fn p99(round: &Round) -> f64 {
    milliseconds(round.p99)
}

pub fn of_median<T>(rounds: &[T], value: fn(&T) -> f64) -> f64 {
    median(rounds.iter().map(value).collect())
}

pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_median_of_an_even_number_is_between_the_middle_two() {
        assert!((super::median(vec![4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!((super::median(vec![9.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
    }
}
