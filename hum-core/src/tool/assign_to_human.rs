use serde_json::Value;

use super::{Effect, Tool};

/// Hands the conversation to a person.
pub(super) struct AssignToHuman;

impl Tool for AssignToHuman {
    fn name(&self) -> &'static str {
        "assign_to_human"
    }

    fn description(&self) -> &'static str {
        "Hand this conversation to a person and stop answering. Use it when the contact asks for a person, or when you cannot help."
    }

    fn arguments(&self) -> &'static [(&'static str, &'static str, bool)] {
        &[("reason", "Why, and what the person should know, in one or two sentences.", true)]
    }

    fn call(&self, arguments: &Value) -> Result<(Effect, String), String> {
        let note = arguments["reason"].as_str().unwrap_or_default().to_owned();
        Ok((Effect::AssignToHuman { note }, "A person will take over. Tell the contact so.".into()))
    }
}
