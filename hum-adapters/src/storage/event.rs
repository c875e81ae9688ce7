//! The feed of events.

use async_trait::async_trait;
use hum_core::{
    event::{Event, EventKind, EventReads},
    store::StoreError,
};

use super::{
    query::{OrgStore, sql},
    table::{Stored, Table, Type::*, fixed},
    value::{Row, Value},
};

pub(crate) static EVENT: Table = Table::new(
    "event",
    &["org_id", "seq"],
    &[
        fixed("org_id", Text),
        fixed("seq", Int),
        fixed("id", Text),
        fixed("kind", Text),
        fixed("at", Int),
        fixed("conversation_id", Text),
        fixed("conversation_seq", Int),
        fixed("data", Text),
    ],
);

/// Where `seq` is in a row of [`EVENT`]: the engine fills it in, inside the transaction.
pub(crate) const SEQ: usize = 1;

// Numbers are taken from the organization's counter. Its row stays locked until the commit, so numbers are in the order of
// commits, and a batch that is rolled back gives its numbers back: no gaps.

/// SQLite: takes `?2` numbers for the organization `?1`, if it has a counter. Not `RETURNING`, for which SQLite builds a
/// table of its own, which costs more than the other statements of a batch together.
pub(crate) const TAKE_NUMBERS: &str = "UPDATE event_counter SET seq = seq + ?2 WHERE org_id = ?1";
pub(crate) const TAKE_FIRST_NUMBERS: &str = "INSERT INTO event_counter (org_id, seq) VALUES (?1, ?2)";
pub(crate) const LAST_NUMBER: &str = "SELECT seq FROM event_counter WHERE org_id = ?1";

/// Postgres: the same for many organizations at once, in one round trip.
pub(crate) const TAKE_NUMBERS_OF_MANY: &str = "INSERT INTO event_counter (org_id, seq) \
     SELECT * FROM unnest($1::text[], $2::bigint[]) \
     ON CONFLICT (org_id) DO UPDATE SET seq = event_counter.seq + excluded.seq RETURNING org_id, seq";

impl Stored for Event {
    fn table() -> &'static Table {
        &EVENT
    }

    fn to_row(&self) -> Vec<Value> {
        let (conversation, seq) = self.conversation.unzip();
        vec![
            Value::text(self.org),
            Value::Int(self.seq),
            Value::text(self.id),
            Value::text(self.kind.as_str()),
            Value::time(self.at),
            Value::opt_text(conversation),
            Value::opt_int(seq),
            Value::json(&self.data),
        ]
    }

    fn from_row(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            org: row.parsed("org_id")?,
            seq: row.int("seq")?,
            id: row.parsed("id")?,
            kind: row.named("kind", EventKind::parse)?,
            at: row.time("at")?,
            conversation: row.opt_parsed("conversation_id")?.zip(row.opt_int("conversation_seq")?),
            data: row.json("data")?,
        })
    }
}

#[async_trait]
impl EventReads for OrgStore {
    async fn events_after(&self, after: i64, limit: u32) -> Result<Vec<Event>, StoreError> {
        let sql = sql!("SELECT {} FROM event WHERE org_id = $1 AND seq > $2 ORDER BY seq LIMIT $3", EVENT.columns());
        self.many(sql, [Value::Int(after), Value::Int(limit.into())]).await
    }

    async fn event(&self, seq: i64) -> Result<Option<Event>, StoreError> {
        self.one(sql!("SELECT {} FROM event WHERE org_id = $1 AND seq = $2", EVENT.columns()), [Value::Int(seq)]).await
    }

    async fn last_event_seq(&self) -> Result<i64, StoreError> {
        self.count(sql!("SELECT coalesce(max(seq), 0) FROM event_counter WHERE org_id = $1"), []).await
    }
}
