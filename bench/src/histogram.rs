//! A latency histogram: microseconds in buckets at most 1.6 % wide.

use std::time::Duration;

/// Buckets per power of two.
const PER_OCTAVE: u64 = 64;
const OCTAVES: u64 = 32;

#[derive(Clone)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; usize::try_from(PER_OCTAVE * OCTAVES).unwrap_or_default()], count: 0 }
    }
}

impl Histogram {
    pub fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        let last = self.buckets.len() - 1;
        self.buckets[bucket(micros).min(last)] += 1;
        self.count += 1;
    }

    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.count += other.count;
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// The upper end of the bucket that holds the quantile, `0.0..=1.0`.
    pub fn quantile(&self, q: f64) -> Duration {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "q is in 0..=1")]
        let rank = ((self.count as f64 * q).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Duration::from_micros(upper_end(index as u64));
            }
        }
        Duration::ZERO
    }
}

fn bucket(micros: u64) -> usize {
    let value = if micros < PER_OCTAVE {
        micros
    } else {
        let shift = micros.ilog2() - PER_OCTAVE.ilog2();
        u64::from(shift) * PER_OCTAVE + (micros >> shift)
    };
    usize::try_from(value).unwrap_or(usize::MAX)
}

fn upper_end(bucket: u64) -> u64 {
    if bucket < 2 * PER_OCTAVE {
        bucket
    } else {
        let shift = bucket / PER_OCTAVE - 1;
        ((bucket % PER_OCTAVE + PER_OCTAVE + 1) << shift) - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_falls_into_a_bucket_that_ends_at_most_1_6_percent_above_it() {
        for micros in (0..5_000_000).step_by(7) {
            let end = upper_end(bucket(micros) as u64);
            assert!(end >= micros && end - micros <= micros / 60, "{micros} is in the bucket that ends at {end}");
        }
    }

    #[test]
    fn quantiles_of_one_to_a_hundred_milliseconds() {
        let mut histogram = Histogram::default();
        (1..=100).for_each(|ms| histogram.record(Duration::from_millis(ms)));
        assert_eq!(histogram.quantile(0.5).as_micros() / 1000, 50);
        assert_eq!(histogram.quantile(0.99).as_micros() / 1000, 99);
    }
}
