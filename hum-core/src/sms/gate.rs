//! The last gate: whether a text that waits may leave, right before it does.

use std::time::Duration;

use crate::{consent::Consent, kernel::clock::Timestamp, telephony::CarrierCredentials};

use super::{Conversation, Message, Source, Turn};

/// A confirmation must come within five minutes (47 CFR 64.1200(a)(12)).
const CONFIRMATION_MAX_AGE: Duration = Duration::from_secs(5 * 60);
/// An agent's answer that is later than this answers nobody.
const AI_MAX_AGE: Duration = Duration::from_secs(3600);
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);
/// The longest a carrier keeps a text
/// (<https://www.twilio.com/docs/messaging/api/message-resource>).
const MAX_VALIDITY: Duration = Duration::from_secs(36_000);
/// Above every flow's own cap: whatever a flow says, an agent does not send more per conversation
/// and day.
const MAX_AI_MESSAGES_PER_DAY: i64 = 500;

/// A text that waits, and what decides whether it leaves.
pub(super) struct Waiting {
    pub message: Message,
    pub conversation: Conversation,
    pub consent: Option<Consent>,
    /// The turn that wrote it.
    pub turn: Option<Turn>,
    /// How many texts the agent sent in this conversation in the last 24 hours, when this is one.
    pub ai_today: i64,
    /// What the conversation's number is used with.
    pub account: Option<CarrierCredentials>,
}

/// What the last gate says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Gate {
    Send { validity: Duration },
    OptedOut,
    Withhold(&'static str),
}

impl Waiting {
    pub fn gate(&self, now: Timestamp) -> Gate {
        let source = self.message.source;
        if self.consent.as_ref().is_some_and(Consent::is_opted_out)
            && source != Source::Confirmation
        {
            return Gate::OptedOut;
        }
        if source == Source::Ai
            && let Some(why) = self.silences_agent()
        {
            return Gate::Withhold(why);
        }
        let max_age = match source {
            Source::Confirmation => CONFIRMATION_MAX_AGE,
            Source::Ai => AI_MAX_AGE,
            Source::Human | Source::Api | Source::Contact => MAX_AGE,
        };
        let age = now.since(self.message.created_at);
        if age >= max_age {
            return Gate::Withhold("too late to be of use");
        }
        Gate::Send {
            validity: Duration::from_secs((max_age - age).min(MAX_VALIDITY).as_secs().max(1)),
        }
    }

    fn silences_agent(&self) -> Option<&'static str> {
        // What the agent says as it hands over is still said, unless a person was faster.
        let hands_over = self.conversation.waits_for_person()
            && self.turn.as_ref().is_some_and(Turn::handed_over);
        if !self.conversation.ai_may_speak() && !hands_over {
            return Some("a person took over first");
        }
        (self.ai_today >= MAX_AI_MESSAGES_PER_DAY)
            .then_some("the agent has sent too many messages today")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sms::{
        BY_AGENT, ToolCallLog,
        fixture::{conversation, later, moment, opted_out, turn, waiting},
    };

    const TOO_LATE: Gate = Gate::Withhold("too late to be of use");
    const TAKEN_OVER: Gate = Gate::Withhold("a person took over first");

    fn valid(seconds: u64) -> Gate {
        Gate::Send {
            validity: Duration::from_secs(seconds),
        }
    }

    #[test]
    fn who_opted_out_gets_one_confirmation_and_nothing_else() {
        for source in [Source::Ai, Source::Human, Source::Api] {
            let waiting = Waiting {
                consent: Some(opted_out()),
                ..waiting(source)
            };
            assert_eq!(waiting.gate(moment().now), Gate::OptedOut, "{source:?}");
        }
        let confirmation = Waiting {
            consent: Some(opted_out()),
            ..waiting(Source::Confirmation)
        };
        assert_eq!(confirmation.gate(moment().now), valid(300));
        let unknown = Waiting {
            consent: None,
            ..waiting(Source::Api)
        };
        assert_eq!(unknown.gate(moment().now), valid(36_000));
    }

    #[test]
    fn a_text_grows_too_old() {
        for (source, after, gate) in [
            (Source::Confirmation, 299, valid(1)),
            (Source::Confirmation, 300, TOO_LATE),
            (Source::Ai, 0, valid(3600)),
            (Source::Ai, 3600, TOO_LATE),
            (Source::Human, 23 * 3600, valid(3600)),
            (Source::Api, 24 * 3600 - 1, valid(1)),
            (Source::Api, 24 * 3600, TOO_LATE),
        ] {
            assert_eq!(
                waiting(source).gate(later(after).now),
                gate,
                "{source:?} after {after} s"
            );
        }
    }

    #[test]
    fn a_person_silences_the_agent_and_nobody_else() {
        let mut conversation = conversation(1);
        conversation.pause_ai();
        for (source, gate) in [
            (Source::Ai, TAKEN_OVER),
            (Source::Human, valid(36_000)),
            (Source::Api, valid(36_000)),
        ] {
            let waiting = Waiting {
                conversation: conversation.clone(),
                ..waiting(source)
            };
            assert_eq!(waiting.gate(moment().now), gate, "{source:?}");
        }
    }

    #[test]
    fn the_last_words_of_an_agent_are_said_unless_a_person_was_faster() {
        let call = ToolCallLog {
            name: "assign_to_human".into(),
            arguments: json!({}),
            output: String::new(),
            ran: true,
        };
        let handed_over = turn().finish(moment().now, None, false, vec![call]);
        let mut conversation = conversation(1);
        conversation.hand_over(BY_AGENT, "Wants a person.", moment());
        let mut taken = conversation.clone();
        taken.assign(Some("kim".into()), moment());
        for (conversation, turn, gate) in [
            (&conversation, Some(handed_over.clone()), valid(3600)),
            (&conversation, Some(turn()), TAKEN_OVER),
            (&conversation, None, TAKEN_OVER),
            (&taken, Some(handed_over), TAKEN_OVER),
        ] {
            let waiting = Waiting {
                conversation: conversation.clone(),
                turn,
                ..waiting(Source::Ai)
            };
            assert_eq!(waiting.gate(moment().now), gate);
        }
    }

    #[test]
    fn an_agent_has_a_limit_per_day() {
        for (ai_today, gate) in [
            (499, valid(3600)),
            (
                500,
                Gate::Withhold("the agent has sent too many messages today"),
            ),
        ] {
            assert_eq!(
                Waiting {
                    ai_today,
                    ..waiting(Source::Ai)
                }
                .gate(moment().now),
                gate
            );
        }
    }
}
