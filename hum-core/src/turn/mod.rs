//! AI turns: a batch of texts in, one reply out.

mod language_model;
mod run_turn;

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::kernel::{
    clock::Timestamp,
    id::{ConversationId, FlowId, MessageId, OrgId, TurnId},
    store::StoreError,
};

pub use language_model::{
    LanguageModel, ModelDelta, ModelError, ModelItem, ModelReply, ModelRequest, ModelStream, ToolCall, ToolSpec, Usage, collect,
};

/// One turn of an agent in a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Which.
    pub id: TurnId,
    /// Whose.
    pub org: OrgId,
    /// Where.
    pub conversation: ConversationId,
    /// The flow version it is pinned to.
    pub flow: FlowId,
    /// See `flow`.
    pub flow_version: i64,
    /// The texts it answers: after `after_seq`, up to `upto_seq`.
    pub after_seq: i64,
    /// See `after_seq`.
    pub upto_seq: i64,
    /// What became of it.
    pub state: TurnState,
    /// The tool calls that the model made, in order, run or refused.
    pub tool_calls: Vec<ToolCallLog>,
    /// When it began.
    pub started_at: Timestamp,
    /// Store version.
    pub version: i64,
}

impl Turn {
    /// Whether the agent gave the conversation to people in this turn.
    pub fn handed_over(&self) -> bool {
        self.tool_calls.iter().any(|call| call.ran && call.name == "assign_to_human")
    }
}

/// What became of a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnState {
    /// The model is at work, or its process died.
    Running,
    /// Its reply, if it had one, and its effects were committed.
    Finished {
        /// When.
        at: Timestamp,
        /// The reply.
        reply: Option<MessageId>,
        /// The reply is the fallback message.
        fallback: bool,
    },
    /// Nothing of it took effect.
    Discarded {
        /// When.
        at: Timestamp,
        /// `newer_inbound`, `paused`, `opted_out`, `model_unavailable`, `crashed`.
        reason: String,
    },
}

/// One tool call of a turn.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ToolCallLog {
    /// The tool.
    pub name: String,
    /// As the model gave them.
    pub arguments: Value,
    /// What the model was told.
    pub output: String,
    /// Whether it ran; the allowlist and the schema refuse.
    pub ran: bool,
}

impl ToolCallLog {
    /// As events show it.
    pub fn to_json(&self) -> Value {
        json!({ "name": self.name, "arguments": self.arguments, "ran": self.ran })
    }
}

/// Reads of turns.
#[async_trait]
pub trait TurnReads: Send + Sync {
    /// By id.
    async fn turn(&self, id: TurnId) -> Result<Option<Turn>, StoreError>;
    /// Turns of a conversation that began at or after `since`, discarded ones not counted.
    async fn count_turns(&self, conversation: ConversationId, since: Timestamp) -> Result<i64, StoreError>;
    /// A turn of the conversation that is still `running`, if there is one.
    async fn running_turn(&self, conversation: ConversationId) -> Result<Option<Turn>, StoreError>;
}
