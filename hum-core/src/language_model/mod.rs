//! The port to a language model.

use std::{pin::Pin, time::Duration};

use async_trait::async_trait;
use futures_util::{Stream, StreamExt};
use serde_json::Value;

/// A language model that answers with text and tool calls.
///
/// hum treats every word of it as hostile: nothing that the model says can widen what a flow may
/// do.
#[async_trait]
pub trait LanguageModel: Send + Sync {
    /// Asks for one answer. Deltas come as they are made; the stream ends with [`ModelDelta::Done`]
    /// or an error.
    ///
    /// Repeating a request has no effect but its price. The adapter does not retry by itself.
    async fn respond(&self, request: ModelRequest) -> Result<ModelStream, ModelError>;
}

/// The answer as it is made.
pub type ModelStream = Pin<Box<dyn Stream<Item = Result<ModelDelta, ModelError>> + Send>>;

/// One question.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelRequest {
    /// The provider's model name; the adapter's default when it is `None`.
    pub model: Option<String>,
    /// The operator's words: the only place for instructions.
    pub instructions: String,
    /// The conversation so far, oldest first. Untrusted.
    pub items: Vec<ModelItem>,
    /// What the model may call.
    pub tools: Vec<ToolSpec>,
    /// The adapter gives up after this.
    pub timeout: Duration,
}

/// One piece of the conversation.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelItem {
    /// The contact said.
    User(String),
    /// The agent, or a person of the organization, said.
    Assistant(String),
    /// The model called a tool.
    ToolCall(ToolCall),
    /// What the tool answered.
    ToolResult {
        /// Of which call.
        call_id: String,
        /// For the model.
        output: String,
    },
}

/// A tool call as the model made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// The model's id of the call.
    pub id: String,
    /// Any text: not necessarily a tool that exists.
    pub name: String,
    /// Any text: not necessarily JSON.
    pub arguments: String,
}

/// A tool as the model sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolSpec {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// JSON Schema of its arguments, an object without additional properties.
    pub parameters: Value,
}

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelDelta {
    /// More text.
    Text(String),
    /// A complete tool call.
    ToolCall(ToolCall),
    /// The end of a complete answer.
    Done(Usage),
}

/// What an answer cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModelReply {
    /// The text, empty when there was none.
    pub text: String,
    /// The calls, in order.
    pub tool_calls: Vec<ToolCall>,
    /// What it cost.
    pub usage: Usage,
}

/// The model gave no usable answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// Busy, unreachable, timed out, broken off. Worth retrying.
    #[error("the model did not answer: {0}")]
    Unavailable(String),
    /// Wrong key, unknown model, refused request. Not worth retrying.
    #[error("the model refused the request: {0}")]
    Rejected(String),
}

/// Reads a stream to its end. An endless answer is cut at 64 KiB of text or 64 tool calls.
///
/// # Errors
/// The stream's error, or `Unavailable` when it ended without [`ModelDelta::Done`].
pub async fn collect(mut stream: ModelStream) -> Result<ModelReply, ModelError> {
    let mut reply = ModelReply::default();
    while let Some(delta) = stream.next().await {
        match delta? {
            ModelDelta::Text(text) => reply.text.push_str(&text),
            ModelDelta::ToolCall(call) => reply.tool_calls.push(call),
            ModelDelta::Done(usage) => {
                reply.usage = usage;
                return Ok(reply);
            }
        }
        if reply.text.len() > 64 * 1024 || reply.tool_calls.len() >= 64 {
            return Ok(reply);
        }
    }
    Err(ModelError::Unavailable("the answer broke off".into()))
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, stream};

    use super::{ModelDelta, ModelError, ModelReply, ToolCall, Usage, collect};

    fn collected(
        deltas: impl IntoIterator<Item = Result<ModelDelta, ModelError>, IntoIter: Send + 'static>,
    ) -> Result<ModelReply, ModelError> {
        collect(Box::pin(stream::iter(deltas)))
            .now_or_never()
            .expect("nothing is waited for")
    }

    fn call() -> ModelDelta {
        ModelDelta::ToolCall(ToolCall {
            id: "1".into(),
            name: "close_conversation".into(),
            arguments: "{}".into(),
        })
    }

    #[test]
    fn an_answer_is_its_pieces_up_to_its_end() {
        let usage = Usage {
            input_tokens: 3,
            output_tokens: 2,
        };
        let pieces = ["Hel", "lo", ""].map(|piece| Ok(ModelDelta::Text(piece.into())));
        let after = [
            Ok(call()),
            Ok(ModelDelta::Done(usage)),
            Ok(ModelDelta::Text("later".into())),
        ];
        let reply = collected(pieces.into_iter().chain(after)).expect("it is complete");
        assert_eq!(
            (&*reply.text, reply.tool_calls.len(), reply.usage),
            ("Hello", 1, usage)
        );
    }

    #[test]
    fn an_answer_that_breaks_off_is_none() {
        let said = || Ok(ModelDelta::Text("Hello".into()));
        assert!(matches!(
            collected([said()]),
            Err(ModelError::Unavailable(_))
        ));
        let refused = ModelError::Rejected("no".into());
        assert_eq!(collected([said(), Err(refused.clone())]), Err(refused));
    }

    #[test]
    fn an_endless_answer_is_cut() {
        let endless = std::iter::repeat_with(|| Ok(ModelDelta::Text("a".repeat(1024))));
        assert_eq!(
            collected(endless).map(|reply| reply.text.len()),
            Ok(65 * 1024)
        );
        assert_eq!(
            collected(std::iter::repeat_with(|| Ok(call()))).map(|reply| reply.tool_calls.len()),
            Ok(64)
        );
    }
}
