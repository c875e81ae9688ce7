//! What takes effect when the model has answered.

use std::time::Duration;

use crate::{
    consent::Consent,
    flow::FlowDefinition,
    kernel::{
        batch::Batch,
        decide::{Moment, Verdict},
    },
    sms::{Conversation, Direction, Message, Source, Turn, send_job},
};

use super::{ask::Outcome, reply::clean};

/// Why nothing of a turn takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Obstacle {
    OptedOut,
    Paused,
    NewerInbound,
}

impl Obstacle {
    /// What came between a turn and its reply, if something did.
    fn between(
        turn: &Turn,
        conversation: &Conversation,
        consent: Option<&Consent>,
    ) -> Option<Self> {
        if consent.is_some_and(Consent::is_opted_out) {
            Some(Self::OptedOut)
        } else if !conversation.ai_may_speak() {
            Some(Self::Paused)
        } else {
            (conversation.last_inbound_seq() > turn.upto_seq).then_some(Self::NewerInbound)
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::OptedOut => "opted_out",
            Self::Paused => "paused",
            Self::NewerInbound => "newer_inbound",
        }
    }
}

/// Reply and effects, unless something came between.
pub(super) fn finish(
    (conversation, consent): (Conversation, Option<Consent>),
    turn: Turn,
    flow: &FlowDefinition,
    outcome: &Outcome,
    moment: Moment<'_>,
) -> Verdict<()> {
    let Some(obstacle) = Obstacle::between(&turn, &conversation, consent.as_ref()) else {
        let mut batch = take_effect(conversation, turn, flow, outcome, moment);
        // It rests on the contact still being one who may be texted.
        consent.iter().for_each(|consent| batch.guard(consent));
        return Verdict::done(batch);
    };
    let mut batch = Batch::for_org(turn.org);
    batch.put(&turn.discard(moment.now, obstacle.reason()));
    match obstacle {
        Obstacle::OptedOut | Obstacle::Paused => Verdict::done(batch),
        Obstacle::NewerInbound => {
            let debounce = Duration::from_millis(u64::from(flow.sms.debounce_ms));
            Verdict::again(batch, moment.now + debounce, None)
        }
    }
}

fn take_effect(
    mut conversation: Conversation,
    turn: Turn,
    flow: &FlowDefinition,
    outcome: &Outcome,
    moment: Moment<'_>,
) -> Batch {
    let mut batch = Batch::for_org(turn.org);
    let (words, is_fallback) = words(flow, outcome).unzip();
    let reply = words.map(|body| {
        let seq = conversation.take(Direction::Outbound, moment);
        Message::outbound(&conversation, seq, Source::Ai, body, moment).of_turn(turn.id)
    });
    if let Some(reply) = &reply {
        batch.enqueue(send_job(reply.id, reply.org, moment));
        batch.insert(reply);
    }
    conversation.answer(turn.upto_seq);
    // A person takes over after the agent's last words, not instead of them.
    for effect in &outcome.effects {
        effect
            .apply(&mut conversation, moment)
            .into_iter()
            .for_each(|event| batch.emit(event));
    }
    if reply.is_none() && !outcome.allows_silence() {
        let note = "The agent had no usable reply, and the flow has no fallback message.";
        batch.emit(conversation.hand_over("model_failed", note, moment));
    }
    batch.put(&conversation);
    let reply = reply.map(|reply| reply.id);
    batch.put(&turn.finish(
        moment.now,
        reply,
        is_fallback.unwrap_or(false),
        outcome.calls.clone(),
    ));
    batch
}

/// What the contact is told, and whether that is the fallback message.
fn words(flow: &FlowDefinition, outcome: &Outcome) -> Option<(String, bool)> {
    if let Some(reply) = &outcome.reply {
        return Some((reply.clone(), false));
    }
    if outcome.allows_silence() {
        return None;
    }
    let fallback = clean(
        flow.sms.fallback_message.as_deref()?,
        flow.sms.max_reply_chars as usize,
    )?;
    Some((fallback, true))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        consent::ConsentSource,
        kernel::batch::Write,
        sms::{SEND, TurnState},
        tool::Effect,
        turn::fixture::{conversation, flow, flow_with_fallback, moment, org, turn},
    };

    fn says(reply: &str) -> Outcome {
        Outcome {
            reply: Some(reply.into()),
            ..Outcome::default()
        }
    }

    fn does(effect: Effect) -> Outcome {
        Outcome {
            effects: vec![effect],
            ..Outcome::default()
        }
    }

    fn hands_over() -> Effect {
        Effect::AssignToHuman {
            note: "Wants a person.".into(),
        }
    }

    fn batch_of(flow: &FlowDefinition, outcome: &Outcome) -> Batch {
        let conversation = conversation(2);
        let turn = turn(&conversation);
        take_effect(conversation, turn, flow, outcome, moment())
    }

    #[test]
    fn nothing_takes_effect_when_something_came_between() {
        let begun = conversation(1);
        let turn = turn(&begun);
        let unsaid = Consent::unsaid(org(), begun.contact.clone());
        let mut opted_out = unsaid.clone();
        opted_out.opt_out(ConsentSource::Keyword, moment().now);
        let mut newer = begun.clone();
        newer.take(Direction::Inbound, moment());
        let mut paused = newer.clone();
        paused.pause_ai();
        for (conversation, consent, obstacle) in [
            (&begun, Some(&unsaid), None),
            (&begun, None, None),
            (&newer, Some(&unsaid), Some(Obstacle::NewerInbound)),
            (&paused, Some(&unsaid), Some(Obstacle::Paused)),
            (&paused, Some(&opted_out), Some(Obstacle::OptedOut)),
        ] {
            assert_eq!(Obstacle::between(&turn, conversation, consent), obstacle);
        }
    }

    #[test]
    fn the_model_is_quoted_before_the_fallback_and_silence_is_no_failure() {
        let plain = flow().definition;
        let reports = || does(Effect::Outcome(json!({})));
        for (flow, outcome, said) in [
            (&plain, says("Hello."), Some(("Hello.", false))),
            (
                &flow_with_fallback(),
                says("Hello."),
                Some(("Hello.", false)),
            ),
            (
                &flow_with_fallback(),
                Outcome::default(),
                Some(("We will call you.", true)),
            ),
            (
                &flow_with_fallback(),
                reports(),
                Some(("We will call you.", true)),
            ),
            (&flow_with_fallback(), does(hands_over()), None),
            (&flow_with_fallback(), does(Effect::Close), None),
            (&plain, Outcome::default(), None),
        ] {
            let words = words(flow, &outcome);
            assert_eq!(
                words.as_ref().map(|(text, fallback)| (&**text, *fallback)),
                said
            );
        }
    }

    #[test]
    fn a_reply_is_stored_with_the_job_that_sends_it() {
        let batch = batch_of(&flow().definition, &says("Hello."));
        let [reply] = batch.inserted::<Message>().try_into().expect("one");
        assert_eq!(
            (reply.seq, reply.direction, reply.source, &*reply.body),
            (3, Direction::Outbound, Source::Ai, "Hello.")
        );
        let sends = |write: &Write| matches!(write, Write::Enqueue(job) if (job.kind, &job.key) == (SEND, &reply.id.to_string()));
        assert!(batch.writes.iter().any(sends));
        let [turn] = batch.changed::<Turn>().try_into().expect("one");
        assert_eq!(reply.turn, Some(turn.id));
        assert_eq!(
            *turn.state(),
            TurnState::Finished {
                at: moment().now,
                reply: Some(reply.id),
                fallback: false
            }
        );
        let [conversation] = batch.changed::<Conversation>().try_into().expect("one");
        assert!(conversation.ai_may_speak() && !conversation.waits_for_ai());
        assert!(batch.first_event().is_none());
    }

    #[test]
    fn a_person_takes_over_after_the_last_words() {
        let batch = batch_of(
            &flow().definition,
            &Outcome {
                effects: vec![hands_over()],
                ..says("Somebody will call.")
            },
        );
        assert_eq!(batch.inserted::<Message>().len(), 1);
        let [conversation] = batch.changed::<Conversation>().try_into().expect("one");
        assert!(conversation.waits_for_person() && !conversation.ai_may_speak());
    }

    #[test]
    fn without_words_a_person_should_look() {
        for (outcome, reason) in [
            (Outcome::default(), Some("model_failed")),
            (does(Effect::Outcome(json!({}))), Some("model_failed")),
            (does(hands_over()), Some("agent")),
            (does(Effect::Close), None),
        ] {
            let batch = batch_of(&flow().definition, &outcome);
            let [conversation] = batch.changed::<Conversation>().try_into().expect("one");
            assert_eq!(
                conversation.attention().map(|attention| &*attention.reason),
                reason
            );
            assert!(batch.inserted::<Message>().is_empty() && !conversation.waits_for_ai());
        }
    }
}
