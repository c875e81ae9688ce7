use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::{
    kernel::{
        clock::Timestamp,
        entropy::Entropy,
        id::{ConversationId, MessageId, OrgId, TurnId},
        named::named,
        page::{Page, Paged},
        store::StoreError,
    },
    planted::{Bug, planted},
};

use super::{CarrierStatus, Conversation, SendAttempt, carrier_status::shown_error};

/// One text, in or out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Which.
    pub id: MessageId,
    /// Whose.
    pub org: OrgId,
    /// Where.
    pub conversation: ConversationId,
    /// Gap-free in the conversation, from 1.
    pub seq: i64,
    /// In or out.
    pub direction: Direction,
    /// Who wrote it.
    pub source: Source,
    /// The text.
    pub body: String,
    /// URLs of attached media.
    pub media: Vec<String>,
    /// Where it stands.
    pub status: MessageStatus,
    /// What the carrier said of it.
    pub carrier: CarrierFacts,
    /// Why it failed or was withheld, for people.
    pub detail: Option<String>,
    /// The turn that wrote it.
    pub turn: Option<TurnId>,
    /// The message that this one repeats, by somebody's decision.
    pub resend_of: Option<MessageId>,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When anything about it last changed.
    pub updated_at: Timestamp,
    /// Store version.
    pub version: i64,
}

named! {
    /// In or out.
    pub enum Direction {
        /// From the contact.
        Inbound = "inbound",
        /// To the contact.
        Outbound = "outbound",
    }
}

named! {
    /// Who wrote a text.
    pub enum Source {
        /// The contact.
        Contact = "contact",
        /// An agent.
        Ai = "ai",
        /// A person of the organization; pauses the agent.
        Human = "human",
        /// The organization's own system.
        Api = "api",
        /// hum itself: the one confirmation of a keyword.
        Confirmation = "confirmation",
    }
}

/// Where a text stands: first in hum's hands, then in the carrier's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageStatus {
    /// Came in.
    Received,
    /// To be sent.
    Queued,
    /// The carrier is being called.
    Dispatching,
    /// The carrier did not answer: it may have left. Never sent again by itself.
    InDoubt,
    /// Not sent: the contact is opted out. The carrier was not called.
    OptedOut,
    /// Not sent, and the carrier was not called: canceled, a person was faster than the agent, too late, too many today, or no
    /// carrier account. `detail` says which.
    Withheld,
    /// The carrier has it, or refused it definitely (`Failed`).
    Carrier(CarrierStatus),
}

impl MessageStatus {
    /// The name that is stored and shown. The carrier's own `queued` is shown as `accepted`, since hum has a `queued` too.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Queued => "queued",
            Self::Dispatching => "dispatching",
            Self::InDoubt => "in_doubt",
            Self::OptedOut => "opted_out",
            Self::Withheld => "withheld",
            Self::Carrier(CarrierStatus::Accepted | CarrierStatus::Queued) => "accepted",
            Self::Carrier(status) => status.as_str(),
        }
    }

    /// Every name that [`MessageStatus::as_str`] gives.
    pub const NAMES: [&'static str; 14] = [
        "received",
        "queued",
        "dispatching",
        "in_doubt",
        "opted_out",
        "withheld",
        "accepted",
        "sending",
        "sent",
        "canceled",
        "failed",
        "undelivered",
        "delivered",
        "read",
    ];

    /// Whether nothing more is expected.
    pub fn is_settled(self) -> bool {
        match self {
            Self::Received | Self::OptedOut | Self::Withheld => true,
            Self::Queued | Self::Dispatching | Self::InDoubt => false,
            Self::Carrier(status) => status.terminal().is_some(),
        }
    }
}

/// What the carrier said of a text. Merging is a join: commutative, associative, idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CarrierFacts {
    /// The carrier's id; unique where there is one.
    pub sid: Option<String>,
    /// The highest rank seen.
    pub status: Option<CarrierStatus>,
    /// Final outcomes seen; more than one is a contradiction that people should look at.
    pub terminals: BTreeSet<CarrierStatus>,
    /// Error codes seen; never forgotten.
    pub error_codes: BTreeSet<u32>,
    /// How many segments were billed.
    pub segments: Option<u32>,
}

impl CarrierFacts {
    /// Adds what one answer or callback says.
    pub fn learn(&mut self, sid: &str, status: CarrierStatus, error_code: Option<u32>) {
        self.sid.get_or_insert_with(|| sid.to_owned());
        self.status = if planted(Bug::LastStatusWins) { Some(status) } else { self.status.max(Some(status)) };
        self.terminals.extend(status.terminal());
        if planted(Bug::KeepFirstErrorOnly) && !self.error_codes.is_empty() {
            return;
        }
        self.error_codes.extend(error_code);
    }

    /// Whether the carrier contradicted itself.
    pub fn conflict(&self) -> bool {
        self.terminals.len() > 1
    }

    /// The error code to show: the smallest, so that order does not matter.
    pub fn error_code(&self) -> Option<u32> {
        shown_error(&self.error_codes)
    }
}

impl Message {
    /// A text that is to be sent.
    pub fn outbound(
        conversation: &Conversation,
        seq: i64,
        source: Source,
        body: String,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Self {
        Self {
            id: MessageId::new(now, entropy),
            org: conversation.org,
            conversation: conversation.id,
            seq,
            direction: Direction::Outbound,
            source,
            body,
            media: Vec::new(),
            status: MessageStatus::Queued,
            carrier: CarrierFacts::default(),
            detail: None,
            turn: None,
            resend_of: None,
            created_at: now,
            updated_at: now,
            version: 0,
        }
    }

    /// Takes over what the carrier says.
    pub fn learn(&mut self, sid: &str, status: CarrierStatus, error_code: Option<u32>, now: Timestamp) {
        self.carrier.learn(sid, status, error_code);
        if let Some(status) = self.carrier.status {
            self.status = MessageStatus::Carrier(status);
        }
        self.updated_at = now;
    }

    /// As events show it.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "conversation_id": self.conversation,
            "seq": self.seq,
            "direction": self.direction.as_str(),
            "source": self.source.as_str(),
            "body": self.body,
            "media_urls": self.media,
            "status": self.status.as_str(),
            "carrier_sid": self.carrier.sid,
            "error_code": self.carrier.error_code(),
            "created_at": self.created_at,
        })
    }
}

/// Which messages to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessageFilter {
    /// Of one conversation.
    pub conversation: Option<ConversationId>,
    /// With this status, by its shown name.
    pub status: Option<&'static str>,
}

/// Reads of messages and of the attempts to send them.
#[async_trait]
pub trait MessageReads: Send + Sync {
    /// By id.
    async fn message(&self, id: MessageId) -> Result<Option<Message>, StoreError>;
    /// Newest first.
    async fn list_messages(&self, filter: &MessageFilter, page: &Page) -> Result<Paged<Message>, StoreError>;
    /// The last `limit` messages of a conversation, oldest first.
    async fn recent_messages(&self, conversation: ConversationId, limit: u32) -> Result<Vec<Message>, StoreError>;
    /// How many texts of the agent in this conversation reached the carrier, or may have, since `since`.
    async fn count_ai_messages(&self, conversation: ConversationId, since: Timestamp) -> Result<i64, StoreError>;
    /// The newest attempt to send a message.
    async fn last_attempt(&self, message: MessageId) -> Result<Option<SendAttempt>, StoreError>;
    /// Whether some message bears this carrier sid.
    async fn carrier_sid_taken(&self, sid: &str) -> Result<bool, StoreError>;
    /// Attempts without a sid whose message has the same number, contact and body as `message`, started in the window;
    /// that of `message` itself included.
    async fn open_attempts_like(&self, message: &Message, since: Timestamp, until: Timestamp) -> Result<i64, StoreError>;
}
