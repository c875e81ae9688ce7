//! How long requests took, to a thousandth.

use std::time::Duration;

use hdrhistogram::Histogram;

const HOUR: Duration = Duration::from_secs(60 * 60);

#[derive(Clone)]
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        Self(
            Histogram::new_with_bounds(1, micros(HOUR), 3)
                .expect("bounds in their order and up to five digits"),
        )
    }
}

impl Latencies {
    /// What takes longer than an hour is counted as an hour.
    pub fn record(&mut self, latency: Duration) {
        self.0.saturating_record(micros(latency));
    }

    pub fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("the same bounds");
    }

    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The upper end of the bucket that holds the quantile, `0.0..=1.0`; zero when nothing was
    /// recorded.
    pub fn quantile(&self, q: f64) -> Duration {
        Duration::from_micros(self.0.value_at_quantile(q))
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_one_to_a_hundred_milliseconds() {
        let (mut low, mut high) = (Latencies::default(), Latencies::default());
        (1..=50).for_each(|ms| low.record(Duration::from_millis(ms)));
        (51..=100).for_each(|ms| high.record(Duration::from_millis(ms)));
        low.add(&high);
        assert_eq!(low.count(), 100);
        assert_eq!(low.quantile(0.5).as_micros() / 1000, 50);
        assert_eq!(low.quantile(0.99).as_micros() / 1000, 99);
        low.record(2 * HOUR);
        assert_eq!(low.quantile(1.0).as_secs() / 60, 60);
        assert_eq!(Latencies::default().quantile(0.5), Duration::ZERO);
    }
}
