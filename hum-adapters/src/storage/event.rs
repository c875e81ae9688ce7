//! The feed of events.

use async_trait::async_trait;
use hum_core::{
    event::{Event, EventReads},
    record::{Record as _, Value},
    store::StoreError,
};

use super::{
    query::{OrgStore, sql},
    table::{self, TableSql, columns},
};

/// The statements of events.
pub(crate) fn statements() -> &'static TableSql {
    table::of(Event::table())
}

/// Where `seq` is in a row of [`Event`]: the engine fills it in, inside the transaction.
pub(crate) const SEQ: usize = 1;

// Numbers are taken from the organization's counter. Its row stays locked until the commit, so
// numbers are in the order of commits, and a batch that is rolled back gives its numbers back: no
// gaps.

/// SQLite: takes `?2` numbers for the organization `?1`, if it has a counter. Not `RETURNING`, for
/// which SQLite builds a table of its own, which costs more than the other statements of a batch
/// together.
pub(crate) const TAKE_NUMBERS: &str = "UPDATE event_counter SET seq = seq + ?2 WHERE org_id = ?1";
pub(crate) const TAKE_FIRST_NUMBERS: &str =
    "INSERT INTO event_counter (org_id, seq) VALUES (?1, ?2)";
pub(crate) const LAST_NUMBER: &str = "SELECT seq FROM event_counter WHERE org_id = ?1";

/// Postgres: the same for many organizations at once, in one round trip.
pub(crate) const TAKE_NUMBERS_OF_MANY: &str = "INSERT INTO event_counter (org_id, seq) \
     SELECT * FROM unnest($1::text[], $2::bigint[]) \
     ON CONFLICT (org_id) DO UPDATE SET seq = event_counter.seq + excluded.seq RETURNING org_id, seq";

/// How many events are read where it is called: what a job takes at a time.
const STEP: u32 = 100;

#[async_trait]
impl EventReads for OrgStore {
    async fn events_after(&self, after: i64, limit: u32) -> Result<Vec<Event>, StoreError> {
        let sql = sql!(
            "SELECT {} FROM event WHERE org_id = $1 AND seq > $2 ORDER BY seq LIMIT $3",
            columns::<Event>()
        );
        let params = [Value::Int(after), Value::Int(limit.into())];
        if limit > STEP {
            self.long_many(sql, params).await
        } else {
            self.many(sql, params).await
        }
    }

    async fn event(&self, seq: i64) -> Result<Option<Event>, StoreError> {
        self.one(
            sql!(
                "SELECT {} FROM event WHERE org_id = $1 AND seq = $2",
                columns::<Event>()
            ),
            [Value::Int(seq)],
        )
        .await
    }

    async fn last_event_seq(&self) -> Result<i64, StoreError> {
        self.count(
            sql!("SELECT coalesce(max(seq), 0) FROM event_counter WHERE org_id = $1"),
            [],
        )
        .await
    }
}
