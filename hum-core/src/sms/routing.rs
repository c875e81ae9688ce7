//! What requests of the carrier name, before an organization is known.

use std::time::Duration;

use async_trait::async_trait;

use crate::{
    consent::Consent,
    kernel::store::StoreError,
    number::{E164, Number},
    organization::{CarrierAccount, KeywordReplies},
};

use super::{Conversation, SendAttempt};

/// Everything that deciding about one inbound text needs.
#[derive(Debug, Clone)]
pub struct InboundState {
    /// The number that was texted.
    pub number: Number,
    /// Who confirms keywords.
    pub keyword_replies: KeywordReplies,
    /// The organization's own carrier account, if it has one.
    pub account: Option<CarrierAccount>,
    /// How long the number's text agent waits for more; `None` when the number has no agent that
    /// exists, or texting is off.
    pub debounce: Option<Duration>,
    /// The thread, if there is one.
    pub conversation: Option<Conversation>,
    /// What is known of the contact's consent.
    pub consent: Option<Consent>,
    /// The text is stored already.
    pub seen: bool,
}

/// What requests of the carrier name, before an organization is known.
#[async_trait]
pub trait SmsRouting: Send + Sync {
    /// The attempt whose callback URL bears this token.
    async fn find_attempt(&self, token: &str) -> Result<Option<SendAttempt>, StoreError>;
    /// Everything that deciding about one inbound text needs, in one round trip:
    /// `None` when no organization has the number `to` on this carrier account.
    async fn load_inbound(
        &self,
        account_sid: &str,
        to: &E164,
        from: &E164,
        message_sid: &str,
    ) -> Result<Option<InboundState>, StoreError>;
}
