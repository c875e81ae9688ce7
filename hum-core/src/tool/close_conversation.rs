use serde_json::Value;

use super::{Effect, Tool};

/// Closes the conversation.
pub(super) struct CloseConversation;

impl Tool for CloseConversation {
    fn name(&self) -> &'static str {
        "close_conversation"
    }

    fn description(&self) -> &'static str {
        "Mark this conversation as done. It opens again by itself when the contact writes."
    }

    fn arguments(&self) -> &'static [(&'static str, &'static str, bool)] {
        &[]
    }

    fn call(&self, _: &Value) -> Result<(Effect, String), String> {
        Ok((Effect::Close, "The conversation will be closed after your reply.".into()))
    }
}
