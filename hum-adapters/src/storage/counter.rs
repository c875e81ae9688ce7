//! Counters.

use async_trait::async_trait;
use hum_core::{
    counter::{Counter, CounterReads, Metrics},
    record::{Value, get},
    store::StoreError,
};

use super::{
    query::{OrgStore, sql},
    table::columns,
};

/// SQLite: adds `?3` to the organization's counter of the metric `?2`.
pub(crate) const ADD: &str = "INSERT INTO counter (org_id, metric, value) VALUES (?1, ?2, ?3) \
     ON CONFLICT (org_id, metric) DO UPDATE SET value = value + excluded.value";

/// Postgres: the same for many counters at once. Rows are locked in the order in which they are
/// given.
pub(crate) const ADD_MANY: &str = "INSERT INTO counter (org_id, metric, value) \
     SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]) \
     ON CONFLICT (org_id, metric) DO UPDATE SET value = counter.value + excluded.value";

#[async_trait]
impl CounterReads for OrgStore {
    async fn counter(&self, metric: &str) -> Result<i64, StoreError> {
        let counter: Option<Counter> = get(self, &metric.to_owned()).await?;
        Ok(counter.map_or(0, |counter| counter.value))
    }

    async fn counters(&self, metrics: &Metrics, limit: u32) -> Result<Vec<Counter>, StoreError> {
        let sql = sql!(
            "SELECT {} FROM counter WHERE org_id = $1 AND metric >= $2 AND metric < $3 \
             ORDER BY metric LIMIT $4",
            columns::<Counter>()
        );
        let params = [
            Value::text(&metrics.from),
            Value::text(&metrics.before),
            Value::Int(limit.into()),
        ];
        self.many(sql, params).await
    }
}
