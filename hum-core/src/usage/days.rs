use crate::kernel::{
    Kernel, Reads,
    counter::{CounterReads, Metrics},
    error::Error,
    id::OrgId,
};

use super::{Day, PREFIX, Usage};

/// How many days are answered at once, at most.
const DAYS_AT_MOST: u32 = 366;
/// How many days are answered when nobody says.
const DAYS: u32 = 30;

/// What an organization used.
#[derive(Clone)]
pub struct Usages {
    kernel: Kernel,
    reads: Reads<dyn CounterReads>,
}

/// Days in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// The first one.
    pub from: Day,
    /// The last one.
    pub to: Day,
}

/// What was used on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayUsage {
    /// Which day.
    pub day: Day,
    /// How much, in the order of [`Usage::ALL`].
    pub amounts: Vec<(Usage, i64)>,
}

impl DayUsage {
    fn nothing(day: Day) -> Self {
        let amounts = Usage::ALL.iter().map(|usage| (*usage, 0)).collect();
        Self { day, amounts }
    }

    /// How much of this was used.
    pub fn amount(&self, of: Usage) -> i64 {
        let found = self.amounts.iter().find(|(usage, _)| *usage == of);
        found.map_or(0, |(_, amount)| *amount)
    }

    fn set(&mut self, of: Usage, value: i64) {
        let found = self.amounts.iter_mut().find(|(usage, _)| *usage == of);
        if let Some((_, amount)) = found {
            *amount = value;
        }
    }
}

impl Usages {
    pub(crate) fn new(kernel: Kernel, reads: Reads<dyn CounterReads>) -> Self {
        Self { kernel, reads }
    }

    /// The days on which something was used, the first one first. Without `to` until today, without
    /// `from` the 30 days before.
    ///
    /// # Errors
    /// `Invalid` when `from` comes after `to`, or there are more than 366 days; `Store`.
    pub async fn days(
        &self,
        org: OrgId,
        from: Option<Day>,
        to: Option<Day>,
    ) -> Result<(Days, Vec<DayUsage>), Error> {
        let days = days(from, to, Day::of(self.kernel.now()))?;
        let metrics = Metrics::between(
            &format!("{PREFIX}{}", days.from),
            &format!("{PREFIX}{}", days.to),
        );
        // A build that counts more may have written more.
        let limit = 4 * DAYS_AT_MOST * Usage::ALL.len() as u32;
        let counters = self.reads.of(org).counters(&metrics, limit).await?;
        let counted = counters.into_iter().filter_map(|counter| {
            Usage::of_metric(&counter.metric).map(|(day, usage)| (day, usage, counter.value))
        });
        Ok((days, by_day(counted)))
    }
}

fn days(from: Option<Day>, to: Option<Day>, today: Day) -> Result<Days, Error> {
    let to = to.unwrap_or(today);
    let from = from.unwrap_or_else(|| to.back(DAYS - 1));
    match to.days_since(from) {
        0 => Err(Error::invalid("from", "must not come after `to`")),
        1..=DAYS_AT_MOST => Ok(Days { from, to }),
        _ => Err(Error::invalid(
            "from",
            format!("must be at most {DAYS_AT_MOST} days before `to`"),
        )),
    }
}

/// Counters come in the order of their days.
fn by_day(counted: impl Iterator<Item = (Day, Usage, i64)>) -> Vec<DayUsage> {
    let mut days: Vec<DayUsage> = Vec::new();
    for (day, usage, value) in counted {
        match days.last_mut() {
            Some(last) if last.day == day => last.set(usage, value),
            _ => {
                let mut next = DayUsage::nothing(day);
                next.set(usage, value);
                days.push(next);
            }
        }
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().expect("a day")
    }

    #[test]
    fn the_days_are_a_month_until_today_when_nobody_says() {
        let today = day("2026-03-30");
        let whole = |from: Option<&str>, to: Option<&str>| {
            days(from.map(day), to.map(day), today)
                .map(|days| (days.from.to_string(), days.to.to_string()))
                .ok()
        };
        let ok = |from: &str, to: &str| Some((from.to_owned(), to.to_owned()));
        assert_eq!(whole(None, None), ok("2026-03-01", "2026-03-30"));
        assert_eq!(
            whole(Some("2026-03-30"), None),
            ok("2026-03-30", "2026-03-30")
        );
        assert_eq!(
            whole(None, Some("2026-01-30")),
            ok("2026-01-01", "2026-01-30")
        );
        assert_eq!(
            whole(Some("2025-01-01"), Some("2026-01-01")),
            ok("2025-01-01", "2026-01-01")
        );
        assert_eq!(whole(Some("2024-12-31"), Some("2026-01-01")), None);
        assert_eq!(whole(Some("2026-03-31"), None), None);
    }

    #[test]
    fn what_was_not_used_on_a_day_is_zero_and_days_without_use_are_left_out() {
        let counted = [
            (day("2026-03-01"), Usage::AiTurns, 2),
            (day("2026-03-01"), Usage::TextsSent, 3),
            (day("2026-03-04"), Usage::TextsReceived, 1),
        ];
        let days = by_day(counted.into_iter());
        let shown: Vec<(String, Vec<i64>)> = days
            .iter()
            .map(|one| {
                let amounts = Usage::ALL.iter().map(|usage| one.amount(*usage)).collect();
                (one.day.to_string(), amounts)
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("2026-03-01".to_owned(), vec![0, 3, 0, 0, 2]),
                ("2026-03-04".to_owned(), vec![1, 0, 0, 0, 0])
            ]
        );
    }
}
