use std::str::FromStr;

use async_trait::async_trait;
use hum_core::{
    clock::Timestamp,
    id::{ConversationId, NumberId},
    number::E164,
    page::{Page, Paged},
    record::{Field as _, Value},
    sms::{Conversation, ConversationFilter, ConversationReads},
    store::StoreError,
};

use super::super::{
    query::{OrgStore, after, sql},
    table::columns,
};

/// Where a list by last message stopped.
struct LastMessage(Timestamp, ConversationId);

impl FromStr for LastMessage {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (micros, id) = text.split_once('.').ok_or(())?;
        Ok(Self(
            Timestamp::from_micros(micros.parse().map_err(|_| ())?),
            id.parse().map_err(|_| ())?,
        ))
    }
}

#[async_trait]
impl ConversationReads for OrgStore {
    async fn conversation(&self, id: ConversationId) -> Result<Option<Conversation>, StoreError> {
        let sql = sql!(
            "SELECT {} FROM conversation WHERE org_id = $1 AND id = $2",
            columns::<Conversation>()
        );
        self.one(sql, [Value::text(id)]).await
    }

    async fn find_conversation(
        &self,
        number: NumberId,
        contact: &E164,
    ) -> Result<Option<Conversation>, StoreError> {
        let sql = sql!(
            "SELECT {} FROM conversation WHERE org_id = $1 AND number_id = $2 AND contact = $3",
            columns::<Conversation>()
        );
        self.one(sql, [Value::text(number), Value::text(contact)])
            .await
    }

    async fn list_conversations(
        &self,
        filter: &ConversationFilter,
        page: &Page,
    ) -> Result<Paged<Conversation>, StoreError> {
        // The last condition is that of the index.
        let mut sql = format!(
            "SELECT {} FROM conversation WHERE org_id = $1 AND last_message_at >= 0",
            columns::<Conversation>()
        );
        let mut params = Vec::new();
        // `$1` is the organization.
        let mut only = |condition: &str, value: Value| {
            params.push(value);
            sql.push_str(&condition.replace('?', &format!("${}", params.len() + 1)));
        };
        if let Some(open) = filter.open {
            only(
                " AND status = ?",
                if open { "open" } else { "closed" }.into(),
            );
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
            only(" AND (last_message_at, id) < (?,", at.write());
            only(" ?)", Value::text(id));
        }
        sql.push_str(" ORDER BY last_message_at DESC, id DESC");
        self.page(sql, params, page, |conversation: &Conversation| {
            format!(
                "{}.{}",
                conversation.last_message_at().as_micros(),
                conversation.id
            )
        })
        .await
    }
}
