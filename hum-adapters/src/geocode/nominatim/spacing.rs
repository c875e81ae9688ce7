//! When the next request may leave.

use std::time::Duration;

/// Gives every question a turn of its own, `every` after the one before. Times are of a monotonic
/// clock.
pub(super) struct Spacing {
    every: Duration,
    longest_wait: Duration,
    /// The first turn that nobody has.
    free: Duration,
}

impl Spacing {
    pub(super) fn new(every: Duration, longest_wait: Duration) -> Self {
        Self {
            every,
            longest_wait,
            free: Duration::ZERO,
        }
    }

    /// How long to wait for a turn; `None` when that is too long, and then no turn is taken.
    pub(super) fn reserve(&mut self, now: Duration) -> Option<Duration> {
        let turn = self.free.max(now);
        let wait = turn - now;
        if wait > self.longest_wait {
            return None;
        }
        self.free = turn + self.every;
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn turns_are_one_second_apart_however_many_ask() {
        let mut spacing = Spacing::new(secs(1), secs(20));
        let waits: Vec<_> = (0..5)
            .map(|_| spacing.reserve(secs(100)).unwrap().as_secs())
            .collect();
        assert_eq!(waits, [0, 1, 2, 3, 4]);
        assert_eq!(spacing.reserve(secs(103)), Some(secs(2)));
        assert_eq!(
            spacing.reserve(secs(200)),
            Some(secs(0)),
            "time that nobody used is not saved up"
        );
        assert_eq!(spacing.reserve(secs(200)), Some(secs(1)));
    }

    #[test]
    fn nobody_waits_longer_than_the_longest_wait() {
        let mut spacing = Spacing::new(secs(1), secs(2));
        let waits: Vec<_> = (0..6).map(|_| spacing.reserve(secs(0))).collect();
        assert_eq!(
            waits,
            [
                Some(secs(0)),
                Some(secs(1)),
                Some(secs(2)),
                None,
                None,
                None
            ]
        );
        assert_eq!(
            spacing.reserve(secs(1)),
            Some(secs(2)),
            "who was refused took no turn"
        );
    }
}
