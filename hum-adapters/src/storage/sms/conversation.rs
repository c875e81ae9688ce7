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
    list::{List, after},
    query::{OrgStore, sql},
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
        let after = after(page)?.map(|LastMessage(at, id)| [at.write(), Value::text(id)]);
        self.page(listed(filter).after(after), page).await
    }
}

/// Which index has what is asked for. What it does not know is looked for in a part of its list.
fn listed(filter: &ConversationFilter) -> List {
    let list = List::falling(&["last_message_at", "id"]);
    let status = filter.open.map(|open| if open { "open" } else { "closed" });
    if let Some(contact) = &filter.contact {
        return of_contact(list, contact, filter, status);
    }
    let statuses = status.map_or(vec!["open", "closed"], |status| vec![status]);
    let mut list = match (&filter.assignee, filter.unread) {
        (Some(assignee), _) => list
            .only("assignee > ''")
            .with("assignee =", Value::text(assignee))
            .with_either("status =", &statuses),
        (None, true) => list.only("unread_count > 0"),
        // An index has each status apart; the inbox is both.
        (None, false) => list.either("status =", &statuses),
    };
    if filter.unread {
        if filter.assignee.is_some() {
            list = list.sifted("unread_count >", Value::Int(0));
        } else if let Some(status) = status {
            list = list.sifted("status =", status.into());
        }
    }
    if let Some(number) = filter.number {
        list = list.sifted("number_id =", Value::text(number));
    }
    list
}

/// At most one for each number: so few that all of them are looked at and put in order.
fn of_contact(
    list: List,
    contact: &E164,
    filter: &ConversationFilter,
    status: Option<&str>,
) -> List {
    let mut list = list
        .by("conversation_pair")
        .with("contact =", Value::text(contact));
    if let Some(number) = filter.number {
        list = list.with("number_id =", Value::text(number));
    }
    if let Some(status) = status {
        list = list.with("status =", status.into());
    }
    if let Some(assignee) = &filter.assignee {
        list = list.with("assignee =", Value::text(assignee));
    }
    if filter.unread {
        list = list.with("unread_count >", Value::Int(0));
    }
    list
}
