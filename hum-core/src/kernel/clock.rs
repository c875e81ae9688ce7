//! Time comes in through a port: core never reads the system clock.

use std::{fmt, str::FromStr, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Wall time, monotonic time and waiting.
///
/// Wall time is for records and people and may jump; monotonic time is for durations and never goes
/// back. Waiting belongs here too, or a simulation could not skip ahead.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The wall clock, UTC.
    fn now(&self) -> Timestamp;
    /// Time since an arbitrary start; never decreases.
    fn monotonic(&self) -> Duration;
    /// Returns when `duration` has passed on the monotonic clock; at once when it is zero.
    async fn sleep(&self, duration: Duration);
}

/// A clock that is shared is a clock.
#[async_trait]
impl<T: Clock + ?Sized> Clock for std::sync::Arc<T> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn monotonic(&self) -> Duration {
        (**self).monotonic()
    }

    async fn sleep(&self, duration: Duration) {
        (**self).sleep(duration).await;
    }
}

/// An instant in UTC with microsecond precision. Serialized as RFC 3339 with milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since 1970-01-01T00:00:00Z.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since 1970-01-01T00:00:00Z, zero for earlier instants (ULIDs cannot be
    /// negative).
    pub const fn as_millis(self) -> u64 {
        if self.0 < 0 {
            0
        } else {
            (self.0 / 1_000) as u64
        }
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// How long after `earlier` this is; zero when it is not after.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }
}

impl std::ops::Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(at) => write!(f, "{at:.3}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not an RFC 3339 date-time with an offset.
#[derive(Debug, thiserror::Error)]
#[error("must be an RFC 3339 date-time such as 2026-02-01T09:00:00Z")]
pub struct NotATimestamp;

impl FromStr for Timestamp {
    type Err = NotATimestamp;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let at: jiff::Timestamp = text.parse().map_err(|_| NotATimestamp)?;
        Ok(Self(at.as_microsecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_rfc_3339_with_milliseconds() {
        assert_eq!(
            Timestamp::from_micros(1_767_225_600_123_456).to_string(),
            "2026-01-01T00:00:00.123Z"
        );
    }

    #[test]
    fn reads_offsets() {
        let at: Timestamp = "2026-01-01T01:00:00+01:00".parse().unwrap();
        assert_eq!(at.as_micros(), 1_767_225_600_000_000);
        assert!("2026-01-01".parse::<Timestamp>().is_err());
    }

    #[test]
    fn earlier_minus_later_is_zero() {
        assert_eq!(
            Timestamp::from_micros(1).since(Timestamp::from_micros(2)),
            Duration::ZERO
        );
    }
}
