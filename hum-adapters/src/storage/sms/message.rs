use async_trait::async_trait;
use hum_core::{
    clock::Timestamp,
    id::{ConversationId, MessageId},
    page::{Page, Paged},
    record::{Field as _, Value},
    sms::{Message, MessageFilter, MessageReads, MessageStatus, SendAttempt},
    store::StoreError,
};

use super::super::{
    list::{List, after},
    query::{OrgStore, sql},
    table::columns,
};

#[async_trait]
impl MessageReads for OrgStore {
    async fn message(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        self.one(
            sql!(
                "SELECT {} FROM message WHERE org_id = $1 AND id = $2",
                columns::<Message>()
            ),
            [Value::text(id)],
        )
        .await
    }

    async fn list_messages(
        &self,
        filter: &MessageFilter,
        page: &Page,
    ) -> Result<Paged<Message>, StoreError> {
        let status = filter
            .status
            .filter(|status| MessageStatus::NAMES.contains(status))
            .map(Value::from);
        let Some(conversation) = filter.conversation else {
            let list =
                List::falling(&["id"]).after(after::<MessageId>(page)?.map(|id| [Value::text(id)]));
            let list = status.into_iter().fold(list, |list, status| {
                list.led_by("message_status", "status", status)
            });
            return self.page(list, page).await;
        };
        // In a conversation, the number says which is newer, even within a millisecond.
        let list = List::falling(&["seq"])
            .with("conversation_id =", Value::text(conversation))
            .after(after(page)?.map(|seq| [Value::Int(seq)]));
        // Threads are short: no index of their statuses is kept.
        let list = status
            .into_iter()
            .fold(list, |list, status| list.sifted("status =", status));
        self.page(list, page).await
    }

    async fn recent_messages(
        &self,
        conversation: ConversationId,
        limit: u32,
    ) -> Result<Vec<Message>, StoreError> {
        let sql = sql!(
            "SELECT {} FROM message WHERE org_id = $1 AND conversation_id = $2 ORDER BY seq DESC LIMIT $3",
            columns::<Message>()
        );
        let mut messages: Vec<Message> = self
            .many(sql, [Value::text(conversation), Value::Int(limit.into())])
            .await?;
        messages.reverse();
        Ok(messages)
    }

    async fn count_ai_messages(
        &self,
        conversation: ConversationId,
        since: Timestamp,
    ) -> Result<i64, StoreError> {
        // A definite refusal has no sid; whatever has one, failed later or not, was taken by the
        // carrier.
        let sql = sql!(
            "SELECT count(*) FROM message WHERE org_id = $1 AND conversation_id = $2 AND created_at >= $3 \
             AND source = 'ai' AND (carrier_sid IS NOT NULL OR status IN ('dispatching', 'in_doubt'))"
        );
        self.count(sql, [Value::text(conversation), since.write()])
            .await
    }

    async fn last_attempt(&self, message: MessageId) -> Result<Option<SendAttempt>, StoreError> {
        let sql = sql!(
            "SELECT {} FROM attempt WHERE org_id = $1 AND message_id = $2 \
             ORDER BY state = 'not_sent', started_at DESC, id DESC LIMIT 1",
            columns::<SendAttempt>()
        );
        self.one(sql, [Value::text(message)]).await
    }

    async fn carrier_sid_taken(&self, sid: &str) -> Result<bool, StoreError> {
        let sql = sql!("SELECT count(*) FROM message WHERE org_id = $1 AND carrier_sid = $2");
        Ok(self.count(sql, [sid.into()]).await? > 0)
    }

    async fn open_attempts_like(
        &self,
        message: &Message,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<i64, StoreError> {
        // The same number and contact are the same conversation: there is one thread for each pair.
        let sql = sql!(
            "SELECT count(*) FROM attempt a JOIN message m ON m.org_id = a.org_id AND m.id = a.message_id \
             WHERE a.org_id = $1 AND a.started_at >= $2 AND a.started_at <= $3 \
             AND a.state IN ('dispatching', 'in_doubt') AND m.conversation_id = $4 AND m.body = $5"
        );
        let params = [
            since.write(),
            until.write(),
            Value::text(message.conversation),
            Value::text(&message.body),
        ];
        self.count(sql, params).await
    }
}
