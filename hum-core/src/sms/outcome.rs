//! What came of handing a text to the carrier.

use std::time::Duration;

use crate::{
    consent::{Consent, ConsentSource},
    kernel::{
        batch::Batch,
        decide::{Moment, Verdict},
        event::EventKind,
    },
    telephony::{Accepted, SendError, StatusCallback},
    usage::Usage,
};

use super::{Conversation, Message, ResolvedBy, SendAttempt, resolve::resolve_job};

/// How often a text that was definitely not sent is tried.
const MAX_TRIES: i64 = 6;
/// A carrier that is busy is left alone for no longer than this.
const MAX_WAIT: Duration = Duration::from_secs(3600);

/// A text that was handed to the carrier, and the last try to.
pub(super) struct Tried {
    pub message: Message,
    pub conversation: Conversation,
    pub attempt: SendAttempt,
}

/// Writes down what the carrier answered in the `runs`-th run. `consent` is looked at when the
/// recipient opted out there.
pub(super) fn record(
    tried: Tried,
    consent: Option<Consent>,
    answer: &Result<Accepted, SendError>,
    runs: i64,
    moment: Moment<'_>,
) -> Verdict<()> {
    match answer {
        Ok(accepted) => Verdict::done(tried.accept(accepted, moment)),
        Err(SendError::Unknown(why)) => Verdict::done(tried.fall_in_doubt(why, moment)),
        Err(error) => tried.refuse(consent, error, runs, moment),
    }
}

impl Tried {
    fn accept(self, accepted: &Accepted, moment: Moment<'_>) -> Batch {
        let Self {
            message,
            mut conversation,
            attempt,
        } = self;
        let mut batch = Batch::for_org(message.org);
        if let Some(confirmed) = attempt.confirm(&accepted.sid, ResolvedBy::Answer) {
            batch.put(&confirmed);
        }
        let news = StatusCallback {
            sid: accepted.sid.clone(),
            status: accepted.status,
            error_code: None,
        };
        let billed = message.clone().bill(accepted.segments);
        Usage::SegmentsSent.count(&mut batch, newly_billed(&message, &billed), moment.now);
        let message = learn(billed, &mut conversation, &news, &mut batch, moment);
        batch.put(&message);
        batch.put(&conversation);
        batch
    }

    /// Definitely not sent: try again later, or fail.
    fn refuse(
        self,
        consent: Option<Consent>,
        error: &SendError,
        runs: i64,
        moment: Moment<'_>,
    ) -> Verdict<()> {
        let Self {
            message,
            mut conversation,
            attempt,
        } = self;
        let mut batch = Batch::for_org(message.org);
        let Some(not_sent) = attempt.not_sent(error.to_string()) else {
            // A callback proved that the carrier has it: it knows better than its own answer.
            batch.put(&message);
            batch.put(&conversation);
            return Verdict::done(batch);
        };
        batch.put(&not_sent);
        if let Some(wait) = wait(error, runs) {
            batch.put(&message.queue_again(error.to_string(), moment.now));
            batch.put(&conversation);
            return Verdict::again(batch, moment.now + wait, Some(error.to_string()));
        }
        let message = message.fail(error.to_string(), code(error), moment.now);
        batch.emit(conversation.event(EventKind::SmsFailed, Some(&message), moment));
        if matches!(error, SendError::OptedOut { .. }) {
            opt_out(consent, &mut conversation, &mut batch, moment);
        }
        batch.put(&message);
        batch.put(&conversation);
        Verdict::done(batch)
    }

    /// The carrier may have it: visible, and searched for, and never sent again by itself. Nothing
    /// when there is an outcome.
    pub fn fall_in_doubt(self, why: &str, moment: Moment<'_>) -> Batch {
        let Self {
            message,
            mut conversation,
            attempt,
        } = self;
        let mut batch = Batch::for_org(message.org);
        let Some(in_doubt) = attempt.fall_in_doubt(moment.now) else {
            return batch;
        };
        let message = message.fall_in_doubt(why, moment.now);
        batch.enqueue(resolve_job(message.id, message.org, moment));
        batch.emit(conversation.event(EventKind::SmsInDoubt, Some(&message), moment));
        batch.put(&in_doubt);
        batch.put(&message);
        batch.put(&conversation);
        batch
    }
}

/// How long to wait before the text is tried again; `None` when it is not.
fn wait(error: &SendError, runs: i64) -> Option<Duration> {
    let asked = match error {
        SendError::Rejected { .. } | SendError::OptedOut { .. } => return None,
        SendError::Busy { retry_after } => retry_after.unwrap_or_default(),
        SendError::NotSent(_) | SendError::Unknown(_) => Duration::ZERO,
    };
    (runs < MAX_TRIES).then(|| Duration::from_secs(2 << runs.clamp(0, 10)).max(asked.min(MAX_WAIT)))
}

fn code(error: &SendError) -> Option<u32> {
    match error {
        SendError::Rejected { code, .. } | SendError::OptedOut { code, .. } => *code,
        SendError::NotSent(_) | SendError::Busy { .. } | SendError::Unknown(_) => None,
    }
}

/// The carrier knows that the contact opted out: hum does too, from now on.
fn opt_out(
    known: Option<Consent>,
    conversation: &mut Conversation,
    batch: &mut Batch,
    moment: Moment<'_>,
) {
    let mut consent =
        known.unwrap_or_else(|| Consent::unsaid(conversation.org, conversation.contact.clone()));
    if !consent.opt_out(ConsentSource::Carrier, moment.now) {
        return;
    }
    batch.emit(conversation.event(EventKind::SmsOptOut, None, moment));
    batch.save(&consent);
}

/// How many segments are known now that were not known before.
fn newly_billed(before: &Message, after: &Message) -> i64 {
    let segments = |message: &Message| message.carrier().segments.map_or(0, i64::from);
    segments(after) - segments(before)
}

/// Takes over what the carrier says and emits what is new about it. The caller puts message and
/// conversation.
pub(super) fn learn(
    message: Message,
    conversation: &mut Conversation,
    news: &StatusCallback,
    batch: &mut Batch,
    moment: Moment<'_>,
) -> Message {
    let before = message.carrier().clone();
    let message = message.learn(news, moment.now);
    let mut emit = |kind| batch.emit(conversation.event(kind, Some(&message), moment));
    let is_sent = before.sid.is_none();
    if is_sent {
        emit(EventKind::SmsSent);
    }
    for terminal in message.carrier().terminals.difference(&before.terminals) {
        emit(if terminal.is_failure() {
            EventKind::SmsFailed
        } else {
            EventKind::SmsDelivered
        });
    }
    Usage::TextsSent.count(batch, i64::from(is_sent), moment.now);
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kernel::batch::Finished,
        sms::{
            AttemptState, MessageStatus, RESOLVE, Source,
            fixture::{
                consent, conversation, events, jobs, later, moment, news, opted_out, org, text,
            },
        },
        telephony::CarrierStatus,
    };

    fn tried() -> Tried {
        let message = text(Source::Api).dispatch(moment().now);
        let attempt = SendAttempt::begin(org(), message.id, moment());
        Tried {
            message,
            conversation: conversation(1),
            attempt,
        }
    }

    /// A callback was faster than the answer.
    fn proved() -> Tried {
        let Tried {
            message,
            conversation,
            attempt,
        } = tried();
        let attempt = attempt
            .confirm("SM1", ResolvedBy::Callback)
            .expect("it was not");
        Tried {
            message: message.learn(&news(CarrierStatus::Sent), moment().now),
            conversation,
            attempt,
        }
    }

    fn accepted() -> Result<Accepted, SendError> {
        Ok(Accepted {
            sid: "SM1".into(),
            status: CarrierStatus::Queued,
            segments: Some(2),
        })
    }

    fn status(verdict: &Verdict<()>) -> Option<MessageStatus> {
        verdict
            .batch()
            .changed::<Message>()
            .first()
            .map(Message::status)
    }

    fn attempt_state(verdict: &Verdict<()>) -> Option<AttemptState> {
        verdict
            .batch()
            .changed::<SendAttempt>()
            .first()
            .map(|attempt| attempt.state().clone())
    }

    #[test]
    fn an_answer_is_written_down_once() {
        let first = record(tried(), None, &accepted(), 1, moment());
        assert_eq!(
            status(&first),
            Some(MessageStatus::Carrier(CarrierStatus::Queued))
        );
        assert_eq!(
            attempt_state(&first),
            Some(AttemptState::Confirmed {
                sid: "SM1".into(),
                by: ResolvedBy::Answer
            })
        );
        assert_eq!(
            (events(first.batch()), first.end()),
            (vec![EventKind::SmsSent], Some(&Finished::Done))
        );
        let late = record(proved(), None, &accepted(), 1, moment());
        assert_eq!(
            status(&late),
            Some(MessageStatus::Carrier(CarrierStatus::Sent))
        );
        assert_eq!(
            (attempt_state(&late), events(late.batch())),
            (None, Vec::new())
        );
        assert_eq!(
            late.batch().changed::<Message>()[0].carrier().segments,
            Some(2)
        );
    }

    #[test]
    fn what_was_definitely_not_sent_is_tried_six_times() {
        let busy = |seconds| SendError::Busy {
            retry_after: Some(Duration::from_secs(seconds)),
        };
        for (error, runs, seconds) in [
            (SendError::NotSent("no connection".into()), 1, Some(4)),
            (SendError::NotSent("no connection".into()), 5, Some(64)),
            (SendError::NotSent("no connection".into()), 6, None),
            (SendError::Busy { retry_after: None }, 2, Some(8)),
            (busy(100), 1, Some(100)),
            (busy(100_000), 1, Some(3600)),
            (busy(100), 6, None),
            (
                SendError::Rejected {
                    code: None,
                    detail: "no".into(),
                },
                1,
                None,
            ),
        ] {
            let said = error.to_string();
            let verdict = record(tried(), None, &Err(error), runs, moment());
            assert_eq!(
                attempt_state(&verdict),
                Some(AttemptState::NotSent {
                    reason: said.clone()
                })
            );
            let again = seconds.map(|seconds| Finished::Again {
                at: later(seconds).now,
                error: Some(said.clone()),
            });
            assert_eq!(
                verdict.end(),
                Some(&again.unwrap_or(Finished::Done)),
                "{said}, {runs}"
            );
            let failed = MessageStatus::Carrier(CarrierStatus::Failed);
            assert_eq!(
                status(&verdict),
                Some(if seconds.is_some() {
                    MessageStatus::Queued
                } else {
                    failed
                })
            );
            assert_eq!(
                events(verdict.batch()) == [EventKind::SmsFailed],
                seconds.is_none()
            );
        }
    }

    #[test]
    fn a_callback_knows_better_than_a_refusal() {
        let refused = Err(SendError::Rejected {
            code: Some(21_211),
            detail: "no".into(),
        });
        let verdict = record(proved(), None, &refused, 1, moment());
        assert_eq!(
            status(&verdict),
            Some(MessageStatus::Carrier(CarrierStatus::Sent))
        );
        assert_eq!(
            (attempt_state(&verdict), verdict.end()),
            (None, Some(&Finished::Done))
        );
    }

    #[test]
    fn no_answer_is_doubt_and_never_a_second_try() {
        let unknown = || Err(SendError::Unknown("timed out".into()));
        let verdict = record(tried(), None, &unknown(), 1, moment());
        assert_eq!(status(&verdict), Some(MessageStatus::InDoubt));
        assert_eq!(
            (events(verdict.batch()), verdict.end()),
            (vec![EventKind::SmsInDoubt], Some(&Finished::Done))
        );
        assert_eq!(jobs(verdict.batch()), [(RESOLVE, later(60).now)]);
        assert!(
            record(proved(), None, &unknown(), 1, moment())
                .batch()
                .writes
                .is_empty()
        );
    }

    #[test]
    fn who_opted_out_at_the_carrier_is_opted_out_here() {
        let refused = Err(SendError::OptedOut {
            code: Some(21_610),
            detail: "unsubscribed".into(),
        });
        for (known, is_new) in [
            (None, true),
            (Some(consent()), true),
            (Some(opted_out()), false),
        ] {
            let exists = known.is_some();
            let verdict = record(tried(), known, &refused, 1, moment());
            let stored = if exists {
                verdict.batch().changed::<Consent>()
            } else {
                verdict.batch().inserted::<Consent>()
            };
            assert_eq!(stored.iter().any(Consent::is_opted_out), is_new);
            assert_eq!(
                events(verdict.batch()).contains(&EventKind::SmsOptOut),
                is_new
            );
            assert_eq!(
                verdict.batch().changed::<Message>()[0]
                    .carrier()
                    .error_code(),
                Some(21_610)
            );
        }
    }
}
