//! What became of a text in doubt? The carrier's list is searched; a callback may say so at any
//! time.

use std::time::Duration;

use async_trait::async_trait;

use crate::{
    kernel::{
        batch::{Batch, Finished},
        clock::Timestamp,
        decide::{Moment, Verdict},
        error::Error,
        id::{MessageId, OrgId},
        job::{Claimed, Job, JobKind, NewJob},
    },
    telephony::{CarrierMessage, ListQuery, StatusCallback},
};

use super::{
    Conversation, Message, MessageStatus, ResolvedBy, SendAttempt, Sms, SmsReads, outcome::learn,
    service::load_message,
};

/// Searches the carrier's list for a text in doubt. Key: message.
pub const RESOLVE: JobKind = JobKind::new("sms.resolve");

/// When the list is searched, counted from the moment of doubt.
const LOOKS: [Duration; 4] = [
    Duration::from_secs(60),
    Duration::from_secs(120),
    Duration::from_secs(300),
    Duration::from_secs(900),
];
/// The carrier's clock and ours may differ by this much.
const CLOCK_SLACK: Duration = Duration::from_secs(5);
/// The carrier may take this long after our timeout to make the text.
const LATE_ACCEPT: Duration = Duration::from_secs(60);
/// A carrier that does not list is asked again after this.
const UNHEALTHY: Duration = Duration::from_secs(60);

/// Look for this message, which fell in doubt now.
pub(super) fn resolve_job(message: MessageId, org: OrgId, moment: Moment<'_>) -> NewJob {
    NewJob::new(RESOLVE, org, message, moment.now + LOOKS[0], moment)
}

pub(super) struct ResolveSms(pub Sms);

#[async_trait]
impl Job for ResolveSms {
    fn kind(&self) -> JobKind {
        RESOLVE
    }

    async fn run(&self, job: &Claimed) -> Result<(), Error> {
        let claimed = self.0.kernel.claimed(job);
        let Ok(id) = job.key.parse() else {
            return claimed.finish(Finished::Done).await;
        };
        let reads = self.0.reads.of(job.org);
        let Some(doubt) = Doubt::load(&*reads, id).await? else {
            return claimed.finish(Finished::Done).await;
        };
        let Some(account) = self.0.account_of(&doubt.conversation).await? else {
            return claimed.finish(Finished::Done).await;
        };
        let timeout = self.0.carrier_timeout;
        let listed = self
            .0
            .texting
            .list(&account, &doubt.query(timeout))
            .await
            .map_err(|error| error.to_string());
        let load = || async {
            let Some(doubt) = Doubt::load(&*reads, id).await? else {
                return Ok(None);
            };
            let evidence = match &listed {
                Ok(listed) => Ok(doubt.evidence(&*reads, listed, timeout).await?),
                Err(error) => Err(error.clone()),
            };
            Ok(Some((doubt, evidence)))
        };
        claimed
            .decide(load, |(doubt, evidence), moment| {
                Ok(resolve(doubt, evidence, moment))
            })
            .await?;
        Ok(())
    }
}

/// A text of which nobody knows whether it left.
struct Doubt {
    message: Message,
    conversation: Conversation,
    attempt: SendAttempt,
    since: Timestamp,
    /// How often the list was searched.
    looked: i64,
}

/// What the carrier's list says of it.
struct Evidence {
    /// Those that fit, and are no other message's.
    candidates: Vec<CarrierMessage>,
    /// How many texts in doubt they could be, this one included.
    open: i64,
}

impl Doubt {
    async fn load(reads: &dyn SmsReads, id: MessageId) -> Result<Option<Self>, Error> {
        let Some((message, conversation)) = load_message(reads, id).await? else {
            return Ok(None);
        };
        if message.status() != MessageStatus::InDoubt {
            return Ok(None);
        }
        let Some(attempt) = reads.last_attempt(id).await? else {
            return Ok(None);
        };
        let Some((since, looked)) = attempt.doubt() else {
            return Ok(None);
        };
        Ok(Some(Self {
            message,
            conversation,
            attempt,
            since,
            looked,
        }))
    }

    /// When the carrier can have made the text.
    fn window(&self, timeout: Duration) -> (Timestamp, Timestamp) {
        let started_at = self.attempt.started_at;
        // The carrier's times have whole seconds.
        (
            started_at - CLOCK_SLACK - Duration::from_secs(1),
            started_at + timeout + LATE_ACCEPT,
        )
    }

    fn query(&self, timeout: Duration) -> ListQuery {
        let (since, until) = self.window(timeout);
        let Conversation {
            number_e164,
            contact,
            ..
        } = &self.conversation;
        ListQuery {
            from: number_e164.clone(),
            to: contact.clone(),
            since,
            until,
        }
    }

    fn fits(&self, listed: &CarrierMessage, timeout: Duration) -> bool {
        let (since, until) = self.window(timeout);
        listed.body == self.message.body && (since..=until).contains(&listed.created_at)
    }

    async fn evidence(
        &self,
        reads: &dyn SmsReads,
        listed: &[CarrierMessage],
        timeout: Duration,
    ) -> Result<Evidence, Error> {
        let mut candidates = Vec::new();
        for candidate in listed
            .iter()
            .filter(|candidate| self.fits(candidate, timeout))
        {
            if !reads.carrier_sid_taken(&candidate.sid).await? {
                candidates.push(candidate.clone());
            }
        }
        let span = timeout + LATE_ACCEPT + CLOCK_SLACK;
        let started_at = self.attempt.started_at;
        let open = reads
            .open_attempts_like(&self.message, started_at - span, started_at + span)
            .await?;
        Ok(Evidence { candidates, open })
    }
}

impl Evidence {
    /// The text, when it can be no other. Several that fit, or several texts in doubt that they
    /// could be: nobody can say which is which.
    fn proof(&self) -> Option<&CarrierMessage> {
        match &self.candidates[..] {
            [only] if self.open == 1 => Some(only),
            _ => None,
        }
    }
}

fn resolve(doubt: Doubt, evidence: Result<Evidence, String>, moment: Moment<'_>) -> Verdict<()> {
    let batch = Batch::for_org(doubt.message.org);
    match evidence {
        // The carrier is not healthy: this look does not count.
        Err(error) => Verdict::again(batch, moment.now + UNHEALTHY, Some(error)),
        Ok(evidence) => match evidence.proof() {
            Some(found) => confirm(doubt, found, batch, moment),
            None => look_again(doubt, evidence.candidates.is_empty(), batch, moment),
        },
    }
}

fn confirm(
    doubt: Doubt,
    found: &CarrierMessage,
    mut batch: Batch,
    moment: Moment<'_>,
) -> Verdict<()> {
    let Doubt {
        message,
        mut conversation,
        attempt,
        ..
    } = doubt;
    let news = StatusCallback {
        sid: found.sid.clone(),
        status: found.status,
        error_code: found.error_code,
    };
    let message = learn(message, &mut conversation, &news, &mut batch, moment);
    batch.put(&message);
    batch.put(&conversation);
    if let Some(confirmed) = attempt.confirm(&found.sid, ResolvedBy::Listing) {
        batch.put(&confirmed);
    }
    Verdict::done(batch)
}

fn look_again(
    doubt: Doubt,
    nothing_fits: bool,
    mut batch: Batch,
    moment: Moment<'_>,
) -> Verdict<()> {
    let Doubt {
        message,
        attempt,
        since,
        looked,
        ..
    } = doubt;
    let next = usize::try_from(looked + 1)
        .ok()
        .and_then(|looked| LOOKS.get(looked));
    let presumed_absent = next.is_none() && nothing_fits;
    batch.put(&attempt.looked(presumed_absent));
    if presumed_absent {
        batch.put(&message.presume_absent(moment.now));
    }
    match next {
        Some(after) => Verdict::again(batch, (since + *after).max(moment.now), None),
        None => Verdict::done(batch),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kernel::event::EventKind,
        sms::{
            AttemptState, Source,
            fixture::{conversation, events, later, moment, org, text},
        },
        telephony::CarrierStatus,
    };

    const TIMEOUT: Duration = Duration::from_secs(30);

    /// In doubt after 30 s, and looked for so often.
    fn doubt(looked: i64) -> Doubt {
        let message = text(Source::Api)
            .dispatch(moment().now)
            .fall_in_doubt("timed out", later(30).now);
        let attempt = SendAttempt::begin(org(), message.id, moment())
            .fall_in_doubt(later(30).now)
            .expect("under way");
        let attempt = (0..looked).fold(attempt, |attempt, _| attempt.looked(false));
        Doubt {
            message,
            conversation: conversation(1),
            attempt,
            since: later(30).now,
            looked,
        }
    }

    fn listed(sid: &str) -> CarrierMessage {
        CarrierMessage {
            sid: sid.into(),
            from: "+12025550100".into(),
            to: "+12025550199".into(),
            body: "See you at ten.".into(),
            status: CarrierStatus::Delivered,
            error_code: None,
            created_at: moment().now,
        }
    }

    fn found(sids: &[&str], open: i64) -> Result<Evidence, String> {
        Ok(Evidence {
            candidates: sids.iter().map(|sid| listed(sid)).collect(),
            open,
        })
    }

    #[test]
    fn a_text_fits_by_its_body_and_its_time() {
        let doubt = doubt(0);
        let at = |created_at| CarrierMessage {
            created_at,
            ..listed("SM1")
        };
        let now = moment().now;
        for (listed, fits) in [
            (listed("SM1"), true),
            (
                CarrierMessage {
                    body: "See you at ten".into(),
                    ..listed("SM1")
                },
                false,
            ),
            (at(now - Duration::from_secs(6)), true),
            (at(now - Duration::from_secs(7)), false),
            (at(later(90).now), true),
            (at(later(91).now), false),
        ] {
            assert_eq!(doubt.fits(&listed, TIMEOUT), fits, "{listed:?}");
        }
    }

    #[test]
    fn only_the_one_that_it_must_be_is_taken() {
        for (evidence, proved) in [
            (found(&["SM1"], 1), true),
            (found(&["SM1"], 2), false),
            (found(&["SM1", "SM2"], 1), false),
            (found(&[], 1), false),
        ] {
            let verdict = resolve(doubt(0), evidence, later(90));
            let [attempt] = &verdict.batch().changed::<SendAttempt>()[..] else {
                panic!("one attempt")
            };
            assert_eq!(attempt.sid().is_some(), proved);
            assert_eq!(
                events(verdict.batch()) == [EventKind::SmsSent, EventKind::SmsDelivered],
                proved
            );
            assert_eq!(verdict.end() == Some(&Finished::Done), proved);
        }
    }

    #[test]
    fn four_looks_and_then_a_label() {
        for (looked, sids, next, label) in [
            (0, &[][..], Some(30 + 120), false),
            (1, &[], Some(30 + 300), false),
            (2, &["SM1", "SM2"], Some(30 + 900), false),
            (3, &["SM1", "SM2"], None, false),
            (3, &[], None, true),
        ] {
            let verdict = resolve(doubt(looked), found(sids, 1), later(100));
            let again = next.map(|seconds| Finished::Again {
                at: later(seconds).now,
                error: None,
            });
            assert_eq!(
                verdict.end(),
                Some(&again.unwrap_or(Finished::Done)),
                "{looked}"
            );
            let [attempt] = &verdict.batch().changed::<SendAttempt>()[..] else {
                panic!("one attempt")
            };
            let state = AttemptState::InDoubt {
                since: later(30).now,
                presumed_absent: label,
                looked: looked + 1,
            };
            assert_eq!(attempt.state(), &state);
            let labelled: Vec<_> = verdict
                .batch()
                .changed::<Message>()
                .iter()
                .map(Message::status)
                .collect();
            assert_eq!(
                labelled == [MessageStatus::InDoubt],
                label,
                "it stays in doubt"
            );
        }
        let late = resolve(doubt(0), found(&[], 1), later(9999));
        assert_eq!(
            late.end(),
            Some(&Finished::Again {
                at: later(9999).now,
                error: None
            })
        );
    }

    #[test]
    fn a_look_that_was_not_answered_does_not_count() {
        let verdict = resolve(doubt(3), Err("no answer".into()), later(1000));
        assert_eq!(
            verdict.end(),
            Some(&Finished::Again {
                at: later(1060).now,
                error: Some("no answer".into())
            })
        );
        assert!(verdict.batch().writes.is_empty());
    }
}
