//! What is counted: a number of an organization for each metric.

use async_trait::async_trait;

use super::{id::OrgId, record::record, store::StoreError};

record! {
    /// How much was counted of one metric. Only [`Write::Count`](super::batch::Write::Count) changes
    /// it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Counter in "counter" {
        /// Whose.
        key pub org: OrgId => "org_id",
        /// Of what: lower-case ASCII, digits, `.`, `-` and `_`, such as
        /// `usage.2026-11-25.texts_sent`.
        key pub metric: String => "metric",
        /// The sum of all that was counted.
        column pub value: i64 => "value",
    }
}

/// Reads of counters.
#[async_trait]
pub trait CounterReads: Send + Sync {
    /// How much was counted of one metric; zero when nothing was.
    async fn counter(&self, metric: &str) -> Result<i64, StoreError>;
    /// The counters of these metrics, in the order of their names, at most `limit`.
    async fn counters(&self, metrics: &Metrics, limit: u32) -> Result<Vec<Counter>, StoreError>;
}

/// Which metrics: those from one name on, and before another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    /// The first name.
    pub from: String,
    /// The first name that is not one of them.
    pub before: String,
}

/// Comes after every character of a metric's name.
const LAST: char = '\u{7f}';

impl Metrics {
    /// Those whose names begin with `prefix`.
    pub fn with_prefix(prefix: &str) -> Self {
        Self::between(prefix, prefix)
    }

    /// Those whose names begin with `first`, with `last`, or with anything between them.
    pub fn between(first: &str, last: &str) -> Self {
        Self {
            from: first.to_owned(),
            before: format!("{last}{LAST}"),
        }
    }
}
