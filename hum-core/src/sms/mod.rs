//! Texts: conversations, messages, and how they come in and go out.

mod attempt;
mod carrier_status;
mod conversation;
mod conversations;
mod message;
mod messages;
mod receive;
mod resolve;
mod send;
mod status_callback;
mod telephony;

pub use attempt::{AttemptState, ResolvedBy, SendAttempt};
pub use carrier_status::CarrierStatus;
pub(crate) use conversation::BY_AGENT;
pub use conversation::{Attention, Conversation, ConversationFilter, ConversationReads, ConversationStatus};
pub use conversations::{ConversationPatch, NewConversation, NewMessage, Sent};
pub use message::{CarrierFacts, Direction, Message, MessageFilter, MessageReads, MessageStatus, Source};
pub use receive::{InboundState, Received};
pub use telephony::{
    Accepted, CarrierForm, CarrierMessage, InboundSms, ListQuery, OutboundSms, RefusedForm, SendError, StatusCallback, Telephony,
    TelephonyError,
};
