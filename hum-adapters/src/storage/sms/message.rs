use std::collections::BTreeSet;

use async_trait::async_trait;
use hum_core::{
    clock::Timestamp,
    id::{ConversationId, MessageId},
    page::{Page, Paged},
    sms::{CarrierFacts, CarrierStatus, Direction, Message, MessageFilter, MessageReads, MessageStatus, SendAttempt, Source},
    store::StoreError,
};

use super::{
    super::{
        query::{OrgStore, after, sql},
        table::{Stored, Table, Type::*, column, fixed},
        value::{Row, Value},
    },
    ATTEMPT,
};

pub(crate) static MESSAGE: Table = Table::new(
    "message",
    &["org_id", "id"],
    &[
        fixed("org_id", Text),
        fixed("id", Text),
        fixed("conversation_id", Text),
        fixed("seq", Int),
        fixed("direction", Text),
        fixed("source", Text),
        fixed("body", Text),
        fixed("media", Text),
        // As it is shown; what the carrier said exactly is in `carrier_status`.
        column("status", Text),
        column("carrier_sid", Text),
        column("carrier_status", Text),
        column("carrier_terminals", Text),
        column("error_codes", Text),
        column("segments", Int),
        column("detail", Text),
        fixed("turn_id", Text),
        fixed("resend_of", Text),
        fixed("created_at", Int),
        column("updated_at", Int),
        column("version", Int),
    ],
)
.unique(&[&["org_id", "conversation_id", "seq"], &["org_id", "carrier_sid"]]);

impl Stored for Message {
    fn table() -> &'static Table {
        &MESSAGE
    }

    fn to_row(&self) -> Vec<Value> {
        let terminals: Vec<&str> = self.carrier.terminals.iter().map(|status| status.as_str()).collect();
        vec![
            Value::text(self.org),
            Value::text(self.id),
            Value::text(self.conversation),
            Value::Int(self.seq),
            self.direction.as_str().into(),
            self.source.as_str().into(),
            Value::text(&self.body),
            Value::json(&self.media),
            self.status.as_str().into(),
            Value::opt_text(self.carrier.sid.as_ref()),
            Value::opt_text(self.carrier.status.map(CarrierStatus::as_str)),
            Value::json(&terminals),
            Value::json(&self.carrier.error_codes),
            Value::opt_int(self.carrier.segments.map(i64::from)),
            Value::opt_text(self.detail.as_ref()),
            Value::opt_text(self.turn),
            Value::opt_text(self.resend_of),
            Value::time(self.created_at),
            Value::time(self.updated_at),
            Value::Int(self.version),
        ]
    }

    fn from_row(row: &mut Row<'_>) -> Result<Self, StoreError> {
        let org = row.parsed("org_id")?;
        let id = row.parsed("id")?;
        let conversation = row.parsed("conversation_id")?;
        let seq = row.int("seq")?;
        let direction = row.named("direction", Direction::parse)?;
        let source = row.named("source", Source::parse)?;
        let body = row.text("body")?;
        let media = row.json("media")?;
        let shown = row.text("status")?;
        let carrier = CarrierFacts {
            sid: row.opt_text("carrier_sid")?,
            status: row.opt_named("carrier_status", CarrierStatus::parse)?,
            terminals: {
                let names: Vec<String> = row.json("carrier_terminals")?;
                let statuses: Option<BTreeSet<_>> = names.iter().map(|name| CarrierStatus::parse(name)).collect();
                statuses.ok_or_else(|| row.corrupt("carrier_terminals", "unknown name"))?
            },
            error_codes: row.json("error_codes")?,
            segments: match row.opt_int("segments")? {
                None => None,
                Some(count) => Some(u32::try_from(count).map_err(|_| row.corrupt("segments", "out of range"))?),
            },
        };
        let status = match shown.as_str() {
            "received" => MessageStatus::Received,
            "queued" => MessageStatus::Queued,
            "dispatching" => MessageStatus::Dispatching,
            "in_doubt" => MessageStatus::InDoubt,
            "opted_out" => MessageStatus::OptedOut,
            "withheld" => MessageStatus::Withheld,
            // The shown name of a refusal that came without a callback stands for itself.
            shown => match carrier.status.filter(|status| MessageStatus::Carrier(*status).as_str() == shown) {
                Some(status) => MessageStatus::Carrier(status),
                None => MessageStatus::Carrier(CarrierStatus::parse(shown).ok_or_else(|| row.corrupt("status", "unknown name"))?),
            },
        };
        Ok(Self {
            org,
            id,
            conversation,
            seq,
            direction,
            source,
            body,
            media,
            status,
            carrier,
            detail: row.opt_text("detail")?,
            turn: row.opt_parsed("turn_id")?,
            resend_of: row.opt_parsed("resend_of")?,
            created_at: row.time("created_at")?,
            updated_at: row.time("updated_at")?,
            version: row.int("version")?,
        })
    }
}

#[async_trait]
impl MessageReads for OrgStore {
    async fn message(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        self.one(sql!("SELECT {} FROM message WHERE org_id = $1 AND id = $2", MESSAGE.columns()), [Value::text(id)]).await
    }

    async fn list_messages(&self, filter: &MessageFilter, page: &Page) -> Result<Paged<Message>, StoreError> {
        let mut sql = format!("SELECT {} FROM message WHERE org_id = $1", MESSAGE.columns());
        let mut params = Vec::new();
        if let Some(status) = filter.status.filter(|status| MessageStatus::NAMES.contains(status)) {
            // Text, not a parameter: only then can the index of messages in doubt be used.
            sql.push_str(&format!(" AND status = '{status}'"));
        }
        let Some(conversation) = filter.conversation else {
            if let Some(id) = after::<MessageId>(page)? {
                params.push(Value::text(id));
                sql.push_str(" AND id < $2");
            }
            sql.push_str(" ORDER BY id DESC");
            return self.page(sql, params, page, |message: &Message| message.id.to_string()).await;
        };
        // In a conversation, the number says which is newer, even within a millisecond.
        params.push(Value::text(conversation));
        sql.push_str(" AND conversation_id = $2");
        if let Some(seq) = after::<i64>(page)? {
            params.push(Value::Int(seq));
            sql.push_str(" AND seq < $3");
        }
        sql.push_str(" ORDER BY seq DESC");
        self.page(sql, params, page, |message: &Message| message.seq.to_string()).await
    }

    async fn recent_messages(&self, conversation: ConversationId, limit: u32) -> Result<Vec<Message>, StoreError> {
        let sql = sql!(
            "SELECT {} FROM message WHERE org_id = $1 AND conversation_id = $2 ORDER BY seq DESC LIMIT $3",
            MESSAGE.columns()
        );
        let mut messages: Vec<Message> = self.many(sql, [Value::text(conversation), Value::Int(limit.into())]).await?;
        messages.reverse();
        Ok(messages)
    }

    async fn count_ai_messages(&self, conversation: ConversationId, since: Timestamp) -> Result<i64, StoreError> {
        // A definite refusal has no sid; whatever has one, failed later or not, was taken by the carrier.
        let sql = sql!(
            "SELECT count(*) FROM message WHERE org_id = $1 AND conversation_id = $2 AND created_at >= $3 \
             AND source = 'ai' AND (carrier_sid IS NOT NULL OR status IN ('dispatching', 'in_doubt'))"
        );
        self.count(sql, [Value::text(conversation), Value::time(since)]).await
    }

    async fn last_attempt(&self, message: MessageId) -> Result<Option<SendAttempt>, StoreError> {
        let sql = sql!(
            "SELECT {} FROM attempt WHERE org_id = $1 AND message_id = $2 ORDER BY started_at DESC, id DESC LIMIT 1",
            ATTEMPT.columns()
        );
        self.one(sql, [Value::text(message)]).await
    }

    async fn carrier_sid_taken(&self, sid: &str) -> Result<bool, StoreError> {
        let sql = sql!("SELECT count(*) FROM message WHERE org_id = $1 AND carrier_sid = $2");
        Ok(self.count(sql, [sid.into()]).await? > 0)
    }

    async fn open_attempts_like(&self, message: &Message, since: Timestamp, until: Timestamp) -> Result<i64, StoreError> {
        // The same number and contact are the same conversation: there is one thread for each pair.
        let sql = sql!(
            "SELECT count(*) FROM attempt a JOIN message m ON m.org_id = a.org_id AND m.id = a.message_id \
             WHERE a.org_id = $1 AND a.started_at >= $2 AND a.started_at <= $3 \
             AND a.state IN ('dispatching', 'in_doubt') AND m.conversation_id = $4 AND m.body = $5"
        );
        let params = [Value::time(since), Value::time(until), Value::text(message.conversation), Value::text(&message.body)];
        self.count(sql, params).await
    }
}
