//! A text goes out: the last gate, `dispatching`, one POST, the outcome. `docs/sending.md` explains the protocol.

use std::time::Duration;

use crate::{
    app::Hum,
    consent::{Consent, ConsentSource, ConsentState},
    kernel::{
        batch::{Batch, Finished, Guard},
        clock::Timestamp,
        error::{Error, Tries},
        event::EventKind,
        job::{Claimed, LEASE, NewJob},
        store::{CommitError, Conflict, OrgReads, StoreError},
    },
    organization::CarrierCredentials,
    planted::{Bug, planted},
    turn::Turn,
};

use super::{
    Accepted, AttemptState, CarrierStatus, Conversation, Message, MessageStatus, OutboundSms, ResolvedBy, SendAttempt, SendError,
    Source,
};

/// Twilio's code for a recipient who is opted out (<https://www.twilio.com/docs/api/errors/21610>).
const OPTED_OUT_AT_CARRIER: u32 = 21610;
/// How often a text that was definitely not sent is tried.
const MAX_TRIES: i64 = 6;
/// A confirmation must come within five minutes (47 CFR 64.1200(a)(12)).
const CONFIRMATION_MAX_AGE: Duration = Duration::from_secs(5 * 60);
/// An agent's answer that is later than this answers nobody.
const AI_MAX_AGE: Duration = Duration::from_secs(3600);
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);
/// The longest a carrier keeps a text (<https://www.twilio.com/docs/messaging/api/message-resource>).
const MAX_VALIDITY: Duration = Duration::from_secs(36_000);
/// When the carrier's list is searched first, after a text fell in doubt.
pub(super) const FIRST_LOOK: Duration = Duration::from_secs(60);

/// What the last gate says.
#[derive(Debug, PartialEq, Eq)]
enum Gate {
    Send { validity: Duration },
    OptedOut,
    Withhold(&'static str),
}

fn gate(
    message: &Message,
    conversation: &Conversation,
    consent: Option<&Consent>,
    turn: Option<&Turn>,
    ai_today: i64,
    now: Timestamp,
) -> Gate {
    let opted_out = consent.is_some_and(Consent::is_opted_out) && !planted(Bug::GateAtEnqueue);
    if opted_out && message.source != Source::Confirmation {
        return Gate::OptedOut;
    }
    if message.source == Source::Ai {
        // What the agent says as it hands over is still said, unless a person was faster.
        let hands_over = conversation.waits_for_person() && turn.is_some_and(Turn::handed_over);
        if !conversation.ai_may_speak() && !hands_over {
            return Gate::Withhold("a person took over first");
        }
        if ai_today >= i64::from(MAX_AI_MESSAGES_PER_DAY) {
            return Gate::Withhold("the agent has sent too many messages today");
        }
    }
    let max_age = match message.source {
        Source::Confirmation => CONFIRMATION_MAX_AGE,
        Source::Ai => AI_MAX_AGE,
        Source::Human | Source::Api | Source::Contact => MAX_AGE,
    };
    let age = now.since(message.created_at);
    if age >= max_age {
        return Gate::Withhold("too late to be of use");
    }
    let validity = Duration::from_secs((max_age - age).min(MAX_VALIDITY).as_secs().max(1));
    Gate::Send { validity }
}

/// Above every flow's own cap: whatever a flow says, an agent does not send more per conversation and day.
const MAX_AI_MESSAGES_PER_DAY: u32 = 500;

impl Hum {
    /// Runs a `sms.send` job.
    pub(crate) async fn run_send(&self, job: &Claimed) -> Result<(), Error> {
        let mut tries = Tries::new();
        let (attempt, sms, account) = loop {
            let reads = self.reads(job.org);
            let Some((mut message, conversation)) = load(&*reads, job).await? else {
                return self.finish(job, Finished::Done).await;
            };
            match message.status {
                MessageStatus::Queued => {}
                MessageStatus::Dispatching => {
                    return self.fall_in_doubt(job, "the sender stopped before the carrier answered").await;
                }
                _ => return self.finish(job, Finished::Done).await,
            }
            let consent = reads.consent(&conversation.contact).await?;
            let now = self.clock.now();
            let ai_today = match message.source {
                Source::Ai => reads.count_ai_messages(conversation.id, now - Duration::from_secs(24 * 3600)).await?,
                _ => 0,
            };
            let turn = match message.turn {
                Some(turn) => reads.turn(turn).await?,
                None => None,
            };
            let account = self.account_of(&*reads, &conversation).await?;
            let mut batch = Batch::for_org(job.org);
            let validity = match (gate(&message, &conversation, consent.as_ref(), turn.as_ref(), ai_today, now), &account) {
                (Gate::Send { validity }, Some(_)) => validity,
                (refused, _) => {
                    (message.status, message.detail) = match refused {
                        Gate::OptedOut => (MessageStatus::OptedOut, None),
                        Gate::Withhold(why) => (MessageStatus::Withheld, Some(why.into())),
                        Gate::Send { .. } => (MessageStatus::Withheld, Some("the number's carrier account is gone".into())),
                    };
                    message.updated_at = now;
                    batch.put(message);
                    batch.finish(job.id, job.fence, Finished::Done);
                    match self.commit(batch).await {
                        Ok(_) => return Ok(()),
                        Err(error) => {
                            tries.again(error)?;
                            continue;
                        }
                    }
                }
            };
            let Some(account) = account else { unreachable!("checked above") };

            let attempt = SendAttempt::begin(job.org, message.id, now, &*self.entropy);
            let sms = OutboundSms {
                from: conversation.number_e164.clone(),
                to: conversation.contact.clone(),
                body: message.body.clone(),
                media: message.media.clone(),
                status_callback: format!("{}/carrier/twilio/status/{}", self.settings.public_url, attempt.token),
                validity,
            };
            if planted(Bug::SendBeforeCommit) {
                let _ = self.telephony.send(&account, &sms).await;
            }
            message.status = MessageStatus::Dispatching;
            message.updated_at = now;
            // A worker that stood still and lost its claim does not send; whoever opts out or takes over between this read and
            // the commit wins.
            batch.guard(Guard::Claim(job.id, job.fence));
            if let Some(consent) = &consent
                && !planted(Bug::GateAtEnqueue)
            {
                batch.guard(Guard::Consent(consent.contact.clone(), consent.version));
            }
            if message.source == Source::Ai {
                batch.guard(Guard::Conversation(conversation.id, conversation.version));
            }
            batch.put(message);
            batch.insert(attempt.clone());
            match self.commit(batch).await {
                Ok(_) => break (attempt, sms, account),
                Err(error) => tries.again(error)?,
            }
        };
        // Whoever stood still for this long may not act on what the gate said: a definite "not sent", and the gate again.
        let answer = if self.clock.now().since(attempt.started_at) >= LEASE {
            Err(SendError::NotSent("the sender stood still before it could send".into()))
        } else {
            self.telephony.send(&account, &sms).await
        };
        self.record_outcome(job, &attempt, answer).await
    }

    /// Writes down what the carrier answered. The claim may be lost by now; the answer still counts.
    async fn record_outcome(
        &self,
        job: &Claimed,
        attempt: &SendAttempt,
        answer: Result<Accepted, SendError>,
    ) -> Result<(), Error> {
        let answer = match answer {
            Err(SendError::Unknown(why)) if planted(Bug::RetryOnTimeout) => Err(SendError::NotSent(why)),
            Err(SendError::Unknown(why)) if planted(Bug::ServerErrorIsFailure) && why.contains("500") => {
                Err(SendError::Rejected { code: None, detail: why })
            }
            Err(SendError::Unknown(why)) if planted(Bug::ResetIsNotSent) && !why.contains("500") => {
                Err(SendError::Rejected { code: None, detail: why })
            }
            answer => answer,
        };
        if let Err(SendError::Unknown(why)) = &answer {
            return self.fall_in_doubt(job, why).await;
        }
        let mut tries = Tries::new();
        let mut holds_claim = true;
        loop {
            let reads = self.reads(job.org);
            let Some((mut message, mut conversation)) = load(&*reads, job).await? else { return Ok(()) };
            let Some(mut attempt) = reads.last_attempt(message.id).await?.filter(|last| last.id == attempt.id) else {
                return Err(inconsistent("the attempt is gone"));
            };
            let now = self.clock.now();
            let mut batch = Batch::for_org(job.org);
            let mut how = Finished::Done;
            let attempt_of = message.id;
            match &answer {
                Ok(accepted) => {
                    let fresh = !matches!(attempt.state, AttemptState::Confirmed { .. });
                    if fresh {
                        attempt.state = AttemptState::Confirmed { sid: accepted.sid.clone(), by: ResolvedBy::Answer };
                        batch.put(attempt);
                    }
                    if message.carrier.segments.is_none() {
                        message.carrier.segments = accepted.segments;
                    }
                    self.learn(&mut message, &mut conversation, &accepted.sid, accepted.status, None, &mut batch);
                }
                // A callback proved that the carrier has it: it knows better than its own answer.
                Err(_) if matches!(attempt.state, AttemptState::Confirmed { .. }) => {}
                Err(error) => {
                    how = self.give_up_or_retry(job, error, &mut message, &mut conversation, attempt, &mut batch, now).await?
                }
            }
            batch.put(message);
            batch.put(conversation);
            if holds_claim {
                batch.finish(job.id, job.fence, how);
            } else if let Finished::Again { at, .. } = how {
                // The job went to somebody else, who found the message busy and left it.
                batch.enqueue(NewJob { run_at: at, ..NewJob::send(attempt_of, job.org, now, &*self.entropy) });
            }
            match self.commit(batch).await {
                Ok(_) => return Ok(()),
                Err(CommitError::Conflict(Conflict::StaleFence)) => holds_claim = false,
                Err(error) => tries.again(error)?,
            }
        }
    }

    /// Definitely not sent: try again later, or fail.
    #[expect(clippy::too_many_arguments, reason = "the parts of one decision")]
    async fn give_up_or_retry(
        &self,
        job: &Claimed,
        error: &SendError,
        message: &mut Message,
        conversation: &mut Conversation,
        mut attempt: SendAttempt,
        batch: &mut Batch,
        now: Timestamp,
    ) -> Result<Finished, Error> {
        attempt.state = AttemptState::NotSent { reason: error.to_string() };
        batch.put(attempt);
        message.updated_at = now;
        message.detail = Some(error.to_string());
        let (code, retry_after) = match error {
            SendError::Rejected { code, .. } => (*code, None),
            SendError::Busy { retry_after } => (None, Some(retry_after.unwrap_or_default())),
            SendError::NotSent(_) | SendError::Unknown(_) => (None, Some(Duration::ZERO)),
        };
        if let Some(asked) = retry_after
            && job.attempt < MAX_TRIES
        {
            message.status = MessageStatus::Queued;
            let backoff = Duration::from_secs(2 << job.attempt.clamp(0, 10)).max(asked.min(Duration::from_secs(3600)));
            return Ok(Finished::Again { at: now + backoff, error: Some(error.to_string()) });
        }
        message.status = MessageStatus::Carrier(CarrierStatus::Failed);
        message.carrier.status = Some(CarrierStatus::Failed);
        message.carrier.terminals.insert(CarrierStatus::Failed);
        message.carrier.error_codes.extend(code);
        batch.emit(conversation.event(EventKind::SmsFailed, Some(message), now, &*self.entropy));
        if code == Some(OPTED_OUT_AT_CARRIER) {
            let known = self.reads(message.org).consent(&conversation.contact).await?;
            let exists = known.is_some();
            let mut consent = known.unwrap_or_else(|| Consent::unsaid(message.org, conversation.contact.clone()));
            if !consent.is_opted_out() {
                consent.state = ConsentState::OptedOut { at: now, source: ConsentSource::Carrier };
                batch.emit(conversation.event(EventKind::SmsOptOut, None, now, &*self.entropy));
                if exists { batch.put(consent) } else { batch.insert(consent) }
            }
        }
        Ok(Finished::Done)
    }

    /// The carrier may have it: visible, and searched for, and never sent again by itself.
    async fn fall_in_doubt(&self, job: &Claimed, why: &str) -> Result<(), Error> {
        let mut tries = Tries::new();
        let mut holds_claim = true;
        loop {
            let reads = self.reads(job.org);
            let Some((mut message, mut conversation)) = load(&*reads, job).await? else {
                return self.finish(job, Finished::Done).await;
            };
            let attempt = reads.last_attempt(message.id).await?;
            let now = self.clock.now();
            let mut batch = Batch::for_org(job.org);
            if let Some(mut attempt) = attempt.filter(|attempt| attempt.state == AttemptState::Dispatching) {
                attempt.state = AttemptState::InDoubt { since: now, presumed_absent: false, looked: 0 };
                message.status = MessageStatus::InDoubt;
                message.detail = Some(why.to_owned());
                message.updated_at = now;
                batch.enqueue(NewJob::resolve(message.id, job.org, now + FIRST_LOOK, now, &*self.entropy));
                batch.emit(conversation.event(EventKind::SmsInDoubt, Some(&message), now, &*self.entropy));
                batch.put(attempt);
                batch.put(message);
                batch.put(conversation);
            } else if !holds_claim {
                return Ok(());
            }
            if holds_claim {
                batch.finish(job.id, job.fence, Finished::Done);
            }
            match self.commit(batch).await {
                Ok(_) => return Ok(()),
                Err(CommitError::Conflict(Conflict::StaleFence)) => holds_claim = false,
                Err(error) => tries.again(error)?,
            }
        }
    }

    /// Takes over what the carrier says and emits what is new about it. The caller puts message and conversation.
    pub(super) fn learn(
        &self,
        message: &mut Message,
        conversation: &mut Conversation,
        sid: &str,
        status: CarrierStatus,
        error_code: Option<u32>,
        batch: &mut Batch,
    ) {
        let now = self.clock.now();
        let before = message.carrier.clone();
        message.learn(sid, status, error_code, now);
        let mut emit = |kind| batch.emit(conversation.event(kind, Some(message), now, &*self.entropy));
        if before.sid.is_none() {
            emit(EventKind::SmsSent);
        }
        for terminal in message.carrier.terminals.difference(&before.terminals) {
            emit(if terminal.is_failure() { EventKind::SmsFailed } else { EventKind::SmsDelivered });
        }
    }

    /// The credentials that a conversation's number is used with.
    pub(super) async fn account_of(
        &self,
        reads: &dyn OrgReads,
        conversation: &Conversation,
    ) -> Result<Option<CarrierCredentials>, Error> {
        let Some(number) = reads.number(conversation.number).await? else { return Ok(None) };
        self.credentials_of(&number.carrier_account, reads.carrier_account().await?.as_ref())
    }

    /// Ends a run that has nothing else to commit. A lost claim is fine.
    pub(crate) async fn finish(&self, job: &Claimed, how: Finished) -> Result<(), Error> {
        let mut batch = Batch::for_org(job.org);
        batch.finish(job.id, job.fence, how);
        match self.commit(batch).await {
            Ok(_) | Err(CommitError::Conflict(_)) => Ok(()),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }
}

/// The message that is the job's key, and its conversation.
pub(super) async fn load(reads: &dyn OrgReads, job: &Claimed) -> Result<Option<(Message, Conversation)>, Error> {
    let Ok(id) = job.key.parse() else { return Ok(None) };
    let Some(message) = reads.message(id).await? else { return Ok(None) };
    let conversation =
        reads.conversation(message.conversation).await?.ok_or_else(|| inconsistent("a message without its conversation"))?;
    Ok(Some((message, conversation)))
}

fn inconsistent(detail: &str) -> Error {
    Error::Store(StoreError::Corrupt { table: "message", column: "conversation_id", detail: detail.into() })
}
