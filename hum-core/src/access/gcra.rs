//! How a quota is counted: the generic cell rate algorithm, as virtual scheduling (ATM Forum, Traffic
//! Management Specification 4.1, af-tm-0121.000; ITU-T Recommendation I.371).
//!
//! A bucket is one instant, the "theoretical arrival time": when everything that was taken is back.
//! Each request moves it by one interval, and it may be a whole minute ahead at most. So there is
//! nothing to refill, a whole bucket is like none, and the answer follows from two numbers.

use std::{num::NonZeroU32, time::Duration};

const MINUTE: u64 = 60_000_000_000;

/// So many requests in a minute, all at once if somebody likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    quota: NonZeroU32,
    /// In nanoseconds: after how long one more request may be made. At least 13.
    interval: u64,
}

impl Rate {
    pub fn per_minute(quota: NonZeroU32) -> Self {
        Self {
            quota,
            interval: MINUTE / u64::from(quota.get()),
        }
    }

    /// In nanoseconds: how far ahead a bucket can be. A minute, less what the division lost, so that
    /// the quota is never one more.
    fn burst(self) -> u64 {
        self.interval.saturating_mul(self.quota.get().into())
    }
}

/// What is used of a quota. `now` is monotonic time in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Bucket {
    /// When it is whole again.
    whole_at: u64,
}

impl Bucket {
    /// The bucket after one request.
    ///
    /// # Errors
    /// There is no room; after how long there is, if nobody takes it.
    pub fn take(self, rate: Rate, now: u64) -> Result<Self, Duration> {
        let whole_at = self.whole_at.max(now).saturating_add(rate.interval);
        let ahead = whole_at.saturating_sub(now);
        match ahead.saturating_sub(rate.burst()) {
            0 => Ok(Self { whole_at }),
            wait => Err(Duration::from_nanos(wait)),
        }
    }

    /// How many requests there is room for.
    pub fn left(self, rate: Rate, now: u64) -> u32 {
        let room = rate.burst().saturating_sub(self.used(now));
        let left = room.checked_div(rate.interval).unwrap_or(0);
        u32::try_from(left).unwrap_or(u32::MAX)
    }

    /// In nanoseconds: until everything is back.
    pub fn used(self, now: u64) -> u64 {
        self.whole_at.saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::waiting_room::WaitingRoom, *};

    const SECOND: u64 = 1_000_000_000;

    fn rate(quota: u32) -> Rate {
        Rate::per_minute(NonZeroU32::new(quota).unwrap())
    }

    /// Takes at each of these milliseconds; what is left after each, or how many milliseconds to
    /// wait.
    fn taken(quota: u32, at: &[u64]) -> Vec<Result<u32, u64>> {
        let (rate, mut bucket) = (rate(quota), Bucket::default());
        at.iter()
            .map(|at| {
                let now = at * (SECOND / 1000);
                bucket = bucket.take(rate, now).map_err(|wait| {
                    assert_eq!(bucket.left(rate, now), 0, "it was refused with room left");
                    wait.as_millis() as u64
                })?;
                Ok(bucket.left(rate, now))
            })
            .collect()
    }

    #[test]
    fn a_quota_is_there_at_once_and_comes_back_evenly() {
        const YEARS: u64 = 50 * 365 * 24 * 3600 * 1000;
        for (what, quota, at, expected) in [
            (
                "a burst takes everything, and not one more",
                3,
                vec![0, 0, 0, 0, 0],
                vec![Ok(2), Ok(1), Ok(0), Err(20_000), Err(20_000)],
            ),
            (
                "a clock that stands still gives nothing back",
                1,
                vec![7, 7, 7, 7],
                vec![Ok(0), Err(60_000), Err(60_000), Err(60_000)],
            ),
            (
                "one comes back after each interval, and not earlier",
                3,
                vec![0, 0, 0, 19_999, 20_000, 20_000, 40_000],
                vec![Ok(2), Ok(1), Ok(0), Err(1), Ok(0), Err(20_000), Ok(0)],
            ),
            (
                "the sustained rate goes on for ever",
                60,
                (0..500).map(|second| second * 1000).collect(),
                vec![Ok(59); 500],
            ),
            (
                "refusals take nothing",
                2,
                vec![0, 0, 1, 2, 3, 30_000],
                vec![Ok(1), Ok(0), Err(29_999), Err(29_998), Err(29_997), Ok(0)],
            ),
            (
                "after a minute it is whole, and never more than that",
                3,
                vec![0, 0, 0, 60_000, 60_000, 60_000, 60_000],
                vec![Ok(2), Ok(1), Ok(0), Ok(2), Ok(1), Ok(0), Err(20_000)],
            ),
            (
                "nor after half a century",
                2,
                vec![0, YEARS, YEARS, YEARS],
                vec![Ok(1), Ok(1), Ok(0), Err(30_000)],
            ),
            (
                "what an interval has too much is not lost",
                3,
                vec![0, 0, 0, 30_000, 40_000],
                vec![Ok(2), Ok(1), Ok(0), Ok(0), Ok(0)],
            ),
        ] {
            assert_eq!(taken(quota, &at), expected, "{what}");
        }
    }

    #[test]
    fn every_quota_is_exactly_itself() {
        for quota in [1, 7, 59, 60, 61, 70_001, 1_000_003] {
            let (rate, mut bucket) = (rate(quota), Bucket::default());
            for left in (0..quota).rev() {
                bucket = bucket.take(rate, 5).unwrap();
                assert_eq!(bucket.left(rate, 5), left, "of {quota}");
            }
            assert!(bucket.take(rate, 5).is_err(), "{quota} and one more");
        }
    }

    #[test]
    fn nothing_overflows_at_the_end_of_time_or_with_the_largest_quota() {
        for (quota, now) in [(1, u64::MAX), (u32::MAX, u64::MAX), (u32::MAX, 0)] {
            let rate = rate(quota);
            let bucket = Bucket::default().take(rate, now).unwrap();
            assert!(bucket.left(rate, now) <= quota);
            assert!(Bucket { whole_at: u64::MAX }.left(rate, 0) == 0);
            assert!(Bucket { whole_at: u64::MAX }.take(rate, 0).is_err());
        }
    }

    proptest! {
        #[test]
        fn it_is_like_a_waiting_room(
            quota in 1..40_u32,
            pauses in prop::collection::vec(
                prop_oneof![4 => Just(0), 4 => 0..3 * SECOND, 1 => 0..90 * SECOND],
                1..300,
            ),
        ) {
            let rate = rate(quota);
            let mut room = WaitingRoom::new(quota);
            let (mut bucket, mut now) = (Bucket::default(), 0);
            for pause in pauses {
                now += pause;
                let left = match bucket.take(rate, now) {
                    Ok(after) => {
                        bucket = after;
                        Some(bucket.left(rate, now))
                    }
                    Err(wait) => {
                        let soon = now + wait.as_nanos() as u64;
                        prop_assert!(bucket.take(rate, soon).is_ok(), "it waits long enough");
                        prop_assert!(bucket.take(rate, soon - 1).is_err(), "and not too long");
                        None
                    }
                };
                let may = room.has_a_seat(now);
                if may {
                    room.enter(now);
                }
                prop_assert_eq!((left.is_some(), left.unwrap_or(0)), (may, room.seats()));
            }
        }

        #[test]
        fn no_stretch_of_time_has_more_than_a_burst_and_the_sustained_rate(
            quota in 1..40_u32,
            pauses in prop::collection::vec(0..4 * SECOND, 1..200),
        ) {
            let rate = rate(quota);
            let (mut bucket, mut now, mut admitted) = (Bucket::default(), 0, Vec::new());
            for pause in pauses {
                now += pause;
                if let Ok(after) = bucket.take(rate, now) {
                    bucket = after;
                    admitted.push(now);
                }
            }
            for (first, from) in admitted.iter().enumerate() {
                for (last, to) in admitted.iter().enumerate().skip(first) {
                    let many = (last - first + 1) as u64;
                    prop_assert!(many <= u64::from(quota) + (to - from) / rate.interval);
                }
            }
        }
    }
}
