use async_trait::async_trait;
use serde_json::{Value, json};

use crate::{
    kernel::{
        clock::Timestamp,
        decide::Moment,
        entropy::Entropy,
        event::{Event, EventKind},
        id::{ConversationId, NumberId, OrgId},
        page::{Page, Paged},
        record::{Column, Field as _, Fields, Reader, Writer, fields, record},
        store::StoreError,
    },
    number::{E164, Number},
};

use super::{Direction, Message};

record! {
    /// The one thread between one of the organization's numbers and one contact. Never deleted; a
    /// text reopens it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Conversation in "conversation" {
        /// Whose.
        key pub org: OrgId => "org_id",
        /// Which.
        key pub id: ConversationId => "id",
        /// On which number.
        fixed pub number: NumberId => "number_id",
        /// That number.
        fixed pub number_e164: E164 => "number_e164",
        /// With whom.
        fixed pub contact: E164 => "contact",
        /// Open or closed.
        group status: ConversationStatus => ..,
        /// Hidden from the inbox until then; a text ends it.
        column snoozed_until: Option<Timestamp> => "snoozed_until",
        /// Which person has it; the agent keeps silent then.
        column assignee: Option<String> => "assignee",
        /// The agent keeps silent.
        column ai_paused: bool => "ai_paused",
        /// Why a person should look.
        group attention: Option<Attention> => ..,
        /// Texts that came in since somebody last read.
        column unread_count: i64 => "unread_count",
        /// The last outcome that an agent reported.
        json_or_null outcome: Option<Value> => "outcome",
        /// The number of the last message.
        column last_seq: i64 => "last_seq",
        /// The number of the last text that came in.
        column last_inbound_seq: i64 => "last_inbound_seq",
        /// Up to where texts are answered, or not for the agent to answer.
        column answered_seq: i64 => "answered_seq",
        /// The number of the last event.
        column event_seq: i64 => "event_seq",
        /// When the last message was stored.
        column last_message_at: Timestamp => "last_message_at",
        /// When it began.
        fixed pub created_at: Timestamp => "created_at",
        /// Store version.
        version pub version: i64 => "version",
    }
    unique { ["org_id", "contact", "number_id"] }
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

fields! {
    ConversationStatus by "status" {
        "open" => Open,
        "closed" => Closed { at: closed_at },
    } in {
        closed_at: Timestamp,
    }
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

impl Fields for Option<Attention> {
    const COLUMNS: &'static [Column] = &[
        Column::of::<Option<String>>("attention_reason"),
        Column::of::<Option<String>>("attention_note"),
    ];

    fn write(&self, row: &mut Writer) {
        let (reason, note) = self
            .clone()
            .map(|Attention { reason, note }| (reason, note))
            .unzip();
        row.put(&reason);
        row.put(&note);
    }

    fn read(row: &mut Reader) -> Result<Self, StoreError> {
        let reason: Option<String> = row.take()?;
        Ok(reason
            .zip(row.take()?)
            .map(|(reason, note)| Attention { reason, note }))
    }

    fn sample(entropy: &dyn Entropy) -> Self {
        Option::<String>::sample(entropy).map(|reason| Attention {
            reason,
            note: String::sample(entropy),
        })
    }
}

/// The reason of [`Attention`] when the agent itself handed over.
pub(crate) const BY_AGENT: &str = "agent";

impl Conversation {
    /// A new thread without messages.
    pub fn start(number: &Number, contact: E164, moment: Moment<'_>) -> Self {
        Self {
            org: number.org,
            id: ConversationId::new(moment.now, moment.entropy),
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
            last_message_at: moment.now,
            created_at: moment.now,
            version: 0,
        }
    }

    /// Open or closed.
    pub fn status(&self) -> ConversationStatus {
        self.status
    }

    /// Whether texts can be sent in it as it is.
    pub fn is_open(&self) -> bool {
        self.status == ConversationStatus::Open
    }

    /// Hidden from the inbox until then.
    pub fn snoozed_until(&self) -> Option<Timestamp> {
        self.snoozed_until
    }

    /// Which person has it.
    pub fn assignee(&self) -> Option<&str> {
        self.assignee.as_deref()
    }

    /// Whether the agent was taken off.
    pub fn ai_paused(&self) -> bool {
        self.ai_paused
    }

    /// Why a person should look.
    pub fn attention(&self) -> Option<&Attention> {
        self.attention.as_ref()
    }

    /// Texts that came in since somebody last read.
    pub fn unread_count(&self) -> i64 {
        self.unread_count
    }

    /// The last outcome that an agent reported.
    pub fn outcome(&self) -> Option<&Value> {
        self.outcome.as_ref()
    }

    /// The number of the last message.
    pub fn last_seq(&self) -> i64 {
        self.last_seq
    }

    /// The number of the last text that came in.
    pub fn last_inbound_seq(&self) -> i64 {
        self.last_inbound_seq
    }

    /// Up to where texts are answered, or not for the agent to answer.
    pub fn answered_seq(&self) -> i64 {
        self.answered_seq
    }

    /// The number of the last event.
    pub fn event_seq(&self) -> i64 {
        self.event_seq
    }

    /// When the last message was stored.
    pub fn last_message_at(&self) -> Timestamp {
        self.last_message_at
    }

    /// Takes the next message in; answers its number. A text from the contact reopens, wakes and
    /// counts as unread.
    pub fn take(&mut self, direction: Direction, moment: Moment<'_>) -> i64 {
        self.last_seq += 1;
        self.last_message_at = moment.now;
        if direction == Direction::Inbound {
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
        self.assignee.is_none()
            && self
                .attention
                .as_ref()
                .is_some_and(|attention| attention.reason == BY_AGENT)
    }

    /// Whether texts wait for the agent.
    pub fn waits_for_ai(&self) -> bool {
        self.last_inbound_seq > self.answered_seq
    }

    /// Texts up to `seq` are answered, or not for the agent to answer.
    pub fn answer(&mut self, seq: i64) {
        self.answered_seq = self.answered_seq.max(seq);
    }

    /// Takes the agent off; what came in so far is a person's to answer.
    pub fn pause_ai(&mut self) {
        self.ai_paused = true;
        self.answered_seq = self.last_inbound_seq;
    }

    /// A person takes the agent off.
    pub fn take_over(&mut self) {
        self.pause_ai();
        self.attention = None;
    }

    /// The agent may speak again.
    pub fn resume_ai(&mut self) {
        self.ai_paused = false;
        self.attention = None;
    }

    /// Somebody read it.
    pub fn mark_read(&mut self) {
        self.unread_count = 0;
    }

    /// Hides it from the inbox, or shows it.
    pub fn snooze(&mut self, until: Option<Timestamp>) {
        self.snoozed_until = until;
    }

    /// Gives the conversation to people: the agent is paused and somebody should look.
    pub fn hand_over(&mut self, reason: &str, note: &str, moment: Moment<'_>) -> Event {
        self.pause_ai();
        self.attention = Some(Attention {
            reason: reason.into(),
            note: note.into(),
        });
        let mut data = json!({ "conversation": self.to_json() });
        data["reason"] = reason.into();
        data["note"] = note.into();
        self.event_with(EventKind::ConversationAssigned, data, moment)
    }

    /// Gives the conversation to one person, or to nobody. An event when it is somebody new.
    pub fn assign(&mut self, assignee: Option<String>, moment: Moment<'_>) -> Option<Event> {
        if self.assignee == assignee {
            return None;
        }
        self.assignee = assignee;
        self.assignee.as_ref()?;
        self.attention = None;
        self.answered_seq = self.last_inbound_seq;
        Some(self.event(EventKind::ConversationAssigned, None, moment))
    }

    /// Closes; an event when it was open. Deletes nothing.
    pub fn close(&mut self, moment: Moment<'_>) -> Option<Event> {
        if !self.is_open() {
            return None;
        }
        self.status = ConversationStatus::Closed { at: moment.now };
        self.attention = None;
        Some(self.event(EventKind::ConversationClosed, None, moment))
    }

    /// Opens again and clears the snooze; an event when it was closed.
    pub fn reopen(&mut self, moment: Moment<'_>) -> Option<Event> {
        self.snoozed_until = None;
        if self.is_open() {
            return None;
        }
        self.status = ConversationStatus::Open;
        Some(self.event(EventKind::ConversationReopened, None, moment))
    }

    /// Keeps what an agent reported.
    pub fn report(&mut self, outcome: Value, moment: Moment<'_>) -> Event {
        self.outcome = Some(outcome.clone());
        let data = json!({ "conversation": self.to_json(), "outcome": outcome });
        self.event_with(EventKind::OutcomeCaptured, data, moment)
    }

    /// The next event of this conversation, about itself and perhaps a message.
    pub fn event(
        &mut self,
        kind: EventKind,
        message: Option<&Message>,
        moment: Moment<'_>,
    ) -> Event {
        let mut data = json!({ "conversation": self.to_json() });
        if let Some(message) = message {
            data["message"] = message.to_json();
        }
        self.event_with(kind, data, moment)
    }

    /// The next event of this conversation, with its own data.
    pub fn event_with(&mut self, kind: EventKind, data: Value, moment: Moment<'_>) -> Event {
        self.event_seq += 1;
        let mut event = Event::new(self.org, kind, data, moment.now, moment.entropy);
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
    async fn find_conversation(
        &self,
        number: NumberId,
        contact: &E164,
    ) -> Result<Option<Conversation>, StoreError>;
    /// Last message first.
    async fn list_conversations(
        &self,
        filter: &ConversationFilter,
        page: &Page,
    ) -> Result<Paged<Conversation>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kernel::record::Record as _,
        sms::fixture::{conversation, later, moment},
    };

    #[test]
    fn a_text_reopens_wakes_and_counts() {
        let mut conversation = conversation(1);
        conversation.close(moment());
        conversation.snooze(Some(later(60).now));
        assert_eq!(conversation.take(Direction::Outbound, later(1)), 2);
        assert!(
            !conversation.is_open() && conversation.snoozed_until().is_some(),
            "only a text from the contact does"
        );
        assert_eq!(conversation.take(Direction::Inbound, later(2)), 3);
        assert!(conversation.is_open() && conversation.snoozed_until().is_none());
        assert_eq!(
            (
                conversation.unread_count(),
                conversation.last_inbound_seq(),
                conversation.last_seq()
            ),
            (2, 3, 3)
        );
        assert_eq!(conversation.last_message_at(), later(2).now);
    }

    #[test]
    fn whoever_takes_over_answers_what_came_in() {
        let (mut paused, mut assigned, mut answered) =
            (conversation(2), conversation(2), conversation(2));
        paused.pause_ai();
        assigned.assign(Some("kim".into()), moment());
        answered.answer(2);
        for conversation in [&paused, &assigned, &answered] {
            assert!(!conversation.waits_for_ai());
        }
        assert_eq!(
            (
                paused.ai_may_speak(),
                assigned.ai_may_speak(),
                answered.ai_may_speak()
            ),
            (false, false, true)
        );
        answered.answer(1);
        assert_eq!(answered.answered_seq(), 2, "it never goes back");
    }

    #[test]
    fn nothing_new_is_no_event() {
        let mut conversation = conversation(0);
        assert!(
            conversation.reopen(moment()).is_none()
                && conversation.assign(None, moment()).is_none()
        );
        assert!(conversation.close(moment()).is_some() && conversation.close(later(1)).is_none());
        assert_eq!(
            conversation.status(),
            ConversationStatus::Closed { at: moment().now }
        );
        assert!(conversation.assign(Some("kim".into()), moment()).is_some());
        assert!(
            conversation.assign(None, moment()).is_none(),
            "nobody is told that nobody has it"
        );
        assert_eq!(conversation.event_seq(), 2);
    }

    #[test]
    fn every_part_is_stored() {
        let mut closed = conversation(1);
        closed.close(moment());
        let mut handed_over = conversation(2);
        handed_over.hand_over(BY_AGENT, "Wants a person.", moment());
        handed_over.report(json!({ "outcome": "confirmed" }), moment());
        handed_over.snooze(Some(later(60).now));
        let mut assigned = conversation(0);
        assigned.assign(Some("kim".into()), moment());
        for conversation in [closed, handed_over, assigned] {
            assert_eq!(
                Conversation::from_row(conversation.to_row()).expect("a conversation"),
                conversation
            );
        }
    }
}
