//! Tools that agents may use. One file per tool; `BUILT_IN` is the list.

mod assign_to_human;
mod close_conversation;
mod lookup_internet_plans;
mod report_outcome;

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::{
    app::Hum,
    kernel::{clock::Timestamp, entropy::Entropy, event::Event},
    sms::{BY_AGENT, Conversation},
    turn::ToolSpec,
};

/// A tool that is part of hum.
///
/// A tool stages its effects; they are committed with the reply, or never. It may look things up, and changes nothing by itself.
#[async_trait]
pub trait Tool: Sync {
    /// As flows list it and the model calls it.
    fn name(&self) -> &'static str;
    /// What it is for, for the model.
    fn description(&self) -> &'static str;
    /// Its arguments: name, description, required. All are text.
    fn arguments(&self) -> &'static [(&'static str, &'static str, bool)];
    /// Reads the arguments, which fit [`Tool::arguments`], into an effect, if there is one, and the answer for the model.
    ///
    /// # Errors
    /// A sentence for the model.
    async fn call(&self, hum: &Hum, arguments: &Value) -> Result<(Option<Effect>, String), String>;
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
            .map(|(name, description, _)| ((*name).to_owned(), json!({ "type": "string", "description": description })))
            .collect();
        let required: Vec<&str> = self.arguments().iter().filter(|(.., required)| *required).map(|(name, ..)| *name).collect();
        ToolSpec {
            name: self.name().into(),
            description: self.description().into(),
            parameters: json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false }),
        }
    }

    /// Checks the model's text against [`Tool::arguments`] and calls.
    pub(crate) async fn call_with_text(&self, hum: &Hum, arguments: &str) -> (Value, Result<(Option<Effect>, String), String>) {
        let value: Value = match serde_json::from_str(if arguments.trim().is_empty() { "{}" } else { arguments }) {
            Ok(value) => value,
            Err(_) => return (Value::String(arguments.chars().take(1000).collect()), Err("the arguments are not JSON".into())),
        };
        let result = match self.check(&value) {
            Ok(()) => self.call(hum, &value).await,
            Err(why) => Err(why),
        };
        (value, result)
    }

    fn check(&self, value: &Value) -> Result<(), String> {
        let object = value.as_object().ok_or("the arguments must be a JSON object")?;
        for (name, value) in object {
            if !self.arguments().iter().any(|(known, ..)| known == name) {
                return Err(format!("there is no argument {name:?}"));
            }
            match value.as_str() {
                Some(text) if text.chars().count() <= 2000 && !text.contains('\0') => {}
                _ => return Err(format!("{name} must be a text of at most 2,000 characters")),
            }
        }
        match self.arguments().iter().find(|(name, _, required)| *required && !object.contains_key(*name)) {
            Some((name, ..)) => Err(format!("{name} is missing")),
            None => Ok(()),
        }
    }
}

impl Effect {
    /// Changes the conversation; answers the events of it.
    pub(crate) fn apply(&self, conversation: &mut Conversation, now: Timestamp, entropy: &dyn Entropy) -> Vec<Event> {
        match self {
            Self::AssignToHuman { note } => vec![conversation.hand_over(BY_AGENT, note, now, entropy)],
            Self::Close => conversation.close(now, entropy).into_iter().collect(),
            Self::Outcome(outcome) => vec![conversation.report(outcome.clone(), now, entropy)],
        }
    }

    /// Whether the contact may be left without a reply: a person takes over, or the talk is done.
    pub(crate) fn allows_silence(&self) -> bool {
        matches!(self, Self::AssignToHuman { .. } | Self::Close)
    }
}
