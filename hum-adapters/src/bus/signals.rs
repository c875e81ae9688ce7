//! What one process tells the others: gathered for a moment, and written as one short text.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use hum_core::id::OrgId;

/// How many organizations one text names. 26 letters, a prefix and a number of 19 digits at most,
/// each, so that the text stays below the 8000 bytes of a notification. Whoever has more to say,
/// says "all".
const ORGANIZATIONS: usize = 150;

/// Stands for signals about every organization.
const ALL: &str = "*";
/// Says that jobs may be due.
const JOBS: &str = "jobs";

/// Signals that were not told yet. Bounded: beyond some organizations they are about all.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Signals {
    /// Jobs may be due.
    pub jobs: bool,
    /// How far feeds have come.
    pub feeds: Feeds,
}

/// Whose feeds grew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Feeds {
    /// These, each to this number.
    Of(BTreeMap<OrgId, i64>),
    /// Too many to be named.
    All,
}

impl Default for Feeds {
    fn default() -> Self {
        Self::Of(BTreeMap::new())
    }
}

impl Signals {
    /// Everybody should look.
    pub fn all() -> Self {
        Self {
            jobs: true,
            feeds: Feeds::All,
        }
    }

    pub fn is_empty(&self) -> bool {
        !self.jobs && matches!(&self.feeds, Feeds::Of(feeds) if feeds.is_empty())
    }

    /// A feed has come to a number; the highest one counts.
    pub fn published(&mut self, org: OrgId, event_seq: i64) {
        let Feeds::Of(feeds) = &mut self.feeds else {
            return;
        };
        let newest = feeds.entry(org).or_insert(event_seq);
        *newest = event_seq.max(*newest);
        if feeds.len() > ORGANIZATIONS {
            self.feeds = Feeds::All;
        }
    }

    /// Adds what could not be told.
    pub fn add(&mut self, others: Self) {
        self.jobs |= others.jobs;
        match others.feeds {
            Feeds::All => self.feeds = Feeds::All,
            Feeds::Of(feeds) => feeds
                .into_iter()
                .for_each(|(org, event_seq)| self.published(org, event_seq)),
        }
    }

    /// Reads what [`Signals`] were written as. A word that makes no sense is one of another build:
    /// then everybody should look.
    pub fn parse(text: &str) -> Self {
        let mut signals = Self::default();
        for word in text.split_ascii_whitespace() {
            let feed = || {
                let (org, event_seq) = word.split_once('=')?;
                Some((org.parse().ok()?, event_seq.parse().ok()?))
            };
            match (word, feed()) {
                (JOBS, _) => signals.jobs = true,
                (ALL, _) => signals.feeds = Feeds::All,
                (_, Some((org, event_seq))) => signals.published(org, event_seq),
                (_, None) => return Self::all(),
            }
        }
        signals
    }
}

impl fmt::Display for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.jobs {
            f.write_str(JOBS)?;
        }
        match &self.feeds {
            Feeds::All => write!(f, " {ALL}"),
            Feeds::Of(feeds) => feeds.iter().try_for_each(|(org, event_seq)| {
                f.write_char(' ')?;
                write!(f, "{org}={event_seq}")
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use hum_core::clock::Timestamp;

    use super::*;
    use crate::entropy::SystemEntropy;

    fn org() -> OrgId {
        OrgId::new(Timestamp::from_micros(0), &SystemEntropy)
    }

    fn back(signals: &Signals) -> Signals {
        Signals::parse(&signals.to_string())
    }

    #[test]
    fn what_is_written_is_read() {
        let (one, other) = (org(), org());
        let mut signals = Signals::default();
        assert!(signals.is_empty());
        assert_eq!(back(&signals), signals);
        signals.published(one, 3);
        signals.published(one, 2);
        signals.published(other, i64::MAX);
        assert_eq!(back(&signals), signals);
        assert_eq!(
            signals.feeds,
            Feeds::Of([(one, 3), (other, i64::MAX)].into())
        );
        signals.jobs = true;
        assert_eq!(back(&signals), signals);
        assert_eq!(back(&Signals::all()), Signals::all());
    }

    #[test]
    fn more_than_fits_is_about_all() {
        let mut signals = Signals::default();
        for _ in 0..ORGANIZATIONS {
            signals.published(org(), i64::MAX);
        }
        let longest = signals.to_string().len();
        assert!((5_000..7_900).contains(&longest), "{longest} bytes");
        assert_eq!(back(&signals), signals);
        signals.published(org(), 1);
        assert_eq!(signals.feeds, Feeds::All);
    }

    #[test]
    fn nonsense_means_that_everybody_should_look() {
        for text in ["org_1=2", "jobs nonsense", "a=b=c", "=", "jobs ü"] {
            assert_eq!(Signals::parse(text), Signals::all(), "{text:?}");
        }
    }

    #[test]
    fn what_was_not_told_is_told_later() {
        let (one, other) = (org(), org());
        let (mut signals, mut lost) = (Signals::default(), Signals::default());
        signals.published(one, 5);
        lost.published(one, 4);
        lost.published(other, 1);
        lost.jobs = true;
        signals.add(lost);
        assert!(signals.jobs);
        assert_eq!(signals.feeds, Feeds::Of([(one, 5), (other, 1)].into()));
        signals.add(Signals::all());
        assert_eq!(signals, Signals::all());
    }
}
