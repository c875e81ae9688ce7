//! Texts: conversations, messages, and how they come in and go out.

mod attempt;
mod carrier_facts;
mod conversation;
mod conversations;
#[cfg(test)]
mod fixture;
mod gate;
mod message;
mod messages;
mod outcome;
mod outgoing;
mod receive;
mod resolve;
mod routing;
mod send;
mod service;
mod status_callback;
mod template;
mod turn;

use crate::kernel::record::RecordType;

pub use attempt::{AttemptState, ResolvedBy, SendAttempt};
pub use carrier_facts::CarrierFacts;
pub(crate) use conversation::BY_AGENT;
pub use conversation::{
    Attention, Conversation, ConversationFilter, ConversationReads, ConversationStatus,
};
pub use conversations::{ConversationPatch, NewConversation, NewMessage, Sent};
pub use message::{Direction, Message, MessageFilter, MessageReads, MessageStatus, Source};
pub use outgoing::{OutgoingReads, OutgoingState};
pub use receive::Received;
pub use resolve::RESOLVE;
pub use routing::{InboundState, SmsRouting};
pub use send::SEND;
pub(crate) use send::send_job;
pub(crate) use service::Parts;
pub use service::{Sms, SmsReads};
pub use template::{Template, TemplateDraft, TemplatePatch, TemplateUse};
pub use turn::{AI_TURN, ToolCallLog, Turn, TurnReads, TurnState};

/// What is stored here.
pub(crate) const RECORDS: &[RecordType] = &[
    RecordType::of::<Conversation>(),
    RecordType::of::<Message>(),
    RecordType::of::<SendAttempt>(),
    RecordType::of::<Turn>(),
    RecordType::of::<Template>(),
];

impl Sms {
    /// The kinds of jobs, one line each.
    pub(crate) fn jobs(&self) -> Vec<std::sync::Arc<dyn crate::kernel::job::Job>> {
        use std::sync::Arc;
        vec![
            Arc::new(send::SendSms(self.clone())),
            Arc::new(resolve::ResolveSms(self.clone())),
        ]
    }
}
