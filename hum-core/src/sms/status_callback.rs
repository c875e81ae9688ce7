//! The carrier says what became of a text.

use crate::{
    kernel::{
        actor::Actor,
        batch::Batch,
        decide::{Decision, Moment},
        error::Error,
    },
    telephony::{CarrierForm, StatusCallback},
};

use super::{Conversation, Message, Received, ResolvedBy, SendAttempt, Sms, outcome::learn};

impl Sms {
    /// Takes a status callback. The token in its URL binds it to one attempt, also before the
    /// carrier answered the request. Repetition and order do not matter.
    ///
    /// # Errors
    /// `Store`: the carrier should deliver it again.
    pub async fn receive_status(&self, token: &str, form: &CarrierForm) -> Result<Received, Error> {
        let Some(claimed) = self.webhooks.claimed_account(form) else {
            return Ok(Received::Refused);
        };
        let load = || self.called(token);
        let Some(called) = load().await? else {
            return Ok(Received::Refused);
        };
        let org = called.attempt.org;
        let account = self
            .account_of(&called.conversation)
            .await?
            .filter(|account| account.account_sid == claimed);
        let genuine = account.is_some_and(|account| self.webhooks.verify(&account, form).is_ok());
        if !genuine {
            return Ok(Received::Refused);
        }
        let news = match self.webhooks.status(form) {
            Ok(news) => news,
            Err(malformed) => return Ok(Received::Malformed(malformed)),
        };
        let decide = |called: Option<Called>, moment: Moment<'_>| match called {
            Some(called) => Ok(receive_status(called, &news, moment)),
            None => Ok(Decision::new(Batch::for_org(org), Received::Refused)),
        };
        self.kernel
            .of(org, Actor::System)
            .decide_from(Some(called), load, decide)
            .await
    }

    /// `None` when no attempt bears this token.
    async fn called(&self, token: &str) -> Result<Option<Called>, Error> {
        let Some(attempt) = self.routing.find_attempt(token).await? else {
            return Ok(None);
        };
        let reads = self.reads.of(attempt.org);
        let Some(message) = reads.message(attempt.message).await? else {
            return Ok(None);
        };
        let conversation = reads.conversation(message.conversation).await?;
        Ok(conversation.map(|conversation| Called {
            message,
            conversation,
            attempt,
        }))
    }
}

/// What a callback is about.
struct Called {
    message: Message,
    conversation: Conversation,
    attempt: SendAttempt,
}

fn receive_status(called: Called, news: &StatusCallback, moment: Moment<'_>) -> Decision<Received> {
    let Called {
        message,
        mut conversation,
        attempt,
    } = called;
    let mut batch = Batch::for_org(message.org);
    if attempt.sid().is_some_and(|sid| sid != news.sid) {
        // The carrier took one request twice. The first one is the text; this one is only reported.
        tracing::error!(message = %message.id, "the carrier reports a second text for one request");
        return Decision::new(batch, Received::Taken);
    }
    if let Some(confirmed) = attempt.confirm(&news.sid, ResolvedBy::Callback) {
        batch.put(&confirmed);
    }
    let before = (message.carrier().clone(), message.status());
    let message = learn(message, &mut conversation, news, &mut batch, moment);
    let is_new = (message.carrier(), message.status()) != (&before.0, before.1);
    if is_new || !batch.writes.is_empty() {
        batch.put(&message);
        batch.put(&conversation);
    }
    Decision::new(batch, Received::Taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kernel::event::EventKind,
        sms::{
            MessageStatus, Source,
            fixture::{conversation, events, moment, news, org, text},
        },
        telephony::CarrierStatus,
    };

    /// A text that is being handed to the carrier.
    fn under_way() -> (Message, SendAttempt) {
        let message = text(Source::Api).dispatch(moment().now);
        let attempt = SendAttempt::begin(org(), message.id, moment());
        (message, attempt)
    }

    fn told((message, attempt): (Message, SendAttempt), news: &StatusCallback) -> Batch {
        receive_status(
            Called {
                message,
                conversation: conversation(1),
                attempt,
            },
            news,
            moment(),
        )
        .batch
    }

    fn stored(batch: &Batch) -> (Message, Option<SendAttempt>) {
        let [message] = &batch.changed::<Message>()[..] else {
            panic!("one message")
        };
        (message.clone(), batch.changed().pop())
    }

    #[test]
    fn a_callback_proves_that_the_carrier_has_it_in_every_state() {
        let (message, attempt) = under_way();
        let in_doubt = attempt
            .clone()
            .fall_in_doubt(moment().now)
            .expect("it was under way");
        let refused = attempt
            .clone()
            .not_sent("busy".into())
            .expect("nothing was proved");
        for (message, attempt) in [
            (message.clone(), attempt),
            (
                message.clone().fall_in_doubt("timed out", moment().now),
                in_doubt.looked(true),
            ),
            (message.queue_again("busy".into(), moment().now), refused),
        ] {
            let batch = told((message, attempt), &news(CarrierStatus::Sent));
            let (message, attempt) = stored(&batch);
            assert_eq!(
                message.status(),
                MessageStatus::Carrier(CarrierStatus::Sent)
            );
            assert_eq!(attempt.as_ref().and_then(SendAttempt::sid), Some("SM1"));
            assert_eq!(events(&batch), [EventKind::SmsSent]);
        }
    }

    #[test]
    fn a_repetition_writes_nothing_and_each_outcome_is_told_once() {
        let (message, attempt) = stored(&told(under_way(), &news(CarrierStatus::Delivered)));
        let known = (message, attempt.expect("it was confirmed"));
        for status in [CarrierStatus::Delivered, CarrierStatus::Sent] {
            assert!(
                told(known.clone(), &news(status)).writes.is_empty(),
                "{status:?}"
            );
        }
        let failed = told(known, &news(CarrierStatus::Undelivered));
        assert_eq!(events(&failed), [EventKind::SmsFailed]);
        let (message, attempt) = stored(&failed);
        assert_eq!(
            (message.status(), attempt),
            (MessageStatus::Carrier(CarrierStatus::Delivered), None)
        );
        assert!(message.carrier().conflict());
    }

    #[test]
    fn a_second_text_for_one_request_changes_nothing() {
        let (message, attempt) = under_way();
        let attempt = attempt
            .confirm("SM0", ResolvedBy::Answer)
            .expect("it was not");
        assert!(
            told((message, attempt), &news(CarrierStatus::Failed))
                .writes
                .is_empty()
        );
    }
}
