use async_trait::async_trait;
use serde_json::{Value, json};

use crate::{
    kernel::{
        clock::Timestamp,
        entropy::Entropy,
        event::{Event, EventKind},
        id::{ConversationId, NumberId, OrgId},
        page::{Page, Paged},
        store::StoreError,
    },
    number::{E164, Number},
    planted::{Bug, planted},
};

use super::{Direction, Message};

/// The one thread between one of the organization's numbers and one contact. Never deleted; a text reopens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Which.
    pub id: ConversationId,
    /// Whose.
    pub org: OrgId,
    /// On which number.
    pub number: NumberId,
    /// That number.
    pub number_e164: E164,
    /// With whom.
    pub contact: E164,
    /// Open or closed.
    pub status: ConversationStatus,
    /// Hidden from the inbox until then; a text ends it.
    pub snoozed_until: Option<Timestamp>,
    /// Which person has it; the agent keeps silent then.
    pub assignee: Option<String>,
    /// The agent keeps silent.
    pub ai_paused: bool,
    /// Why a person should look.
    pub attention: Option<Attention>,
    /// Texts that came in since somebody last read.
    pub unread_count: i64,
    /// The last outcome that an agent reported.
    pub outcome: Option<Value>,
    /// The number of the last message.
    pub last_seq: i64,
    /// The number of the last text that came in.
    pub last_inbound_seq: i64,
    /// Up to where texts are answered, or not for the agent to answer.
    pub answered_seq: i64,
    /// The number of the last event.
    pub event_seq: i64,
    /// When the last message was stored.
    pub last_message_at: Timestamp,
    /// When it began.
    pub created_at: Timestamp,
    /// Store version.
    pub version: i64,
}

/// Open or closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConversationStatus {
    /// In the inbox.
    Open,
    /// Done, until a text comes.
    Closed {
        /// Since when.
        at: Timestamp,
    },
}

impl ConversationStatus {
    /// The name that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed { .. } => "closed",
        }
    }
}

/// Why a person should look at a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attention {
    /// `agent` handed over, `turn_limit`, `model_failed`.
    pub reason: String,
    /// For the person.
    pub note: String,
}

/// The reason of [`Attention`] when the agent itself handed over.
pub(crate) const BY_AGENT: &str = "agent";

impl Conversation {
    /// A new thread without messages.
    pub fn start(number: &Number, contact: E164, now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self {
            id: ConversationId::new(now, entropy),
            org: number.org,
            number: number.id,
            number_e164: number.e164.clone(),
            contact,
            status: ConversationStatus::Open,
            snoozed_until: None,
            assignee: None,
            ai_paused: false,
            attention: None,
            unread_count: 0,
            outcome: None,
            last_seq: 0,
            last_inbound_seq: 0,
            answered_seq: 0,
            event_seq: 0,
            last_message_at: now,
            created_at: now,
            version: 0,
        }
    }

    /// Takes the next message in; answers its number. A text from the contact reopens, wakes and counts as unread.
    pub fn take(&mut self, direction: Direction, now: Timestamp) -> i64 {
        self.last_seq += 1;
        self.last_message_at = now;
        if direction == Direction::Inbound {
            if planted(Bug::UnreadReset) && self.status != ConversationStatus::Open {
                self.unread_count = 0;
            }
            self.last_inbound_seq = self.last_seq;
            self.unread_count += 1;
            self.status = ConversationStatus::Open;
            self.snoozed_until = None;
        }
        self.last_seq
    }

    /// Whether the agent may speak.
    pub fn ai_may_speak(&self) -> bool {
        !self.ai_paused && self.assignee.is_none()
    }

    /// Whether the agent handed over and no person has done anything since.
    pub fn waits_for_person(&self) -> bool {
        self.assignee.is_none() && self.attention.as_ref().is_some_and(|attention| attention.reason == BY_AGENT)
    }

    /// A person takes the agent off.
    pub fn take_over(&mut self) {
        self.pause_ai();
        self.attention = None;
    }

    /// Whether texts wait for the agent.
    pub fn waits_for_ai(&self) -> bool {
        self.last_inbound_seq > self.answered_seq
    }

    /// Takes the agent off; what came in so far is a person's to answer.
    pub fn pause_ai(&mut self) {
        self.ai_paused = true;
        self.answered_seq = self.last_inbound_seq;
    }

    /// Gives the conversation to people: the agent is paused and somebody should look.
    pub fn hand_over(&mut self, reason: &str, note: &str, now: Timestamp, entropy: &dyn Entropy) -> Event {
        self.pause_ai();
        self.attention = Some(Attention { reason: reason.into(), note: note.into() });
        let mut data = json!({ "conversation": self.to_json() });
        data["reason"] = reason.into();
        data["note"] = note.into();
        self.event_with(EventKind::ConversationAssigned, data, now, entropy)
    }

    /// Gives the conversation to one person, or to nobody. An event when it is somebody new.
    pub fn assign(&mut self, assignee: Option<String>, now: Timestamp, entropy: &dyn Entropy) -> Option<Event> {
        if self.assignee == assignee {
            return None;
        }
        self.assignee = assignee;
        self.assignee.as_ref()?;
        self.attention = None;
        self.answered_seq = self.last_inbound_seq;
        Some(self.event(EventKind::ConversationAssigned, None, now, entropy))
    }

    /// Closes; an event when it was open. Deletes nothing.
    pub fn close(&mut self, now: Timestamp, entropy: &dyn Entropy) -> Option<Event> {
        if self.status != ConversationStatus::Open {
            return None;
        }
        self.status = ConversationStatus::Closed { at: now };
        self.attention = None;
        Some(self.event(EventKind::ConversationClosed, None, now, entropy))
    }

    /// Opens again and clears the snooze; an event when it was closed.
    pub fn reopen(&mut self, now: Timestamp, entropy: &dyn Entropy) -> Option<Event> {
        self.snoozed_until = None;
        if self.status == ConversationStatus::Open {
            return None;
        }
        self.status = ConversationStatus::Open;
        Some(self.event(EventKind::ConversationReopened, None, now, entropy))
    }

    /// Keeps what an agent reported.
    pub fn report(&mut self, outcome: Value, now: Timestamp, entropy: &dyn Entropy) -> Event {
        self.outcome = Some(outcome.clone());
        let data = json!({ "conversation": self.to_json(), "outcome": outcome });
        self.event_with(EventKind::OutcomeCaptured, data, now, entropy)
    }

    /// The next event of this conversation, about itself and perhaps a message.
    pub fn event(&mut self, kind: EventKind, message: Option<&Message>, now: Timestamp, entropy: &dyn Entropy) -> Event {
        let mut data = json!({ "conversation": self.to_json() });
        if let Some(message) = message {
            data["message"] = message.to_json();
        }
        self.event_with(kind, data, now, entropy)
    }

    /// The next event of this conversation, with its own data.
    pub fn event_with(&mut self, kind: EventKind, data: Value, now: Timestamp, entropy: &dyn Entropy) -> Event {
        self.event_seq += 1;
        let mut event = Event::new(self.org, kind, data, now, entropy);
        event.conversation = Some((self.id, self.event_seq));
        event
    }

    /// As events show it.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "twilio_number_id": self.number,
            "number_e164": self.number_e164,
            "contact_e164": self.contact,
            "status": self.status.as_str(),
            "assignee": self.assignee,
            "ai_paused": self.ai_paused,
            "unread_count": self.unread_count,
        })
    }
}

/// Which conversations to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConversationFilter {
    /// Only open, or only closed ones.
    pub open: Option<bool>,
    /// Only those of one person.
    pub assignee: Option<String>,
    /// Only those on one number.
    pub number: Option<NumberId>,
    /// Only those with one contact.
    pub contact: Option<E164>,
    /// Only those with unread texts.
    pub unread: bool,
}

/// Reads of conversations.
#[async_trait]
pub trait ConversationReads: Send + Sync {
    /// By id.
    async fn conversation(&self, id: ConversationId) -> Result<Option<Conversation>, StoreError>;
    /// The thread of a number with a contact.
    async fn find_conversation(&self, number: NumberId, contact: &E164) -> Result<Option<Conversation>, StoreError>;
    /// Last message first.
    async fn list_conversations(&self, filter: &ConversationFilter, page: &Page) -> Result<Paged<Conversation>, StoreError>;
}
