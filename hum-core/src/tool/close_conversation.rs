use async_trait::async_trait;
use serde_json::Value;

use super::{Effect, Tool, Tools};

/// Closes the conversation.
pub(super) struct CloseConversation;

#[async_trait]
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

    async fn call(&self, _: &Tools, _: &Value) -> Result<(Option<Effect>, String), String> {
        Ok((
            Some(Effect::Close),
            "The conversation will be closed after your reply.".into(),
        ))
    }
}
