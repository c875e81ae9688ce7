//! A text goes out: the last gate, `dispatching`, one POST, the outcome. `docs/sending.md` explains
//! the protocol.

use std::time::Duration;

use async_trait::async_trait;

use crate::{
    consent::Consent,
    kernel::{
        batch::{Batch, Finished},
        decide::{Moment, Verdict},
        error::Error,
        id::{MessageId, OrgId},
        job::{Claimed, Job, JobKind, LEASE, Lane, NewJob},
    },
    telephony::{Accepted, CarrierCredentials, OutboundSms, SendError},
};

use super::{
    Conversation, Message, MessageStatus, OutgoingState, SendAttempt, Sms, SmsReads, Source,
    gate::{Gate, Waiting},
    outcome::{Tried, record},
    service::inconsistent,
};

/// Hands a text to the carrier. Key: message.
pub const SEND: JobKind = JobKind::new("sms.send");

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Send this message.
pub(crate) fn send_job(message: MessageId, org: OrgId, moment: Moment<'_>) -> NewJob {
    NewJob::new(SEND, org, message, moment.now, moment)
}

/// Stores a new text: queued, with the job that sends it, or `opted_out` at once.
pub(super) fn queue(
    message: Message,
    consent: Option<&Consent>,
    batch: &mut Batch,
    moment: Moment<'_>,
) -> Message {
    let message = if consent.is_some_and(Consent::is_opted_out) {
        message.opt_out(moment.now)
    } else {
        batch.enqueue(send_job(message.id, message.org, moment));
        message
    };
    batch.insert(&message);
    message
}

pub(super) struct SendSms(pub Sms);

#[async_trait]
impl Job for SendSms {
    fn kind(&self) -> JobKind {
        SEND
    }

    fn lane(&self) -> Lane {
        Lane::Reply
    }

    async fn run(&self, job: &Claimed) -> Result<(), Error> {
        let Ok(id) = job.key.parse() else {
            return self.0.kernel.claimed(job).finish(Finished::Done).await;
        };
        let Some(dispatched) = self.dispatch(job, id).await? else {
            return Ok(());
        };
        // Whoever stood still for this long may not act on what the gate said: a definite "not
        // sent", and the gate again.
        let answer = if self.0.kernel.now().since(dispatched.attempt.started_at) >= LEASE {
            Err(SendError::NotSent(
                "the sender stood still before it could send".into(),
            ))
        } else {
            self.0
                .texting
                .send(&dispatched.account, &dispatched.sms)
                .await
        };
        self.record(job, &dispatched.attempt, &answer).await
    }
}

/// What a run finds.
enum Found {
    /// A text that waits.
    Waiting(Box<Waiting>),
    /// A text that was being handed to the carrier when its sender stopped.
    Stopped(Box<Tried>),
}

/// A text that this run, and no other, hands to the carrier.
struct Dispatched {
    attempt: SendAttempt,
    account: CarrierCredentials,
    sms: OutboundSms,
}

impl SendSms {
    /// Commits that this run hands the text to the carrier. `None` when there is nothing to send.
    async fn dispatch(&self, job: &Claimed, id: MessageId) -> Result<Option<Dispatched>, Error> {
        let reads = self.0.reads.of(job.org);
        let load = || self.found(&*reads, id);
        let callback_url = |token: &str| {
            self.0
                .texting
                .status_callback_url(&self.0.public_url, token)
        };
        let decide = |found: Found, moment: Moment<'_>| Ok(dispatch(found, &callback_url, moment));
        self.0.kernel.claimed(job).decide(load, decide).await
    }

    async fn found(&self, reads: &dyn SmsReads, id: MessageId) -> Result<Option<Found>, Error> {
        let Some(state) = reads.outgoing(id, self.0.kernel.now() - DAY).await? else {
            return Ok(None);
        };
        Ok(match state.message.status() {
            MessageStatus::Queued => Some(Found::Waiting(Box::new(self.waiting(state)?))),
            MessageStatus::Dispatching => state.tried().map(Box::new).map(Found::Stopped),
            _ => None,
        })
    }

    fn waiting(&self, state: OutgoingState) -> Result<Waiting, Error> {
        let account = match &state.number {
            Some(number) => self
                .0
                .organizations
                .credentials_of(&number.carrier_account, state.account.as_ref())?,
            None => None,
        };
        Ok(Waiting {
            message: state.message,
            conversation: state.conversation,
            consent: state.consent,
            turn: state.turn,
            ai_today: state.ai_messages,
            account,
        })
    }

    /// Writes down what the carrier answered. The claim may be lost by now; the answer still
    /// counts.
    async fn record(
        &self,
        job: &Claimed,
        attempt: &SendAttempt,
        answer: &Result<Accepted, SendError>,
    ) -> Result<(), Error> {
        let reads = self.0.reads.of(job.org);
        let load = || async {
            // It has left: what the agent has said before is not counted any more.
            let since = self.0.kernel.now();
            let Some(mut state) = reads.outgoing(attempt.message, since).await? else {
                return Ok(None);
            };
            let consent = state.consent.take();
            let tried = state.tried().filter(|last| last.attempt.id == attempt.id);
            let tried = tried.ok_or_else(|| inconsistent("the attempt is gone"))?;
            Ok(Some((tried, consent)))
        };
        let decide = |(tried, consent), moment: Moment<'_>| {
            Ok(record(tried, consent, answer, job.attempt, moment))
        };
        self.0
            .kernel
            .claimed(job)
            .even_if_lost()
            .decide(load, decide)
            .await?;
        Ok(())
    }
}

impl OutgoingState {
    fn tried(self) -> Option<Tried> {
        Some(Tried {
            message: self.message,
            conversation: self.conversation,
            attempt: self.last_attempt?,
        })
    }
}

fn dispatch(
    found: Found,
    callback_url: &dyn Fn(&str) -> String,
    moment: Moment<'_>,
) -> Verdict<Dispatched> {
    match found {
        Found::Waiting(waiting) => leave(*waiting, callback_url, moment),
        Found::Stopped(tried) => Verdict::done(
            tried.fall_in_doubt("the sender stopped before the carrier answered", moment),
        ),
    }
}

/// The text passes the last gate, or never leaves.
fn leave(
    waiting: Waiting,
    callback_url: &dyn Fn(&str) -> String,
    moment: Moment<'_>,
) -> Verdict<Dispatched> {
    let gate = waiting.gate(moment.now);
    let Waiting {
        message,
        conversation,
        consent,
        account,
        ..
    } = waiting;
    let (account, validity) = match (gate, account) {
        (Gate::Send { validity }, Some(account)) => (account, validity),
        (Gate::OptedOut, _) => return stay(&message.opt_out(moment.now)),
        (Gate::Withhold(why), _) => return stay(&message.withhold(why, moment.now)),
        (Gate::Send { .. }, None) => {
            return stay(&message.withhold("the number's carrier account is gone", moment.now));
        }
    };
    let mut batch = Batch::for_org(message.org);
    let attempt = SendAttempt::begin(message.org, message.id, moment);
    // Whoever opts out or takes over between this read and the commit wins.
    consent.iter().for_each(|consent| batch.guard(consent));
    if message.source == Source::Ai {
        batch.guard(&conversation);
    }
    let sms = outbound(
        &message,
        &conversation,
        callback_url(&attempt.token),
        validity,
    );
    batch.put(&message.dispatch(moment.now));
    batch.insert(&attempt);
    Verdict::proceed(
        batch,
        Dispatched {
            attempt,
            account,
            sms,
        },
    )
}

fn outbound(
    message: &Message,
    conversation: &Conversation,
    status_callback: String,
    validity: Duration,
) -> OutboundSms {
    OutboundSms {
        from: conversation.number_e164.clone(),
        to: conversation.contact.clone(),
        body: message.body.clone(),
        media: message.media.clone(),
        status_callback,
        validity,
    }
}

fn stay(message: &Message) -> Verdict<Dispatched> {
    let mut batch = Batch::for_org(message.org);
    batch.put(message);
    Verdict::done(batch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kernel::event::EventKind,
        sms::{
            AttemptState, RESOLVE,
            fixture::{
                contact, conversation, events, guards, jobs, later, moment, number, opted_out, org,
                text, waiting,
            },
        },
    };

    fn sent(waiting: Waiting) -> Verdict<Dispatched> {
        dispatch(
            Found::Waiting(Box::new(waiting)),
            &|token| format!("https://hum.example.com/{token}"),
            moment(),
        )
    }

    #[test]
    fn the_commit_before_the_call_rests_on_consent_and_for_an_agent_on_the_conversation() {
        for (source, guarded) in [
            (Source::Api, &["consent"][..]),
            (Source::Human, &["consent"]),
            (Source::Confirmation, &["consent"]),
            (Source::Ai, &["consent", "conversation"]),
        ] {
            let verdict = sent(waiting(source));
            assert!(verdict.end().is_none(), "the run goes on, under its claim");
            assert_eq!(guards(verdict.batch()), guarded, "{source:?}");
            let [message] = &verdict.batch().changed::<Message>()[..] else {
                panic!("one message")
            };
            assert_eq!(message.status(), MessageStatus::Dispatching);
            let [attempt] = &verdict.batch().inserted::<SendAttempt>()[..] else {
                panic!("one attempt")
            };
            assert_eq!(
                (attempt.message, attempt.state()),
                (message.id, &AttemptState::Dispatching)
            );
        }
        let unknown = sent(Waiting {
            consent: None,
            ..waiting(Source::Api)
        });
        assert!(guards(unknown.batch()).is_empty() && unknown.end().is_none());
    }

    #[test]
    fn what_may_not_leave_ends_the_job() {
        let mut taken = conversation(1);
        taken.pause_ai();
        let withheld = Some(MessageStatus::Withheld);
        for (waiting, status, detail) in [
            (
                Waiting {
                    consent: Some(opted_out()),
                    ..waiting(Source::Api)
                },
                Some(MessageStatus::OptedOut),
                None,
            ),
            (
                Waiting {
                    account: None,
                    ..waiting(Source::Api)
                },
                withheld,
                Some("the number's carrier account is gone"),
            ),
            (
                Waiting {
                    conversation: taken,
                    ..waiting(Source::Ai)
                },
                withheld,
                Some("a person took over first"),
            ),
        ] {
            let verdict = sent(waiting);
            assert_eq!(verdict.end(), Some(&Finished::Done));
            let [message] = &verdict.batch().changed::<Message>()[..] else {
                panic!("one message")
            };
            assert_eq!((Some(message.status()), message.detail()), (status, detail));
            assert_eq!(verdict.batch().writes.len(), 1);
        }
    }

    #[test]
    fn a_sender_that_stopped_leaves_doubt_and_no_second_try() {
        let message = text(Source::Api).dispatch(moment().now);
        let attempt = SendAttempt::begin(org(), message.id, moment());
        let tried = Tried {
            message,
            conversation: conversation(1),
            attempt,
        };
        let verdict = dispatch(
            Found::Stopped(Box::new(tried)),
            &|_| String::new(),
            later(40),
        );
        assert_eq!(verdict.end(), Some(&Finished::Done));
        assert_eq!(
            verdict.batch().changed::<Message>()[0].status(),
            MessageStatus::InDoubt
        );
        assert_eq!(events(verdict.batch()), [EventKind::SmsInDoubt]);
        assert_eq!(jobs(verdict.batch()), [(RESOLVE, later(100).now)]);
    }

    #[test]
    fn the_carrier_gets_the_text_from_the_number_to_the_contact() {
        let media = vec!["https://example.com/1.jpg".to_owned()];
        let text = text(Source::Api).with_media(media.clone());
        let sms = outbound(
            &text,
            &conversation(1),
            "https://hum.example.com/t".into(),
            DAY,
        );
        assert_eq!(
            (&sms.from, &sms.to, &*sms.body),
            (&number().e164, &contact(), "See you at ten.")
        );
        assert_eq!(
            (sms.media, &*sms.status_callback, sms.validity),
            (media, "https://hum.example.com/t", DAY)
        );
    }

    #[test]
    fn a_new_text_is_stored_with_its_job_unless_the_contact_opted_out() {
        for (consent, status, sends) in [
            (None, MessageStatus::Queued, true),
            (Some(opted_out()), MessageStatus::OptedOut, false),
        ] {
            let mut batch = Batch::for_org(org());
            let message = queue(text(Source::Api), consent.as_ref(), &mut batch, moment());
            assert_eq!(
                (
                    message.status(),
                    jobs(&batch).contains(&(SEND, moment().now))
                ),
                (status, sends)
            );
            assert_eq!(batch.inserted::<Message>().len(), 1);
        }
    }
}
