use std::sync::LazyLock;

use async_trait::async_trait;
use hum_core::{
    clock::Timestamp,
    consent::Consent,
    id::MessageId,
    number::Number,
    organization::CarrierAccount,
    record::{Column, Field as _, Record as _, Table, Value},
    sms::{Conversation, Message, OutgoingReads, OutgoingState, SendAttempt, Turn},
    store::StoreError,
};

use super::super::{joined::JoinSql, query::OrgStore, table};

/// What the read has besides whole records.
static FACTS: Table = Table {
    name: "outgoing",
    columns: &[Column::of::<i64>("ai_messages")],
    unique: &[],
    indexes: &[],
};

/// Which attempt is the last, and which texts count: as in `message.rs`.
static OUTGOING: LazyLock<JoinSql> = LazyLock::new(|| {
    JoinSql::new(|join| {
        let joins = [
            join(
                "consent",
                "s",
                "s.org_id = m.org_id AND s.contact = c.contact",
            ),
            join("turn", "t", "t.org_id = m.org_id AND t.id = m.turn_id"),
            join(
                "attempt",
                "a",
                "a.org_id = m.org_id AND a.id = (SELECT l.id FROM attempt l \
                 WHERE l.org_id = m.org_id AND l.message_id = m.id \
                 ORDER BY l.state = 'not_sent', l.started_at DESC, l.id DESC LIMIT 1)",
            ),
            join("number", "n", "n.org_id = m.org_id AND n.id = c.number_id"),
            join("carrier_account", "o", "o.org_id = m.org_id"),
        ];
        format!(
            "SELECT {}, {}, {}, {}, {}, {}, {}, \
             CASE WHEN m.source = 'ai' THEN (SELECT count(*) FROM message i \
               WHERE i.org_id = m.org_id AND i.conversation_id = m.conversation_id AND i.created_at >= $3 \
               AND i.source = 'ai' AND (i.carrier_sid IS NOT NULL OR i.status IN ('dispatching', 'in_doubt'))) \
             ELSE 0 END AS ai_messages \
             FROM message m {} {} WHERE m.org_id = $1 AND m.id = $2",
            table::of(Message::table()).columns_of("m"),
            table::of(Conversation::table()).columns_of("c"),
            table::of(Consent::table()).columns_of("s"),
            table::of(Turn::table()).columns_of("t"),
            table::of(SendAttempt::table()).columns_of("a"),
            table::of(Number::table()).columns_of("n"),
            table::of(CarrierAccount::table()).columns_of("o"),
            join(
                "conversation",
                "c",
                "c.org_id = m.org_id AND c.id = m.conversation_id"
            ),
            joins.join(" "),
        )
    })
});

#[async_trait]
impl OutgoingReads for OrgStore {
    async fn outgoing(
        &self,
        id: MessageId,
        since: Timestamp,
    ) -> Result<Option<OutgoingState>, StoreError> {
        let Some(mut row) = self
            .joined(&OUTGOING, [Value::text(id), since.write()])
            .await?
        else {
            return Ok(None);
        };
        let (Some(message), Some(conversation)) = (row.record()?, row.record()?) else {
            return Ok(None);
        };
        Ok(Some(OutgoingState {
            message,
            conversation,
            consent: row.record()?,
            turn: row.record()?,
            last_attempt: row.record()?,
            number: row.record()?,
            account: row.record()?,
            ai_messages: row.rest(&FACTS).take()?,
        }))
    }
}
