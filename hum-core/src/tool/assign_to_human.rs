use async_trait::async_trait;
use serde_json::Value;

use super::{Effect, Tool, Tools};

/// Hands the conversation to a person.
pub(super) struct AssignToHuman;

#[async_trait]
impl Tool for AssignToHuman {
    fn name(&self) -> &'static str {
        "assign_to_human"
    }

    fn description(&self) -> &'static str {
        "Hand this conversation to a person and stop answering. Use it when the contact asks for a person, or when you cannot help."
    }

    fn arguments(&self) -> &'static [(&'static str, &'static str, bool)] {
        &[(
            "reason",
            "Why, and what the person should know, in one or two sentences.",
            true,
        )]
    }

    async fn call(&self, _: &Tools, arguments: &Value) -> Result<(Option<Effect>, String), String> {
        let note = arguments["reason"].as_str().unwrap_or_default().to_owned();
        Ok((
            Some(Effect::AssignToHuman { note }),
            "A person will take over. Tell the contact so.".into(),
        ))
    }
}
