//! What an organization used, by day (UTC).
//!
//! Each use is counted in the commit of what is used, so the sums are exact: what was committed was
//! counted once, and what was not, was not.

mod day;
mod days;

use crate::kernel::{batch::Batch, clock::Timestamp, named::named};

pub use day::Day;
pub use days::{DayUsage, Days, Usages};

named! {
    /// What is counted.
    pub enum Usage {
        /// Texts that contacts sent.
        TextsReceived = "texts_received",
        /// Texts that the carrier took.
        TextsSent = "texts_sent",
        /// Segments of texts that the carrier took, as far as it says.
        SegmentsSent = "segments_sent",
        /// Events that webhooks took.
        Deliveries = "deliveries",
        /// Turns that agents began.
        AiTurns = "ai_turns",
    }
}

impl Usage {
    /// Counts this, as of `now`, in the commit of what is counted.
    pub fn count(self, batch: &mut Batch, amount: i64, now: Timestamp) {
        if amount != 0 {
            batch.count(self.metric(Day::of(now)), amount);
        }
    }

    /// Under which metric it is counted.
    pub fn metric(self, day: Day) -> String {
        format!("{PREFIX}{day}.{}", self.as_str())
    }

    /// The reverse of [`Usage::metric`]; `None` for other metrics.
    pub fn of_metric(metric: &str) -> Option<(Day, Self)> {
        let (day, name) = metric.strip_prefix(PREFIX)?.split_once('.')?;
        Some((day.parse().ok()?, Self::parse(name)?))
    }
}

/// Metrics of usage begin with this.
const PREFIX: &str = "usage.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{
        batch::{Count, Write},
        entropy::Zero,
        id::OrgId,
    };

    #[test]
    fn every_usage_is_found_by_its_metric() {
        let day: Day = "2026-11-25".parse().expect("a day");
        for usage in Usage::ALL {
            assert_eq!(
                Usage::of_metric(&usage.metric(day)),
                Some((day, *usage)),
                "{usage:?}"
            );
        }
        for other in ["usage.2026-11-25.x", "usage.today.ai_turns", "ai_turns", ""] {
            assert_eq!(Usage::of_metric(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_use_is_counted_on_its_day_and_nothing_is_not_counted() {
        let midnight = Timestamp::from_micros(1_767_225_600_000_000);
        let before = Timestamp::from_micros(midnight.as_micros() - 1);
        let mut batch = Batch::for_org(OrgId::new(midnight, &Zero));
        Usage::TextsSent.count(&mut batch, 1, before);
        Usage::SegmentsSent.count(&mut batch, 0, before);
        Usage::TextsSent.count(&mut batch, 2, midnight);
        let counted: Vec<(String, i64)> = batch
            .writes
            .into_iter()
            .filter_map(|write| match write {
                Write::Count(Count { metric, delta }) => Some((metric, delta)),
                _ => None,
            })
            .collect();
        assert_eq!(
            counted,
            [
                ("usage.2025-12-31.texts_sent".to_owned(), 1),
                ("usage.2026-01-01.texts_sent".to_owned(), 2)
            ]
        );
    }
}
