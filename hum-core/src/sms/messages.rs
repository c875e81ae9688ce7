//! What people do with single messages: cancel one that waits, repeat one that is in doubt or failed.

use crate::{
    access::Caller,
    app::Hum,
    consent::Consent,
    kernel::{
        audit::AuditRow,
        batch::Batch,
        error::{Error, Tries},
        id::MessageId,
        idempotency::{Answer, Remember},
        job::NewJob,
    },
};

use super::{ConversationStatus, Direction, Message, MessageStatus};

impl Hum {
    /// Cancels a message that waits. When this returns it will never be handed to the carrier.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it is too late.
    pub async fn cancel_message(
        &self,
        caller: &Caller,
        id: MessageId,
        remember: Remember<Message>,
    ) -> Result<Answer<Message>, Error> {
        let mut tries = Tries::new();
        loop {
            let now = self.clock.now();
            let reads = self.reads(caller.org);
            if let Some(replayed) = remember.replay(&*reads, &*self.cipher, now).await? {
                return Ok(replayed);
            }
            let mut message = reads.message(id).await?.ok_or(Error::NotFound("message"))?;
            match message.status {
                MessageStatus::Withheld => return Ok(Answer::Fresh(message)),
                MessageStatus::Queued => {}
                other => {
                    return Err(Error::Conflict(format!("the message is {}; only a queued one can be canceled", other.as_str())));
                }
            }
            message.status = MessageStatus::Withheld;
            message.detail = Some("canceled".into());
            message.updated_at = now;
            let mut batch = Batch::for_org(caller.org);
            batch.put(message.clone());
            batch.insert(AuditRow::by(caller, "message.cancel", id, now, &*self.entropy));
            remember.record(&mut batch, &message, &*self.cipher, now);
            match self.commit(batch).await {
                Ok(_) => return Ok(Answer::Fresh(message)),
                Err(error) => tries.again(error)?,
            }
        }
    }

    /// Sends a message again, by somebody's decision: a new message that names the one it follows.
    /// The contact may get the text twice when the first one was in doubt.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when the message is neither in doubt nor failed, or the conversation is closed.
    pub async fn resend_message(
        &self,
        caller: &Caller,
        id: MessageId,
        remember: Remember<Message>,
    ) -> Result<Answer<Message>, Error> {
        let mut tries = Tries::new();
        loop {
            let now = self.clock.now();
            let reads = self.reads(caller.org);
            if let Some(replayed) = remember.replay(&*reads, &*self.cipher, now).await? {
                return Ok(replayed);
            }
            let first = reads.message(id).await?.ok_or(Error::NotFound("message"))?;
            let may = first.status == MessageStatus::InDoubt
                || matches!(first.status, MessageStatus::Carrier(status) if status.is_failure());
            if !may || first.direction != Direction::Outbound {
                let status = first.status.as_str();
                return Err(Error::Conflict(format!(
                    "the message is {status}; only one that is in doubt or failed can be sent again"
                )));
            }
            let mut conversation = reads.conversation(first.conversation).await?.ok_or(Error::NotFound("conversation"))?;
            if conversation.status != ConversationStatus::Open {
                return Err(Error::Conflict("the conversation is closed; open it first".into()));
            }
            let consent = reads.consent(&conversation.contact).await?;
            let seq = conversation.take(Direction::Outbound, now);
            let mut message =
                Message::outbound(&conversation, seq, super::Source::Human, first.body.clone(), now, &*self.entropy);
            message.media.clone_from(&first.media);
            message.resend_of = Some(first.id);
            let mut batch = Batch::for_org(caller.org);
            if consent.as_ref().is_some_and(Consent::is_opted_out) {
                message.status = MessageStatus::OptedOut;
            } else {
                batch.enqueue(NewJob::send(message.id, caller.org, now, &*self.entropy));
            }
            batch.put(conversation);
            batch.insert(message.clone());
            batch.insert(AuditRow::by(caller, "message.resend", id, now, &*self.entropy));
            remember.record(&mut batch, &message, &*self.cipher, now);
            match self.commit(batch).await {
                Ok(_) => return Ok(Answer::Fresh(message)),
                Err(error) => tries.again(error)?,
            }
        }
    }
}
