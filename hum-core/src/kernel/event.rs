//! What happened, as customers see it: in the feed and on webhooks.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::kernel::{
    clock::Timestamp,
    entropy::Entropy,
    id::{ConversationId, EventId, OrgId},
    named::named,
    record::{Column, Field, Fields, Reader, Writer, record},
    store::StoreError,
};

named! {
    /// What kind of thing happened; every kind that a webhook can subscribe to.
    pub enum EventKind {
        /// A text came in.
        SmsReceived = "sms.received",
        /// The carrier accepted a text.
        SmsSent = "sms.sent",
        /// The carrier says that a text arrived.
        SmsDelivered = "sms.delivered",
        /// A text will not arrive.
        SmsFailed = "sms.failed",
        /// The carrier did not answer: the text may or may not have been sent.
        SmsInDoubt = "sms.in_doubt",
        /// A contact is opted out.
        SmsOptOut = "sms.opt_out",
        /// A contact is opted in again.
        SmsOptIn = "sms.opt_in",
        /// The first message between a number and a contact.
        ConversationStarted = "conversation.started",
        /// A conversation was given to a person.
        ConversationAssigned = "conversation.assigned",
        /// A conversation was closed.
        ConversationClosed = "conversation.closed",
        /// A closed conversation was opened again.
        ConversationReopened = "conversation.reopened",
        /// An agent reported an outcome.
        OutcomeCaptured = "outcome.captured",
        /// A test delivery.
        WebhookTest = "webhook.test",
    }
}

record! {
    /// One event. Its number in the organization's feed is given by the store.
    #[derive(Debug, Clone, PartialEq)]
    pub struct Event in "event" {
        /// Whose.
        key pub org: OrgId => "org_id",
        /// Gap-free per organization, from 1. Zero until the store has given it.
        key pub seq: i64 => "seq",
        /// Which; also the `webhook-id` of deliveries.
        fixed pub id: EventId => "id",
        /// What.
        fixed pub kind: EventKind => "kind",
        /// When.
        fixed pub at: Timestamp => "at",
        /// In which conversation, and the gap-free number there.
        group pub conversation: Option<(ConversationId, i64)> => ..,
        /// The entities, as they were.
        fixed_json pub data: Value => "data",
    }
}

impl Fields for Option<(ConversationId, i64)> {
    const COLUMNS: &'static [Column] = &[
        Column::of::<Option<ConversationId>>("conversation_id").fixed(),
        Column::of::<Option<i64>>("conversation_seq").fixed(),
    ];

    fn write(&self, row: &mut Writer) {
        let (conversation, seq) = self.unzip();
        row.put(&conversation);
        row.put(&seq);
    }

    fn read(row: &mut Reader) -> Result<Self, StoreError> {
        let conversation: Option<ConversationId> = row.take()?;
        Ok(conversation.zip(row.take()?))
    }

    fn sample(entropy: &dyn Entropy) -> Self {
        Option::<ConversationId>::sample(entropy)
            .map(|conversation| (conversation, i64::sample(entropy)))
    }
}

impl Event {
    /// An event that is not about a conversation.
    pub fn new(
        org: OrgId,
        kind: EventKind,
        data: Value,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Self {
        Self {
            id: EventId::new(now, entropy),
            org,
            seq: 0,
            kind,
            at: now,
            conversation: None,
            data,
        }
    }

    /// The JSON that the feed and webhooks show. Its keys are sorted, so its bytes are always the
    /// same.
    pub fn to_json(&self) -> Value {
        let (conversation_id, conversation_seq) = self.conversation.unzip();
        json!({
            "id": self.id,
            "type": self.kind.as_str(),
            "timestamp": self.at,
            "organization_id": self.org,
            "seq": self.seq,
            "conversation_id": conversation_id,
            "conversation_seq": conversation_seq,
            "data": self.data,
        })
    }
}

/// Reads of events.
#[async_trait]
pub trait EventReads: Send + Sync {
    /// Events with a number above `after`, lowest first, at most `limit`.
    async fn events_after(&self, after: i64, limit: u32) -> Result<Vec<Event>, StoreError>;
    /// The number of the newest event; zero when there is none.
    async fn last_event_seq(&self) -> Result<i64, StoreError>;
    /// By its number in the feed.
    async fn event(&self, seq: i64) -> Result<Option<Event>, StoreError>;
}
