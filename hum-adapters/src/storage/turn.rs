//! AI turns.

use async_trait::async_trait;
use hum_core::{
    clock::Timestamp,
    id::{ConversationId, TurnId},
    store::StoreError,
    turn::{Turn, TurnReads, TurnState},
};

use super::{
    query::{OrgStore, sql},
    table::{Stored, Table, Type::*, column, fixed},
    value::{Row, Value},
};

pub(crate) static TURN: Table = Table::new(
    "turn",
    &["org_id", "id"],
    &[
        fixed("org_id", Text),
        fixed("id", Text),
        fixed("conversation_id", Text),
        fixed("flow_id", Text),
        fixed("flow_version", Int),
        fixed("after_seq", Int),
        column("upto_seq", Int),
        column("state", Text),
        column("ended_at", Int),
        column("reply_id", Text),
        column("fallback", Bool),
        column("reason", Text),
        column("tool_calls", Text),
        fixed("started_at", Int),
        column("version", Int),
    ],
);

impl Stored for Turn {
    fn table() -> &'static Table {
        &TURN
    }

    fn to_row(&self) -> Vec<Value> {
        let (state, at, reply, fallback, reason) = match &self.state {
            TurnState::Running => ("running", None, None, false, None),
            TurnState::Finished { at, reply, fallback } => ("finished", Some(*at), *reply, *fallback, None),
            TurnState::Discarded { at, reason } => ("discarded", Some(*at), None, false, Some(reason)),
        };
        vec![
            Value::text(self.org),
            Value::text(self.id),
            Value::text(self.conversation),
            Value::text(self.flow),
            Value::Int(self.flow_version),
            Value::Int(self.after_seq),
            Value::Int(self.upto_seq),
            Value::text(state),
            Value::opt_time(at),
            Value::opt_text(reply),
            Value::Bool(fallback),
            Value::opt_text(reason),
            Value::json(&self.tool_calls),
            Value::time(self.started_at),
            Value::Int(self.version),
        ]
    }

    fn from_row(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            org: row.parsed("org_id")?,
            id: row.parsed("id")?,
            conversation: row.parsed("conversation_id")?,
            flow: row.parsed("flow_id")?,
            flow_version: row.int("flow_version")?,
            after_seq: row.int("after_seq")?,
            upto_seq: row.int("upto_seq")?,
            state: match row.text("state")?.as_str() {
                "running" => TurnState::Running,
                "finished" => TurnState::Finished {
                    at: row.time("ended_at")?,
                    reply: row.opt_parsed("reply_id")?,
                    fallback: row.bool("fallback")?,
                },
                "discarded" => TurnState::Discarded { at: row.time("ended_at")?, reason: row.text("reason")? },
                _ => return Err(row.corrupt("state", "unknown name")),
            },
            tool_calls: row.json("tool_calls")?,
            started_at: row.time("started_at")?,
            version: row.int("version")?,
        })
    }
}

#[async_trait]
impl TurnReads for OrgStore {
    async fn turn(&self, id: TurnId) -> Result<Option<Turn>, StoreError> {
        self.one(sql!("SELECT {} FROM turn WHERE org_id = $1 AND id = $2", TURN.columns()), [Value::text(id)]).await
    }

    async fn count_turns(&self, conversation: ConversationId, since: Timestamp) -> Result<i64, StoreError> {
        let sql = sql!(
            "SELECT count(*) FROM turn WHERE org_id = $1 AND conversation_id = $2 AND started_at >= $3 \
             AND state <> 'discarded'"
        );
        self.count(sql, [Value::text(conversation), Value::time(since)]).await
    }

    async fn running_turn(&self, conversation: ConversationId) -> Result<Option<Turn>, StoreError> {
        let sql = sql!(
            "SELECT {} FROM turn WHERE org_id = $1 AND conversation_id = $2 AND state = 'running' ORDER BY id LIMIT 1",
            TURN.columns()
        );
        self.one(sql, [Value::text(conversation)]).await
    }
}
