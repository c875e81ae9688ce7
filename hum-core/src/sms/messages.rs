//! What people do with single messages: cancel one that waits, repeat one that is in doubt or
//! failed.

use crate::{
    access::Caller,
    consent::Consent,
    kernel::{
        batch::Batch,
        decide::{Decision, Moment},
        error::Error,
        id::MessageId,
        idempotency::{Answer, Remember},
    },
};

use super::{Conversation, Message, Sms, send::queue};

impl Sms {
    /// Cancels a message that waits. When this returns it will never be handed to the carrier.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it is too late.
    pub async fn cancel(
        &self,
        caller: &Caller,
        id: MessageId,
        remember: Remember<Message>,
    ) -> Result<Answer<Message>, Error> {
        let reads = self.reads.of(caller.org);
        let load = || async { reads.message(id).await?.ok_or(Error::NotFound("message")) };
        self.kernel
            .of(caller.org, caller.actor)
            .once(remember)
            .decide(load, cancel)
            .await
    }

    /// Sends a message again, by somebody's decision: a new message that names the one it follows.
    /// The contact may get the text twice when the first one was in doubt.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when the message is neither in doubt nor failed, or the conversation
    /// is closed.
    pub async fn resend(
        &self,
        caller: &Caller,
        id: MessageId,
        remember: Remember<Message>,
    ) -> Result<Answer<Message>, Error> {
        let reads = self.reads.of(caller.org);
        let load = || async {
            let first = reads.message(id).await?.ok_or(Error::NotFound("message"))?;
            let conversation = reads
                .conversation(first.conversation)
                .await?
                .ok_or(Error::NotFound("conversation"))?;
            let consent = reads.consent(&conversation.contact).await?;
            Ok(Resend {
                first,
                conversation,
                consent,
            })
        };
        self.kernel
            .of(caller.org, caller.actor)
            .once(remember)
            .decide(load, resend)
            .await
    }
}

fn cancel(message: Message, moment: Moment<'_>) -> Result<Decision<Message>, Error> {
    let mut batch = Batch::for_org(message.org);
    let id = message.id;
    match message.clone().cancel(moment.now)? {
        Some(canceled) => {
            batch.put(&canceled);
            Ok(Decision::new(batch, canceled).audited("message.cancel", id))
        }
        None => Ok(Decision::new(batch, message)),
    }
}

/// A message that is to be sent again.
struct Resend {
    first: Message,
    conversation: Conversation,
    consent: Option<Consent>,
}

fn resend(
    Resend {
        first,
        mut conversation,
        consent,
    }: Resend,
    moment: Moment<'_>,
) -> Result<Decision<Message>, Error> {
    let again = first.resend(&mut conversation, moment)?;
    if !conversation.is_open() {
        return Err(Error::Conflict(
            "the conversation is closed; open it first".into(),
        ));
    }
    let mut batch = Batch::for_org(first.org);
    let message = queue(again, consent.as_ref(), &mut batch, moment);
    batch.put(&conversation);
    Ok(Decision::new(batch, message).audited("message.resend", first.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sms::{
        MessageStatus, SEND, Source,
        fixture::{consent, conversation, jobs, moment, opted_out, text},
    };

    #[test]
    fn canceling_twice_writes_once() {
        let first = cancel(text(Source::Api), moment()).expect("in time");
        assert_eq!(
            (
                first.answer.status(),
                first.batch.changed::<Message>().len()
            ),
            (MessageStatus::Withheld, 1)
        );
        let second = cancel(first.answer, moment()).expect("it is canceled");
        assert!(
            second.batch.writes.is_empty() && second.answer.status() == MessageStatus::Withheld
        );
    }

    #[test]
    fn a_text_is_sent_again_as_a_new_one() {
        let first = text(Source::Ai).fall_in_doubt("timed out", moment().now);
        for (consent, status, sends) in [
            (consent(), MessageStatus::Queued, true),
            (opted_out(), MessageStatus::OptedOut, false),
        ] {
            let state = Resend {
                first: first.clone(),
                conversation: conversation(1),
                consent: Some(consent),
            };
            let decision = resend(state, moment()).expect("it is in doubt");
            let [again] = &decision.batch.inserted::<Message>()[..] else {
                panic!("one message")
            };
            assert_eq!(
                (again.seq, again.resend_of, again.status()),
                (2, Some(first.id), status)
            );
            assert_eq!(jobs(&decision.batch).contains(&(SEND, moment().now)), sends);
            assert!(
                decision.batch.changed::<Message>().is_empty(),
                "what is not known does not become known by it"
            );
        }
    }

    #[test]
    fn nothing_is_sent_again_into_a_closed_conversation() {
        let mut conversation = conversation(1);
        conversation.close(moment());
        let first = text(Source::Api).fall_in_doubt("timed out", moment().now);
        assert!(matches!(
            resend(
                Resend {
                    first,
                    conversation,
                    consent: None
                },
                moment()
            ),
            Err(Error::Conflict(_))
        ));
    }
}
