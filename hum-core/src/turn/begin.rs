//! Whether a turn begins.

use crate::{
    consent::Consent,
    flow::{FlowDefinition, FlowVersion},
    kernel::{
        batch::Batch,
        decide::{Moment, Verdict},
    },
    language_model::ModelItem,
    sms::{Conversation, Message, Turn},
    usage::Usage,
};

use super::reply::history;

/// A conversation that waits for its agent, and what decides whether a turn begins.
pub(super) struct Waiting {
    pub conversation: Conversation,
    /// What the agent is.
    pub version: FlowVersion,
    /// A turn that still runs, though the job is claimed anew: its process died.
    pub died: Option<Turn>,
    /// How many turns began in the window of `max_turns_per_window`.
    pub in_window: i64,
    /// How many turns began in the last 24 hours.
    pub today: i64,
    /// The last messages, oldest first.
    pub messages: Vec<Message>,
}

/// A turn that began, and what the model is asked.
pub(super) struct Begun {
    pub turn: Turn,
    pub definition: FlowDefinition,
    pub items: Vec<ModelItem>,
}

/// Whether texts wait for the agent, and it may answer them.
pub(super) fn may_begin(conversation: &Conversation, consent: Option<&Consent>) -> bool {
    conversation.waits_for_ai()
        && conversation.ai_may_speak()
        && !consent.is_some_and(Consent::is_opted_out)
}

/// Begins a turn, or gives the conversation to people when the agent answered too often.
pub(super) fn begin(waiting: Waiting, moment: Moment<'_>) -> Verdict<Begun> {
    let mut batch = Batch::for_org(waiting.conversation.org);
    if let Some(died) = &waiting.died {
        batch.put(&died.clone().discard(moment.now, "crashed"));
    }
    if waiting.is_over_limit() {
        hand_over(waiting.conversation, &mut batch, moment);
        return Verdict::done(batch);
    }
    let begun = waiting.begun(moment);
    let place = batch.insert(&begun.turn);
    Usage::AiTurns.count(&mut batch, 1, moment.now);
    Verdict::proceed(batch, begun).stamped(place, |begun, version| begun.turn.version = version)
}

impl Waiting {
    fn is_over_limit(&self) -> bool {
        let sms = &self.version.definition.sms;
        self.in_window >= i64::from(sms.max_turns_per_window)
            || self.today >= i64::from(sms.max_turns_per_day)
    }

    fn begun(self, moment: Moment<'_>) -> Begun {
        let turn = Turn::begin(&self.conversation, &self.version, moment);
        let items = history(&self.messages, turn.upto_seq);
        Begun {
            turn,
            definition: self.version.definition,
            items,
        }
    }
}

fn hand_over(mut conversation: Conversation, batch: &mut Batch, moment: Moment<'_>) {
    let note = "The agent answered very often here; a person should look.";
    batch.emit(conversation.hand_over("turn_limit", note, moment));
    batch.put(&conversation);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        consent::ConsentSource,
        kernel::event::EventKind,
        turn::fixture::{conversation, flow, moment, org},
    };

    fn waiting(conversation: Conversation, in_window: i64, today: i64) -> Waiting {
        Waiting {
            conversation,
            version: flow(),
            died: None,
            in_window,
            today,
            messages: Vec::new(),
        }
    }

    #[test]
    fn the_agent_answers_when_a_text_waits_and_it_may_speak() {
        let mut paused = conversation(1);
        paused.pause_ai();
        paused.take(crate::sms::Direction::Inbound, moment());
        let mut answered = conversation(2);
        answered.answer(2);
        let unsaid = Consent::unsaid(org(), conversation(1).contact);
        let mut opted_out = unsaid.clone();
        opted_out.opt_out(ConsentSource::Keyword, moment().now);
        for (what, conversation, consent, may) in [
            ("a text waits", conversation(1), Some(&unsaid), true),
            (
                "nothing is known of the contact",
                conversation(1),
                None,
                true,
            ),
            ("nothing came in", conversation(0), Some(&unsaid), false),
            ("everything is answered", answered, Some(&unsaid), false),
            ("a person took over", paused, Some(&unsaid), false),
            (
                "the contact opted out",
                conversation(1),
                Some(&opted_out),
                false,
            ),
        ] {
            assert_eq!(may_begin(&conversation, consent), may, "{what}");
        }
    }

    #[test]
    fn each_limit_holds_alone() {
        for (in_window, today, over) in [
            (0, 0, false),
            (29, 59, false),
            (30, 30, true),
            (0, 60, true),
            (31, 61, true),
        ] {
            assert_eq!(
                waiting(conversation(1), in_window, today).is_over_limit(),
                over,
                "{in_window}, {today}"
            );
        }
    }

    #[test]
    fn a_turn_is_pinned_to_the_version_and_to_the_texts_so_far() {
        let mut conversation = conversation(3);
        conversation.answer(1);
        let Begun {
            turn, definition, ..
        } = waiting(conversation.clone(), 0, 0).begun(moment());
        assert_eq!((turn.flow, turn.flow_version), (flow().flow, flow().number));
        assert_eq!((turn.after_seq, turn.upto_seq), (1, 3));
        assert_eq!((turn.conversation, turn.version), (conversation.id, 0));
        assert_eq!(definition, flow().definition);
    }

    #[test]
    fn beyond_the_limit_people_take_over() {
        let mut batch = Batch::for_org(org());
        hand_over(conversation(1), &mut batch, moment());
        let [changed] = batch.changed::<Conversation>().try_into().expect("one");
        assert!(!changed.ai_may_speak() && !changed.waits_for_ai());
        assert_eq!(
            batch.first_event().map(|event| event.kind),
            Some(EventKind::ConversationAssigned)
        );
    }
}
