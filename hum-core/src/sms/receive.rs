//! A text comes in.

use std::time::Duration;

use crate::{
    app::Hum,
    consent::{Consent, ConsentSource, ConsentState, Keyword},
    kernel::{
        audit::AuditRow,
        batch::{Batch, Guard},
        clock::Timestamp,
        entropy::Entropy,
        error::{Error, Tries},
        event::EventKind,
        id::{AuditId, MessageId},
        job::NewJob,
        store::{CommitError, Conflict},
    },
    number::Number,
    organization::{CarrierAccount, KeywordReplies},
    planted::{Bug, planted},
};

use crate::telephony::{CarrierForm, InboundSms, RefusedForm};
use super::{CarrierFacts, Conversation, Direction, Message, MessageStatus, Source};

/// Everything that deciding about one inbound text needs.
#[derive(Debug, Clone)]
pub struct InboundState {
    /// The number that was texted.
    pub number: Number,
    /// Who confirms keywords.
    pub keyword_replies: KeywordReplies,
    /// The organization's own carrier account, if it has one.
    pub account: Option<CarrierAccount>,
    /// How long the number's text agent waits for more; `None` when the number has no agent that exists, or texting is off.
    pub debounce: Option<Duration>,
    /// The thread, if there is one.
    pub conversation: Option<Conversation>,
    /// What is known of the contact's consent.
    pub consent: Option<Consent>,
    /// The text is stored already.
    pub seen: bool,
}

/// What became of a webhook of the carrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// Stored, or stored before.
    Taken,
    /// Not signed by an account that owns the number. Nothing was stored.
    Refused,
    /// Signed, but without a parameter that a text must have. Nothing was stored.
    Malformed(RefusedForm),
}

impl Hum {
    /// Takes a text from the carrier. When this returns [`Received::Taken`] it is durable, once, whatever was repeated.
    ///
    /// # Errors
    /// `Store`: the carrier should deliver it again.
    pub async fn receive_sms(&self, form: &CarrierForm) -> Result<Received, Error> {
        let Some(claimed) = self.telephony.claimed_account(form) else { return Ok(Received::Refused) };
        // Untrusted until verified: only used to find the account whose token must have signed it.
        let sms = match self.telephony.inbound(form) {
            Ok(sms) => sms,
            Err(malformed) => return self.refuse_or_malformed(claimed, form, malformed).await,
        };
        let mut tries = Tries::new();
        let mut verified = false;
        let mut sms_id = None;
        loop {
            let Some(mut state) = self.store.system().load_inbound(claimed, &sms.to, &sms.from, &sms.sid).await? else {
                return Ok(Received::Refused);
            };
            if !verified {
                let Some(credentials) = self.credentials_of(claimed, state.account.as_ref())? else {
                    return Ok(Received::Refused);
                };
                if self.telephony.verify(&credentials, form).is_err() && !planted(Bug::UnsignedIsFine) {
                    return Ok(Received::Refused);
                }
                verified = true;
            }
            if planted(Bug::CheckThenMark) && state.seen {
                return Ok(Received::Taken);
            }
            let now = self.clock.now();
            if planted(Bug::CheckThenMark) {
                state.seen = false;
            }
            let mut sms = sms.clone();
            if planted(Bug::CheckThenMark) {
                sms.sid = sms_id.get_or_insert_with(|| format!("{}-{}", sms.sid, self.entropy.token())).clone();
            }
            let Some(batch) = decide(state, &sms, now, &*self.entropy) else { return Ok(Received::Taken) };
            match self.commit(batch).await {
                Ok(_) => return Ok(Received::Taken),
                Err(CommitError::Conflict(Conflict::Exists | Conflict::Changed)) => {
                    tries.again(CommitError::Conflict(Conflict::Changed))?
                }
                Err(error) => tries.again(error)?,
            }
        }
    }

    /// A malformed form is only called malformed when its signature is right; strangers learn nothing.
    async fn refuse_or_malformed(&self, claimed: &str, form: &CarrierForm, malformed: RefusedForm) -> Result<Received, Error> {
        let account = self.store.system().find_carrier_account(claimed).await?;
        match self.credentials_of(claimed, account.as_ref())? {
            Some(credentials) if self.telephony.verify(&credentials, form).is_ok() => Ok(Received::Malformed(malformed)),
            _ => Ok(Received::Refused),
        }
    }
}

/// One commit: thread, message, unread, consent, events, the agent's job. `None` when the text is stored already.
fn decide(state: InboundState, sms: &InboundSms, now: Timestamp, entropy: &dyn Entropy) -> Option<Batch> {
    if state.seen {
        return None;
    }
    let mut batch = Batch::for_org(state.number.org);
    let is_new = state.conversation.is_none();
    let mut conversation =
        state.conversation.unwrap_or_else(|| Conversation::start(&state.number, sms.from.clone(), now, entropy));
    let was_waiting = conversation.waits_for_ai();
    let was_closed = matches!(conversation.status, super::ConversationStatus::Closed { .. });
    let seq = conversation.take(Direction::Inbound, now);
    let message = Message {
        id: MessageId::new(now, entropy),
        org: state.number.org,
        conversation: conversation.id,
        seq,
        direction: Direction::Inbound,
        source: Source::Contact,
        body: sms.body.clone(),
        media: sms.media.clone(),
        status: MessageStatus::Received,
        carrier: CarrierFacts { sid: Some(sms.sid.clone()), ..CarrierFacts::default() },
        detail: None,
        turn: None,
        resend_of: None,
        created_at: now,
        updated_at: now,
        version: 0,
    };
    if is_new {
        batch.emit(conversation.event(EventKind::ConversationStarted, None, now, entropy));
    } else if was_closed {
        batch.emit(conversation.event(EventKind::ConversationReopened, None, now, entropy));
    }
    let received = conversation.event(EventKind::SmsReceived, Some(&message), now, entropy);
    batch.emit(received);
    if planted(Bug::EventGap) && (is_new || was_closed) {
        conversation.event_seq += 1;
    }

    let known = state.consent.is_some();
    let mut consent = state.consent.unwrap_or_else(|| Consent::unsaid(state.number.org, sms.from.clone()));
    let was_opted_out = consent.is_opted_out();
    let keyword = match Keyword::of(&sms.body, was_opted_out) {
        None if planted(Bug::OptInByAnyText) && was_opted_out => Some(Keyword::OptIn),
        keyword => keyword,
    };
    let consent_changed =
        keyword.is_some_and(|keyword| change_consent(keyword, &mut consent, &mut conversation, &mut batch, now, entropy));
    if consent_changed {
        let action = if consent.is_opted_out() { "opt_out.add" } else { "opt_out.remove" };
        batch.insert(AuditRow {
            id: AuditId::new(now, entropy),
            org: batch.org,
            at: now,
            actor: "contact".into(),
            action,
            subject: sms.from.to_string(),
        });
    }
    let hum_confirms = state.keyword_replies == KeywordReplies::Hum || planted(Bug::BothConfirm);
    if let Some(keyword) = keyword
        && hum_confirms
        && (consent_changed || (keyword == Keyword::Help && !was_opted_out))
    {
        let confirmation = confirm(keyword, &state.number, &mut conversation, now, entropy);
        batch.enqueue(NewJob::send(confirmation.id, batch.org, now, entropy));
        batch.insert(confirmation);
    }

    match (keyword, state.debounce) {
        (None, Some(debounce)) if conversation.ai_may_speak() && !consent.is_opted_out() => {
            batch.enqueue(NewJob::ai_turn(conversation.id, batch.org, now + debounce, now, entropy));
        }
        // A question before this keyword still waits for its answer.
        (Some(Keyword::Help | Keyword::OptIn), _) if was_waiting => {}
        // Not for the agent: it must not answer this later, when it may speak again.
        _ => conversation.answered_seq = conversation.answered_seq.max(seq),
    }

    batch.insert(message);
    if !known {
        batch.insert(consent);
    } else if consent_changed {
        batch.put(consent);
    } else if keyword.is_some() {
        // A keyword that changes nothing does so only while this holds: a STOP must not be lost to an opt-in beside it.
        batch.guard(Guard::Consent(sms.from.clone(), consent.version));
    }
    if is_new {
        batch.insert(conversation)
    } else {
        batch.put(conversation)
    }
    Some(batch)
}

/// Whether the keyword changed anything.
fn change_consent(
    keyword: Keyword,
    consent: &mut Consent,
    conversation: &mut Conversation,
    batch: &mut Batch,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> bool {
    let source = ConsentSource::Keyword;
    let kind = match keyword {
        Keyword::OptOut if !consent.is_opted_out() && !planted(Bug::OptOutLater) => {
            consent.state = ConsentState::OptedOut { at: now, source };
            EventKind::SmsOptOut
        }
        Keyword::OptIn if consent.is_opted_out() => {
            consent.state = ConsentState::OptedIn { at: now, source };
            EventKind::SmsOptIn
        }
        _ => return false,
    };
    batch.emit(conversation.event(kind, None, now, entropy));
    true
}

/// The one confirmation that the FCC allows: no marketing, at once (47 CFR 64.1200(a)(12)).
fn confirm(keyword: Keyword, number: &Number, conversation: &mut Conversation, now: Timestamp, entropy: &dyn Entropy) -> Message {
    let name = if number.friendly_name.is_empty() { number.e164.as_str() } else { number.friendly_name.as_str() };
    let body = match keyword {
        Keyword::OptOut => format!("{name}: You are unsubscribed and will receive no more messages. Reply START to resubscribe."),
        Keyword::OptIn => format!("{name}: You are subscribed again. Reply HELP for help, STOP to unsubscribe."),
        Keyword::Help => format!("{name}: Reply STOP to unsubscribe. Msg & data rates may apply."),
    };
    let seq = conversation.take(Direction::Outbound, now);
    Message::outbound(conversation, seq, Source::Confirmation, body, now, entropy)
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
