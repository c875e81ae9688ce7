use std::str::FromStr;

use async_trait::async_trait;
use hum_core::{
    clock::Timestamp,
    id::{ConversationId, NumberId},
    number::E164,
    page::{Page, Paged},
    planted::{Bug, planted},
    sms::{Attention, Conversation, ConversationFilter, ConversationReads, ConversationStatus},
    store::StoreError,
};

use super::super::{
    query::{OrgStore, after, sql},
    table::{Stored, Table, Type::*, column, fixed},
    value::{Row, Value},
};

pub(crate) static CONVERSATION: Table = Table::new(
    "conversation",
    &["org_id", "id"],
    &[
        fixed("org_id", Text),
        fixed("id", Text),
        fixed("number_id", Text),
        fixed("number_e164", Text),
        fixed("contact", Text),
        column("status", Text),
        column("closed_at", Int),
        column("snoozed_until", Int),
        column("assignee", Text),
        column("ai_paused", Bool),
        column("attention_reason", Text),
        column("attention_note", Text),
        column("unread_count", Int),
        column("outcome", Text),
        column("last_seq", Int),
        column("last_inbound_seq", Int),
        column("answered_seq", Int),
        column("event_seq", Int),
        column("last_message_at", Int),
        fixed("created_at", Int),
        column("version", Int),
    ],
)
.unique(&[&["org_id", "number_id", "contact"]]);

impl Stored for Conversation {
    fn table() -> &'static Table {
        &CONVERSATION
    }

    fn to_row(&self) -> Vec<Value> {
        let closed_at = match self.status {
            ConversationStatus::Open => None,
            ConversationStatus::Closed { at } => Some(at),
        };
        let attention = self.attention.as_ref();
        vec![
            Value::text(self.org),
            Value::text(self.id),
            Value::text(self.number),
            Value::text(&self.number_e164),
            Value::text(&self.contact),
            Value::text(self.status.as_str()),
            Value::opt_time(closed_at),
            Value::opt_time(self.snoozed_until),
            Value::opt_text(self.assignee.as_ref()),
            Value::Bool(self.ai_paused),
            Value::opt_text(attention.map(|attention| &attention.reason)),
            Value::opt_text(attention.map(|attention| &attention.note)),
            Value::Int(self.unread_count),
            Value::opt_json(self.outcome.as_ref()),
            Value::Int(self.last_seq),
            Value::Int(self.last_inbound_seq),
            Value::Int(self.answered_seq),
            Value::Int(self.event_seq),
            Value::time(self.last_message_at),
            Value::time(self.created_at),
            Value::Int(self.version),
        ]
    }

    fn from_row(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            org: row.parsed("org_id")?,
            id: row.parsed("id")?,
            number: row.parsed("number_id")?,
            number_e164: row.parsed("number_e164")?,
            contact: row.parsed("contact")?,
            status: match row.text("status")?.as_str() {
                "open" => ConversationStatus::Open,
                "closed" => ConversationStatus::Closed { at: row.time("closed_at")? },
                _ => return Err(row.corrupt("status", "unknown name")),
            },
            snoozed_until: row.opt_time("snoozed_until")?,
            assignee: row.opt_text("assignee")?,
            ai_paused: row.bool("ai_paused")?,
            attention: match (row.opt_text("attention_reason")?, row.opt_text("attention_note")?) {
                (Some(reason), Some(note)) => Some(Attention { reason, note }),
                _ => None,
            },
            unread_count: row.int("unread_count")?,
            outcome: row.opt_json("outcome")?,
            last_seq: row.int("last_seq")?,
            last_inbound_seq: row.int("last_inbound_seq")?,
            answered_seq: row.int("answered_seq")?,
            event_seq: row.int("event_seq")?,
            last_message_at: row.time("last_message_at")?,
            created_at: row.time("created_at")?,
            version: row.int("version")?,
        })
    }
}

/// Where a list by last message stopped.
struct LastMessage(Timestamp, ConversationId);

impl FromStr for LastMessage {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (micros, id) = text.split_once('.').ok_or(())?;
        Ok(Self(Timestamp::from_micros(micros.parse().map_err(|_| ())?), id.parse().map_err(|_| ())?))
    }
}

#[async_trait]
impl ConversationReads for OrgStore {
    async fn conversation(&self, id: ConversationId) -> Result<Option<Conversation>, StoreError> {
        let sql = if planted(Bug::UnscopedRead) {
            sql!("SELECT {} FROM conversation WHERE id = $2 AND $1 <> ''", CONVERSATION.columns())
        } else {
            sql!("SELECT {} FROM conversation WHERE org_id = $1 AND id = $2", CONVERSATION.columns())
        };
        self.one(sql, [Value::text(id)]).await
    }

    async fn find_conversation(&self, number: NumberId, contact: &E164) -> Result<Option<Conversation>, StoreError> {
        let sql = if planted(Bug::UnscopedRead) {
            sql!("SELECT {} FROM conversation WHERE number_id = $2 AND contact = $3 AND $1 <> ''", CONVERSATION.columns())
        } else {
            sql!("SELECT {} FROM conversation WHERE org_id = $1 AND number_id = $2 AND contact = $3", CONVERSATION.columns())
        };
        self.one(sql, [Value::text(number), Value::text(contact)]).await
    }

    async fn list_conversations(&self, filter: &ConversationFilter, page: &Page) -> Result<Paged<Conversation>, StoreError> {
        // The last condition is that of the index.
        let mut sql = format!("SELECT {} FROM conversation WHERE org_id = $1 AND last_message_at >= 0", CONVERSATION.columns());
        let mut params = Vec::new();
        // `$1` is the organization.
        let mut only = |condition: &str, value: Value| {
            params.push(value);
            sql.push_str(&condition.replace('?', &format!("${}", params.len() + 1)));
        };
        if let Some(open) = filter.open {
            only(" AND status = ?", if open { "open" } else { "closed" }.into());
        }
        if let Some(assignee) = &filter.assignee {
            only(" AND assignee = ?", Value::text(assignee));
        }
        if let Some(number) = filter.number {
            only(" AND number_id = ?", Value::text(number));
        }
        if let Some(contact) = &filter.contact {
            only(" AND contact = ?", Value::text(contact));
        }
        if filter.unread {
            only(" AND unread_count > ?", Value::Int(0));
        }
        if let Some(LastMessage(at, id)) = after(page)? {
            // Both databases compare pairs in the order of their index.
            only(" AND (last_message_at, id) < (?,", Value::time(at));
            only(" ?)", Value::text(id));
        }
        sql.push_str(" ORDER BY last_message_at DESC, id DESC");
        self.page(sql, params, page, |conversation: &Conversation| {
            format!("{}.{}", conversation.last_message_at.as_micros(), conversation.id)
        })
        .await
    }
}
