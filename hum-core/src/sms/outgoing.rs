//! A text that goes out, and everything that is looked at meanwhile.

use async_trait::async_trait;

use crate::{
    consent::Consent,
    kernel::{clock::Timestamp, id::MessageId, store::StoreError},
    number::Number,
    organization::CarrierAccount,
};

use super::{Conversation, Message, SendAttempt, Turn};

/// Everything that deciding about one outgoing text needs.
#[derive(Debug, Clone)]
pub struct OutgoingState {
    /// The text.
    pub message: Message,
    /// Its thread.
    pub conversation: Conversation,
    /// What is known of the contact's consent.
    pub consent: Option<Consent>,
    /// The turn that wrote it.
    pub turn: Option<Turn>,
    /// See [`super::MessageReads::last_attempt`].
    pub last_attempt: Option<SendAttempt>,
    /// See [`super::MessageReads::count_ai_messages`]; zero for a text that no agent wrote.
    pub ai_messages: i64,
    /// The number that it goes out from.
    pub number: Option<Number>,
    /// The organization's own carrier account, if it has one.
    pub account: Option<CarrierAccount>,
}

/// The read of a text that goes out.
#[async_trait]
pub trait OutgoingReads: Send + Sync {
    /// Everything that deciding about one outgoing text needs, in one round trip. The agent's texts
    /// are counted since `since`.
    async fn outgoing(
        &self,
        id: MessageId,
        since: Timestamp,
    ) -> Result<Option<OutgoingState>, StoreError>;
}
