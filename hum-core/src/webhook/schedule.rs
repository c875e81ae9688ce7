use std::time::Duration;

use crate::kernel::entropy::Entropy;

const SECOND: u64 = 1;
const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

/// How long to wait before each try: ten tries over 92 hours, so that even with every delay 20 %
/// shorter the last one comes after 72 hours. Standard Webhooks recommends ten over 75 hours.
pub const SCHEDULE: [Duration; 10] = [
    Duration::from_secs(0),
    Duration::from_secs(5 * SECOND),
    Duration::from_secs(5 * MINUTE),
    Duration::from_secs(30 * MINUTE),
    Duration::from_secs(2 * HOUR),
    Duration::from_secs(6 * HOUR),
    Duration::from_secs(12 * HOUR),
    Duration::from_secs(20 * HOUR),
    Duration::from_secs(24 * HOUR),
    Duration::from_secs(28 * HOUR),
];

/// How many tries there are.
pub const ATTEMPTS: i64 = SCHEDULE.len() as i64;

/// `Retry-After` is never followed for longer.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(HOUR);

/// How long to wait before try number `tries` (from 0); `None` when there is none left.
///
/// The base is spread by ±20 %. A `Retry-After` is honoured between the base and twice the base, up
/// to an hour, and never shortens a wait.
pub(crate) fn delay(
    tries: i64,
    retry_after: Option<Duration>,
    entropy: &dyn Entropy,
) -> Option<Duration> {
    let base = *SCHEDULE.get(usize::try_from(tries).ok()?)?;
    let spread = base.mul_f64(0.8)
        + base
            .mul_f64(0.4)
            .mul_f64(entropy.below(1 << 20) as f64 / (1 << 20) as f64);
    let asked = retry_after.map_or(Duration::ZERO, |asked| {
        asked.min(base * 2).min(RETRY_AFTER_MAX)
    });
    Some(spread.max(asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);
    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn ten_tries_over_at_least_72_hours_whatever_the_jitter() {
        for byte in [0, 255] {
            let total: Duration = (0..10)
                .map(|tries| delay(tries, None, &Fixed(byte)).unwrap())
                .sum();
            assert!(total >= Duration::from_secs(72 * HOUR), "{total:?}");
        }
        assert_eq!(delay(10, None, &Fixed(0)), None);
    }

    #[test]
    fn retry_after_is_honoured_within_bounds() {
        let minutes = |n| Duration::from_secs(n * MINUTE);
        assert_eq!(delay(2, Some(minutes(8)), &Fixed(0)), Some(minutes(8)));
        assert_eq!(delay(2, Some(minutes(99)), &Fixed(0)), Some(minutes(10)));
        assert_eq!(delay(2, Some(minutes(1)), &Fixed(0)), Some(minutes(4)));
        assert_eq!(delay(4, Some(minutes(600)), &Fixed(0)), Some(minutes(96)));
    }
}
