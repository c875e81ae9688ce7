use std::{fmt, str::FromStr};

use jiff::{Timestamp as Instant, civil::Date, tz::TimeZone};

use crate::kernel::clock::Timestamp;

/// A day in UTC. Shown as `2026-11-25`; days sort like their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Date);

impl Day {
    /// The day of an instant.
    pub fn of(at: Timestamp) -> Self {
        let instant = Instant::from_microsecond(at.as_micros()).unwrap_or_default();
        Self(instant.to_zoned(TimeZone::UTC).date())
    }

    /// So many days before this one.
    pub fn back(self, days: u32) -> Self {
        let span = jiff::Span::new().try_days(days);
        Self(span.map_or(self.0, |span| self.0.saturating_sub(span)))
    }

    /// How many days there are from `first` to this one, both included; zero when it comes before.
    pub fn days_since(self, first: Self) -> u32 {
        let between = self.0.duration_since(first.0).as_hours() / 24 + 1;
        u32::try_from(between).unwrap_or(0)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The text is not a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a day such as 2026-02-01")]
pub struct NotADay;

impl FromStr for Day {
    type Err = NotADay;

    /// Only the form that is shown: years of four digits, so that names sort like days.
    fn from_str(text: &str) -> Result<Self, NotADay> {
        let day = text.parse().map(Self).map_err(|_| NotADay)?;
        if day.to_string() == text && text.len() == 10 {
            Ok(day)
        } else {
            Err(NotADay)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_written_in_one_way() {
        for text in ["2026-11-25", "2024-02-29", "0001-01-01"] {
            assert_eq!(
                text.parse::<Day>().map(|day| day.to_string()),
                Ok(text.into())
            );
        }
        for text in [
            "",
            "2026-02-30",
            "2026-2-3",
            "20261125",
            "2026-11-25T00:00",
            " 2026-11-25",
            "-000001-01-01",
        ] {
            assert_eq!(text.parse::<Day>(), Err(NotADay), "{text:?}");
        }
    }

    #[test]
    fn days_are_counted_with_both_ends() {
        let day = |text: &str| text.parse::<Day>().expect("a day");
        let last = day("2026-03-01");
        assert_eq!(last.days_since(last), 1);
        assert_eq!(last.days_since(day("2026-02-28")), 2);
        assert_eq!(last.days_since(day("2026-03-02")), 0);
        assert_eq!(last.back(1), day("2026-02-28"));
        assert_eq!(last.days_since(last.back(29)), 30);
    }
}
