//! Tools that agents may use. One file per tool; `BUILT_IN` is the list.

mod assign_to_human;
mod close_conversation;
mod lookup_internet_plans;
mod report_outcome;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::{
    address_session::AddressSessions,
    kernel::{decide::Moment, event::Event},
    language_model::ToolSpec,
    sms::{BY_AGENT, Conversation},
};

/// A tool that is part of hum.
///
/// A tool stages its effects; they are committed with the reply, or never. It may look things up,
/// and changes nothing by itself.
#[async_trait]
pub trait Tool: Sync {
    /// As flows list it and the model calls it.
    fn name(&self) -> &'static str;
    /// What it is for, for the model.
    fn description(&self) -> &'static str;
    /// Its arguments: name, description, required. All are text.
    fn arguments(&self) -> &'static [(&'static str, &'static str, bool)];
    /// Reads the arguments, which fit [`Tool::arguments`], into an effect, if there is one, and the
    /// answer for the model.
    ///
    /// # Errors
    /// A sentence for the model.
    async fn call(
        &self,
        tools: &Tools,
        arguments: &Value,
    ) -> Result<(Option<Effect>, String), String>;
}

/// What tools may look things up with. Cheap to clone.
#[derive(Clone)]
pub struct Tools {
    address_sessions: AddressSessions,
}

impl Tools {
    /// Tools that look things up here.
    pub fn new(address_sessions: AddressSessions) -> Self {
        Self { address_sessions }
    }

    /// Providers and plans at an address.
    pub(crate) fn address_sessions(&self) -> &AddressSessions {
        &self.address_sessions
    }
}

/// What a tool wants to happen when the turn is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// A person takes over: the agent is paused.
    AssignToHuman {
        /// For the person.
        note: String,
    },
    /// The conversation is done.
    Close,
    /// The agent reports what came of it.
    Outcome(Value),
}

/// Every tool. A new one is a file beside this one and a line here.
pub const BUILT_IN: &[&dyn Tool] = &[
    &assign_to_human::AssignToHuman,
    &close_conversation::CloseConversation,
    &lookup_internet_plans::LookupInternetPlans,
    &report_outcome::ReportOutcome,
];

/// What flows may list.
pub(crate) fn names() -> Arc<[&'static str]> {
    BUILT_IN.iter().map(|tool| tool.name()).collect()
}

/// By name.
pub fn find(name: &str) -> Option<&'static dyn Tool> {
    BUILT_IN.iter().copied().find(|tool| tool.name() == name)
}

impl dyn Tool + '_ {
    /// As the model sees it.
    pub fn spec(&self) -> ToolSpec {
        let properties: serde_json::Map<String, Value> = self
            .arguments()
            .iter()
            .map(|(name, description, _)| {
                (
                    (*name).to_owned(),
                    json!({ "type": "string", "description": description }),
                )
            })
            .collect();
        let required: Vec<&str> = self
            .arguments()
            .iter()
            .filter(|(.., required)| *required)
            .map(|(name, ..)| *name)
            .collect();
        ToolSpec {
            name: self.name().into(),
            description: self.description().into(),
            parameters: json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false }),
        }
    }

    /// Checks the model's text against [`Tool::arguments`] and calls. Also answers the arguments as
    /// they are to be kept.
    pub(crate) async fn call_with_text(
        &self,
        tools: &Tools,
        text: &str,
    ) -> (Value, Result<(Option<Effect>, String), String>) {
        let (arguments, fit) = self.read(text);
        let result = match fit {
            Ok(()) => self.call(tools, &arguments).await,
            Err(why) => Err(why),
        };
        (arguments, result)
    }

    /// The model's text as arguments, and whether they fit.
    fn read(&self, text: &str) -> (Value, Result<(), String>) {
        match serde_json::from_str(if text.trim().is_empty() { "{}" } else { text }) {
            Ok(arguments) => {
                let fit = self.check(&arguments);
                (arguments, fit)
            }
            Err(_) => (
                Value::String(text.chars().take(1000).collect()),
                Err("the arguments are not JSON".into()),
            ),
        }
    }

    fn check(&self, value: &Value) -> Result<(), String> {
        let object = value
            .as_object()
            .ok_or("the arguments must be a JSON object")?;
        for (name, value) in object {
            if !self.arguments().iter().any(|(known, ..)| known == name) {
                return Err(format!("there is no argument {name:?}"));
            }
            match value.as_str() {
                Some(text) if text.chars().count() <= 2000 && !text.contains('\0') => {}
                _ => return Err(format!("{name} must be a text of at most 2,000 characters")),
            }
        }
        match self
            .arguments()
            .iter()
            .find(|(name, _, required)| *required && !object.contains_key(*name))
        {
            Some((name, ..)) => Err(format!("{name} is missing")),
            None => Ok(()),
        }
    }
}

impl Effect {
    /// Changes the conversation; answers the events of it.
    pub(crate) fn apply(&self, conversation: &mut Conversation, moment: Moment<'_>) -> Vec<Event> {
        match self {
            Self::AssignToHuman { note } => vec![conversation.hand_over(BY_AGENT, note, moment)],
            Self::Close => conversation.close(moment).into_iter().collect(),
            Self::Outcome(outcome) => vec![conversation.report(outcome.clone(), moment)],
        }
    }

    /// Whether the contact may be left without a reply: a person takes over, or the talk is done.
    pub(crate) fn allows_silence(&self) -> bool {
        matches!(self, Self::AssignToHuman { .. } | Self::Close)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{BUILT_IN, Effect, find, names};

    #[test]
    fn every_tool_is_found_by_its_name_alone() {
        for tool in BUILT_IN {
            assert_eq!(
                find(tool.name()).map(|found| found.name()),
                Some(tool.name())
            );
        }
        assert_eq!(names().len(), BUILT_IN.len());
        for unknown in ["", "Report_outcome", "report_outcome ", "delete_everything"] {
            assert!(find(unknown).is_none(), "{unknown:?}");
        }
    }

    #[test]
    fn the_model_is_shown_exactly_the_arguments_that_are_checked() {
        for tool in BUILT_IN {
            let parameters = tool.spec().parameters;
            let shown: Vec<&String> = parameters["properties"]
                .as_object()
                .into_iter()
                .flat_map(serde_json::Map::keys)
                .collect();
            assert_eq!(shown.len(), tool.arguments().len(), "{}", tool.name());
            assert!(
                tool.arguments()
                    .iter()
                    .all(|(name, ..)| shown.iter().any(|shown| shown == name))
            );
            assert_eq!(parameters["additionalProperties"], false);
        }
    }

    #[test]
    fn arguments_that_do_not_fit_are_refused_in_words() {
        let tool = find("report_outcome").expect("it is built in");
        let long = json!({ "outcome": "x".repeat(2001), "summary": "s" }).to_string();
        for (text, refused) in [
            (r#"{"outcome":"confirmed","summary":"At ten."}"#, None),
            ("", Some("outcome is missing")),
            ("{}", Some("outcome is missing")),
            (r#"{"outcome":"confirmed"}"#, Some("summary is missing")),
            ("not JSON", Some("the arguments are not JSON")),
            ("[]", Some("the arguments must be a JSON object")),
            (
                r#"{"outcome":"a","summary":"b","org":"c"}"#,
                Some(r#"there is no argument "org""#),
            ),
            (
                r#"{"outcome":1,"summary":"b"}"#,
                Some("outcome must be a text of at most 2,000 characters"),
            ),
            (
                r#"{"outcome":"\u0000","summary":"b"}"#,
                Some("outcome must be a text of at most 2,000 characters"),
            ),
            (
                &long,
                Some("outcome must be a text of at most 2,000 characters"),
            ),
        ] {
            assert_eq!(tool.read(text).1.err().as_deref(), refused, "{text}");
        }
    }

    #[test]
    fn text_that_is_no_json_is_kept_in_part() {
        let tool = find("close_conversation").expect("it is built in");
        assert_eq!(
            tool.read(&"ü".repeat(5000)).0,
            Value::String("ü".repeat(1000))
        );
    }

    #[test]
    fn only_a_person_or_the_end_may_leave_the_contact_without_a_reply() {
        assert!(
            Effect::AssignToHuman {
                note: String::new()
            }
            .allows_silence()
        );
        assert!(Effect::Close.allows_silence());
        assert!(!Effect::Outcome(Value::Null).allows_silence());
    }
}
