//! A text comes in.

use std::time::Duration;

use crate::{
    consent::{Consent, ConsentSource, Keyword},
    kernel::{
        actor::Actor,
        batch::Batch,
        decide::{Decision, Moment},
        error::Error,
        event::EventKind,
    },
    number::Number,
    organization::KeywordReplies,
    telephony::{CarrierForm, InboundSms, RefusedForm},
    usage::Usage,
};

use super::{
    Conversation, Direction, InboundState, Message, Sms, Source, send::send_job, turn::ai_turn_job,
};

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

impl Sms {
    /// Takes a text from the carrier. When this returns [`Received::Taken`] it is durable, once,
    /// whatever was repeated.
    ///
    /// # Errors
    /// `Store`: the carrier should deliver it again.
    pub async fn receive(&self, form: &CarrierForm) -> Result<Received, Error> {
        let Some(claimed) = self.webhooks.claimed_account(form) else {
            return Ok(Received::Refused);
        };
        // Untrusted until verified: only used to find the account whose token must have signed it.
        let sms = match self.webhooks.inbound(form) {
            Ok(sms) => sms,
            Err(malformed) => return self.refuse_or_malformed(claimed, form, malformed).await,
        };
        let load = || async {
            Ok(self
                .routing
                .load_inbound(claimed, &sms.to, &sms.from, &sms.sid)
                .await?)
        };
        let Some(state) = load().await? else {
            return Ok(Received::Refused);
        };
        let Some(credentials) = self
            .organizations
            .credentials_of(claimed, state.account.as_ref())?
        else {
            return Ok(Received::Refused);
        };
        if self.webhooks.verify(&credentials, form).is_err() {
            return Ok(Received::Refused);
        }
        let org = state.number.org;
        let decide = |state: Option<_>, moment: Moment<'_>| match state {
            Some(state) => Ok(receive(state, &sms, moment)),
            None => Ok(Decision::new(Batch::for_org(org), Received::Refused)),
        };
        self.kernel
            .of(org, Actor::Contact)
            .decide_from(Some(state), load, decide)
            .await
    }

    /// A malformed form is only called malformed when its signature is right; strangers learn
    /// nothing.
    async fn refuse_or_malformed(
        &self,
        claimed: &str,
        form: &CarrierForm,
        malformed: RefusedForm,
    ) -> Result<Received, Error> {
        let account = self
            .organizations
            .directory()
            .find_carrier_account(claimed)
            .await?;
        match self
            .organizations
            .credentials_of(claimed, account.as_ref())?
        {
            Some(credentials) if self.webhooks.verify(&credentials, form).is_ok() => {
                Ok(Received::Malformed(malformed))
            }
            _ => Ok(Received::Refused),
        }
    }
}

/// One commit: thread, message, unread, consent, events, the agent's job. Nothing when the text is
/// stored already.
fn receive(state: InboundState, sms: &InboundSms, moment: Moment<'_>) -> Decision<Received> {
    let InboundState {
        number,
        keyword_replies,
        debounce,
        conversation,
        consent,
        seen,
        ..
    } = state;
    let mut batch = Batch::for_org(number.org);
    if seen {
        return Decision::new(batch, Received::Taken);
    }
    let is_new = conversation.is_none();
    let conversation =
        conversation.unwrap_or_else(|| Conversation::start(&number, sms.from.clone(), moment));
    let mut thread = Thread {
        was_waiting: conversation.waits_for_ai(),
        conversation,
        is_new,
    };
    let seq = thread.take(sms, &mut batch, moment);
    let mut contact = Contact::of(consent, &number, sms);
    let keyword = Keyword::of(&sms.body, contact.consent.is_opted_out());
    let was_opted_out = contact.consent.is_opted_out();
    if let Some(keyword) = keyword {
        contact.obey(keyword, &mut thread.conversation, &mut batch, moment);
        let asks = keyword == Keyword::Help && !was_opted_out;
        if keyword_replies == KeywordReplies::Hum && (contact.changed || asks) {
            confirm(
                keyword,
                &number,
                &mut thread.conversation,
                &mut batch,
                moment,
            );
        }
    }
    let debounce = debounce.filter(|_| !contact.consent.is_opted_out());
    thread.wake_agent(seq, keyword, debounce, &mut batch, moment);
    contact.store(keyword, &mut batch);
    thread.store(&mut batch);
    let decision = Decision::new(batch, Received::Taken);
    match (contact.changed, contact.consent.is_opted_out()) {
        (true, true) => decision.audited("opt_out.add", &sms.from),
        (true, false) => decision.audited("opt_out.remove", &sms.from),
        (false, _) => decision,
    }
}

/// The conversation that a text comes into.
struct Thread {
    conversation: Conversation,
    is_new: bool,
    /// Whether texts waited for the agent before this one.
    was_waiting: bool,
}

impl Thread {
    /// Stores the text; answers its number.
    fn take(&mut self, sms: &InboundSms, batch: &mut Batch, moment: Moment<'_>) -> i64 {
        let conversation = &mut self.conversation;
        let was_closed = !conversation.is_open();
        let seq = conversation.take(Direction::Inbound, moment);
        let message = Message::inbound(conversation, seq, sms, moment);
        if self.is_new {
            batch.emit(conversation.event(EventKind::ConversationStarted, None, moment));
        } else if was_closed {
            batch.emit(conversation.event(EventKind::ConversationReopened, None, moment));
        }
        batch.emit(conversation.event(EventKind::SmsReceived, Some(&message), moment));
        batch.insert(&message);
        Usage::TextsReceived.count(batch, 1, moment.now);
        seq
    }

    /// The agent answers after `debounce`, or never; `None` when it may not answer this contact, or
    /// there is no agent.
    fn wake_agent(
        &mut self,
        seq: i64,
        keyword: Option<Keyword>,
        debounce: Option<Duration>,
        batch: &mut Batch,
        moment: Moment<'_>,
    ) {
        let conversation = &mut self.conversation;
        match (keyword, debounce) {
            (None, Some(debounce)) if conversation.ai_may_speak() => {
                batch.enqueue(ai_turn_job(
                    conversation.id,
                    conversation.org,
                    moment.now + debounce,
                    moment,
                ));
            }
            // A question before this keyword still waits for its answer.
            (Some(Keyword::Help | Keyword::OptIn), _) if self.was_waiting => {}
            // Not for the agent: it must not answer this later, when it may speak again.
            _ => conversation.answer(seq),
        }
    }

    fn store(&self, batch: &mut Batch) {
        batch.save(&self.conversation);
    }
}

/// Whether the sender of a text may be texted.
struct Contact {
    consent: Consent,
    /// Whether this text changed it.
    changed: bool,
}

impl Contact {
    fn of(known: Option<Consent>, number: &Number, sms: &InboundSms) -> Self {
        let consent = known.unwrap_or_else(|| Consent::unsaid(number.org, sms.from.clone()));
        Self {
            consent,
            changed: false,
        }
    }

    fn obey(
        &mut self,
        keyword: Keyword,
        conversation: &mut Conversation,
        batch: &mut Batch,
        moment: Moment<'_>,
    ) {
        let kind = match keyword {
            Keyword::OptOut if self.consent.opt_out(ConsentSource::Keyword, moment.now) => {
                EventKind::SmsOptOut
            }
            Keyword::OptIn if self.consent.opt_in(ConsentSource::Keyword, moment.now) => {
                EventKind::SmsOptIn
            }
            Keyword::OptOut | Keyword::OptIn | Keyword::Help => return,
        };
        self.changed = true;
        batch.emit(conversation.event(kind, None, moment));
    }

    fn store(&self, keyword: Option<Keyword>, batch: &mut Batch) {
        if self.changed || self.consent.version == 0 {
            batch.save(&self.consent);
        } else if keyword.is_some() {
            // A keyword that changes nothing does so only while this holds: a STOP must not be lost
            // to an opt-in beside it.
            batch.guard(&self.consent);
        }
    }
}

/// The one confirmation that the FCC allows: no marketing, at once (47 CFR 64.1200(a)(12)).
fn confirm(
    keyword: Keyword,
    number: &Number,
    conversation: &mut Conversation,
    batch: &mut Batch,
    moment: Moment<'_>,
) {
    let name = if number.friendly_name.is_empty() {
        number.e164.as_str()
    } else {
        number.friendly_name.as_str()
    };
    let body = match keyword {
        Keyword::OptOut => format!(
            "{name}: You are unsubscribed and will receive no more messages. Reply START to resubscribe."
        ),
        Keyword::OptIn => {
            format!("{name}: You are subscribed again. Reply HELP for help, STOP to unsubscribe.")
        }
        Keyword::Help => format!("{name}: Reply STOP to unsubscribe. Msg & data rates may apply."),
    };
    let seq = conversation.take(Direction::Outbound, moment);
    let confirmation = Message::outbound(conversation, seq, Source::Confirmation, body, moment);
    batch.enqueue(send_job(confirmation.id, confirmation.org, moment));
    batch.insert(&confirmation);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sms::{
        AI_TURN, SEND,
        fixture::{
            consent, contact, conversation, events, guards, jobs, later, moment, number, opted_out,
        },
    };

    fn sms(body: &str) -> InboundSms {
        InboundSms {
            sid: "SM1".into(),
            to: number().e164,
            from: contact(),
            body: body.into(),
            media: Vec::new(),
        }
    }

    /// A number with an agent, and a thread with somebody who may be texted.
    fn state() -> InboundState {
        InboundState {
            number: number(),
            keyword_replies: KeywordReplies::Hum,
            account: None,
            debounce: Some(Duration::from_secs(3)),
            conversation: Some(conversation(0)),
            consent: Some(consent()),
            seen: false,
        }
    }

    fn batch(state: InboundState, body: &str) -> Batch {
        receive(state, &sms(body), moment()).batch
    }

    fn changed(batch: &Batch) -> Conversation {
        let [conversation] = &batch.changed::<Conversation>()[..] else {
            panic!("one conversation")
        };
        conversation.clone()
    }

    #[test]
    fn a_text_that_is_stored_already_writes_nothing() {
        let decision = receive(
            InboundState {
                seen: true,
                ..state()
            },
            &sms("STOP"),
            moment(),
        );
        assert!(decision.batch.writes.is_empty() && decision.answer == Received::Taken);
    }

    #[test]
    fn the_first_text_starts_the_thread_and_the_next_one_reopens_it() {
        let first = batch(
            InboundState {
                conversation: None,
                consent: None,
                ..state()
            },
            "Hello?",
        );
        assert_eq!(
            events(&first),
            [EventKind::ConversationStarted, EventKind::SmsReceived]
        );
        let [thread] = &first.inserted::<Conversation>()[..] else {
            panic!("one conversation")
        };
        assert_eq!(
            (thread.unread_count(), thread.contact.clone()),
            (1, contact())
        );
        assert_eq!(
            (first.inserted::<Consent>().len(), jobs(&first)),
            (1, vec![(AI_TURN, later(3).now)])
        );
        let mut closed = conversation(1);
        closed.close(moment());
        let next = batch(
            InboundState {
                conversation: Some(closed),
                ..state()
            },
            "Hello?",
        );
        assert_eq!(
            events(&next),
            [EventKind::ConversationReopened, EventKind::SmsReceived]
        );
        assert!(changed(&next).is_open() && changed(&next).unread_count() == 2);
        let [message] = &next.inserted::<Message>()[..] else {
            panic!("one message")
        };
        assert_eq!(
            (
                message.seq,
                message.carrier().sid.as_deref(),
                &*message.body
            ),
            (2, Some("SM1"), "Hello?")
        );
    }

    #[test]
    fn a_keyword_changes_consent_once_and_is_confirmed_by_one_of_the_two() {
        use KeywordReplies::{Carrier, Hum};
        let (stop, start) = (Some(EventKind::SmsOptOut), Some(EventKind::SmsOptIn));
        for (body, consent, replies, event, confirmed) in [
            ("stop", consent(), Hum, stop, true),
            ("stop", consent(), Carrier, stop, false),
            ("stop", opted_out(), Hum, None, false),
            ("START", opted_out(), Hum, start, true),
            ("yes", consent(), Hum, None, false),
            ("help", consent(), Hum, None, true),
            ("help", consent(), Carrier, None, false),
            ("help", opted_out(), Hum, None, false),
        ] {
            let was_out = consent.is_opted_out();
            let batch = batch(
                InboundState {
                    consent: Some(consent),
                    keyword_replies: replies,
                    ..state()
                },
                body,
            );
            assert_eq!(events(&batch).get(1).copied(), event, "{body}, {was_out}");
            let stored = batch.changed::<Consent>();
            assert_eq!(
                stored.first().map(Consent::is_opted_out),
                event.map(|_| !was_out),
                "{body}, {was_out}"
            );
            let guarded: &[_] = if body == "yes" || event.is_some() {
                &[]
            } else {
                &["consent"]
            };
            assert_eq!(guards(&batch), guarded, "{body}, {was_out}");
            assert_eq!(
                jobs(&batch).iter().any(|(kind, _)| *kind == SEND),
                confirmed,
                "{body}, {was_out}"
            );
            assert_eq!(
                batch.inserted::<Message>().len(),
                1 + usize::from(confirmed),
                "{body}, {was_out}"
            );
        }
    }

    #[test]
    fn only_what_an_agent_may_answer_waits_for_it() {
        let mut paused = conversation(0);
        paused.pause_ai();
        for (what, state, body, wakes, waits) in [
            ("a text", state(), "Hello?", true, true),
            (
                "no agent",
                InboundState {
                    debounce: None,
                    ..state()
                },
                "Hello?",
                false,
                false,
            ),
            (
                "paused",
                InboundState {
                    conversation: Some(paused),
                    ..state()
                },
                "Hello?",
                false,
                false,
            ),
            (
                "opted out",
                InboundState {
                    consent: Some(opted_out()),
                    ..state()
                },
                "Hello?",
                false,
                false,
            ),
            (
                "an opt-out",
                InboundState {
                    conversation: Some(conversation(1)),
                    ..state()
                },
                "stop",
                false,
                false,
            ),
            ("a keyword", state(), "help", false, false),
            (
                "a question before it",
                InboundState {
                    conversation: Some(conversation(1)),
                    ..state()
                },
                "help",
                false,
                true,
            ),
        ] {
            let batch = batch(state, body);
            assert_eq!(
                jobs(&batch).contains(&(AI_TURN, later(3).now)),
                wakes,
                "{what}"
            );
            assert_eq!(changed(&batch).waits_for_ai(), waits, "{what}");
        }
    }
}
