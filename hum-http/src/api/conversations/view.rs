use hum_core::sms::{Conversation, ConversationStatus, Sent};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    api::messages::MessageView,
    view::{Phone, Ref, Time},
};

/// The one thread between a number and a contact.
#[derive(Serialize, ToSchema)]
pub(super) struct ConversationView {
    id: Ref,
    /// On which number.
    twilio_number_id: Ref,
    number_e164: Phone,
    contact_e164: Phone,
    /// `open` or `closed`.
    status: &'static str,
    closed_at: Option<Time>,
    /// Hidden from the inbox until then; a text ends it.
    snoozed_until: Option<Time>,
    /// Which person has it; the agent keeps silent then.
    assignee: Option<String>,
    /// Whether the agent keeps silent.
    ai_paused: bool,
    /// Why a person should look.
    attention: Option<AttentionView>,
    /// Texts that came in since somebody last read.
    unread_count: i64,
    /// The last outcome that an agent reported.
    #[schema(value_type = Option<Object>)]
    outcome: Option<Value>,
    /// How many messages there are.
    message_count: i64,
    last_message_at: Time,
    created_at: Time,
}

/// Why a person should look.
#[derive(Serialize, ToSchema)]
struct AttentionView {
    /// `agent`, `turn_limit` or `model_failed`.
    reason: String,
    note: String,
}

/// A conversation, and the message that was put into it.
#[derive(Serialize, ToSchema)]
pub(super) struct StartedView {
    #[serde(flatten)]
    conversation: ConversationView,
    /// The first text, if there was one.
    initial_message: Option<MessageView>,
}

impl From<&Conversation> for ConversationView {
    fn from(conversation: &Conversation) -> Self {
        Self {
            id: Ref::to(conversation.id),
            twilio_number_id: Ref::to(conversation.number),
            number_e164: Phone(conversation.number_e164.clone()),
            contact_e164: Phone(conversation.contact.clone()),
            status: conversation.status().as_str(),
            closed_at: match conversation.status() {
                ConversationStatus::Open => None,
                ConversationStatus::Closed { at } => Some(Time(at)),
            },
            snoozed_until: conversation.snoozed_until().map(Time),
            assignee: conversation.assignee().map(str::to_owned),
            ai_paused: conversation.ai_paused(),
            attention: conversation.attention().map(|attention| AttentionView {
                reason: attention.reason.clone(),
                note: attention.note.clone(),
            }),
            unread_count: conversation.unread_count(),
            outcome: conversation.outcome().cloned(),
            message_count: conversation.last_seq(),
            last_message_at: Time(conversation.last_message_at()),
            created_at: Time(conversation.created_at),
        }
    }
}

impl From<&Sent> for StartedView {
    fn from(sent: &Sent) -> Self {
        Self {
            conversation: (&sent.conversation).into(),
            initial_message: sent.message.as_ref().map(Into::into),
        }
    }
}
