use std::{sync::Arc, time::Duration};

use crate::{
    consent::ConsentReads,
    kernel::{Kernel, Reads, error::Error, id::MessageId, store::StoreError},
    number::NumberReads,
    organization::Organizations,
    telephony::{CarrierCredentials, CarrierWebhooks, Texting},
};

use super::{
    Conversation, ConversationReads, Message, MessageReads, OutgoingReads, SmsRouting, TurnReads,
};

/// Conversations and texts: what comes in, what goes out, what people do with them.
#[derive(Clone)]
pub struct Sms {
    pub(super) kernel: Kernel,
    pub(super) reads: Reads<dyn SmsReads>,
    pub(super) routing: Arc<dyn SmsRouting>,
    pub(super) organizations: Organizations,
    pub(super) webhooks: Arc<dyn CarrierWebhooks>,
    pub(super) texting: Arc<dyn Texting>,
    /// The origin that the carrier sees, without a trailing slash.
    pub(super) public_url: Arc<str>,
    /// How long a request to the carrier may take.
    pub(super) carrier_timeout: Duration,
}

/// What texts are decided by.
pub trait SmsReads:
    ConversationReads + MessageReads + OutgoingReads + TurnReads + ConsentReads + NumberReads
{
}
impl<T: ConversationReads + MessageReads + OutgoingReads + TurnReads + ConsentReads + NumberReads>
    SmsReads for T
{
}

/// What [`Sms`] is made of besides the kernel.
pub(crate) struct Parts {
    pub reads: Reads<dyn SmsReads>,
    pub routing: Arc<dyn SmsRouting>,
    pub organizations: Organizations,
    pub webhooks: Arc<dyn CarrierWebhooks>,
    pub texting: Arc<dyn Texting>,
    pub public_url: String,
    pub carrier_timeout: Duration,
}

impl Sms {
    pub(crate) fn new(kernel: Kernel, parts: Parts) -> Self {
        let Parts {
            reads,
            routing,
            organizations,
            webhooks,
            texting,
            public_url,
            carrier_timeout,
        } = parts;
        let public_url = public_url.into();
        Self {
            kernel,
            reads,
            routing,
            organizations,
            webhooks,
            texting,
            public_url,
            carrier_timeout,
        }
    }

    /// The credentials that a conversation's number is used with.
    pub(super) async fn account_of(
        &self,
        conversation: &Conversation,
    ) -> Result<Option<CarrierCredentials>, Error> {
        let Some(number) = self
            .reads
            .of(conversation.org)
            .number(conversation.number)
            .await?
        else {
            return Ok(None);
        };
        self.organizations
            .account_of(conversation.org, &number.carrier_account)
            .await
    }
}

/// A message and its conversation.
pub(super) async fn load_message(
    reads: &dyn SmsReads,
    id: MessageId,
) -> Result<Option<(Message, Conversation)>, Error> {
    let Some(message) = reads.message(id).await? else {
        return Ok(None);
    };
    let conversation = reads.conversation(message.conversation).await?;
    Ok(Some((
        message,
        conversation.ok_or_else(|| inconsistent("a message without its conversation"))?,
    )))
}

pub(super) fn inconsistent(detail: &str) -> Error {
    Error::Store(StoreError::Corrupt {
        table: "message",
        column: "conversation_id",
        detail: detail.into(),
    })
}
