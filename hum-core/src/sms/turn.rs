use async_trait::async_trait;
use serde_json::{Value, json};

use crate::{
    flow::FlowVersion,
    kernel::{
        clock::Timestamp,
        decide::Moment,
        entropy::Entropy,
        id::{ConversationId, FlowId, MessageId, OrgId, TurnId},
        job::{JobKind, NewJob},
        record::{Column, Field, Fields, Reader, Sample, Writer, record},
        store::StoreError,
    },
};

use super::Conversation;

/// Answers the texts of a conversation, as its agent. Key: conversation. It runs in the capability
/// `turn`.
pub const AI_TURN: JobKind = JobKind::new("sms.ai_turn");

/// Answer this conversation at `run_at`, or later if more texts come.
pub(crate) fn ai_turn_job(
    conversation: ConversationId,
    org: OrgId,
    run_at: Timestamp,
    moment: Moment<'_>,
) -> NewJob {
    NewJob::new(AI_TURN, org, conversation, run_at, moment).moving_its_twin()
}

record! {
    /// One turn of an agent in a conversation.
    #[derive(Debug, Clone, PartialEq)]
    pub struct Turn in "turn" {
        /// Whose.
        key pub org: OrgId => "org_id",
        /// Which.
        key pub id: TurnId => "id",
        /// Where.
        fixed pub conversation: ConversationId => "conversation_id",
        /// The flow version it is pinned to.
        fixed pub flow: FlowId => "flow_id",
        /// See `flow`.
        fixed pub flow_version: i64 => "flow_version",
        /// The texts it answers: after `after_seq`, up to `upto_seq`.
        fixed pub after_seq: i64 => "after_seq",
        /// See `after_seq`.
        column pub upto_seq: i64 => "upto_seq",
        /// What became of it.
        group state: TurnState => ..,
        /// The tool calls that the model made, in order, run or refused.
        json tool_calls: Vec<ToolCallLog> => "tool_calls",
        /// When it began.
        fixed pub started_at: Timestamp => "started_at",
        /// Store version.
        version pub version: i64 => "version",
    }
}

impl Turn {
    /// A turn that answers what waits in the conversation now.
    pub fn begin(conversation: &Conversation, version: &FlowVersion, moment: Moment<'_>) -> Self {
        Self {
            org: conversation.org,
            id: TurnId::new(moment.now, moment.entropy),
            conversation: conversation.id,
            flow: version.flow,
            flow_version: version.number,
            after_seq: conversation.answered_seq(),
            upto_seq: conversation.last_inbound_seq(),
            state: TurnState::Running,
            tool_calls: Vec::new(),
            started_at: moment.now,
            version: 0,
        }
    }

    /// What became of it.
    pub fn state(&self) -> &TurnState {
        &self.state
    }

    /// The tool calls that the model made, in order, run or refused.
    pub fn tool_calls(&self) -> &[ToolCallLog] {
        &self.tool_calls
    }

    /// Whether the agent gave the conversation to people in this turn.
    pub fn handed_over(&self) -> bool {
        self.tool_calls
            .iter()
            .any(|call| call.ran && call.name == "assign_to_human")
    }

    /// Took effect: with `reply`, if it had one, which may be the fallback message.
    pub fn finish(
        self,
        now: Timestamp,
        reply: Option<MessageId>,
        fallback: bool,
        tool_calls: Vec<ToolCallLog>,
    ) -> Self {
        Self {
            state: TurnState::Finished {
                at: now,
                reply,
                fallback,
            },
            tool_calls,
            ..self
        }
    }

    /// Nothing of it takes effect.
    pub fn discard(self, now: Timestamp, reason: &str) -> Self {
        Self {
            state: TurnState::Discarded {
                at: now,
                reason: reason.into(),
            },
            ..self
        }
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

impl Fields for TurnState {
    const COLUMNS: &'static [Column] = &[
        Column::of::<String>("state"),
        Column::of::<Option<Timestamp>>("ended_at"),
        Column::of::<Option<MessageId>>("reply_id"),
        Column::of::<bool>("fallback"),
        Column::of::<Option<String>>("reason"),
    ];

    fn write(&self, row: &mut Writer) {
        let (name, at, reply, fallback, reason) = match self {
            Self::Running => ("running", None, None, false, None),
            Self::Finished {
                at,
                reply,
                fallback,
            } => ("finished", Some(*at), *reply, *fallback, None),
            Self::Discarded { at, reason } => {
                ("discarded", Some(*at), None, false, Some(reason.clone()))
            }
        };
        row.put_value(name);
        row.put(&at);
        row.put(&reply);
        row.put(&fallback);
        row.put(&reason);
    }

    fn read(row: &mut Reader) -> Result<Self, StoreError> {
        let name: String = row.take()?;
        let at: Option<Timestamp> = row.take()?;
        let (reply, fallback): (Option<MessageId>, bool) = (row.take()?, row.take()?);
        let reason: Option<String> = row.take()?;
        match (name.as_str(), at, reason) {
            ("running", ..) => Ok(Self::Running),
            ("finished", Some(at), _) => Ok(Self::Finished {
                at,
                reply,
                fallback,
            }),
            ("discarded", Some(at), Some(reason)) => Ok(Self::Discarded { at, reason }),
            ("finished" | "discarded", ..) => Err(row.corrupt("how it ended is missing")),
            _ => Err(row.corrupt("unknown name in state")),
        }
    }

    fn sample(entropy: &dyn Entropy) -> Self {
        let at = Timestamp::sample(entropy);
        match entropy.below(3) {
            0 => Self::Running,
            1 => Self::Finished {
                at,
                reply: <Option<MessageId> as Field>::sample(entropy),
                fallback: bool::sample(entropy),
            },
            _ => Self::Discarded {
                at,
                reason: String::sample(entropy),
            },
        }
    }
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

impl Sample for Vec<ToolCallLog> {
    fn sample(entropy: &dyn Entropy) -> Self {
        let call = |_| ToolCallLog {
            name: String::sample(entropy),
            arguments: <Value as Sample>::sample(entropy),
            output: String::sample(entropy),
            ran: bool::sample(entropy),
        };
        (0..entropy.below(3)).map(call).collect()
    }
}

/// Reads of turns.
#[async_trait]
pub trait TurnReads: Send + Sync {
    /// By id.
    async fn turn(&self, id: TurnId) -> Result<Option<Turn>, StoreError>;
    /// Turns of a conversation that began at or after `since`, discarded ones not counted.
    async fn count_turns(
        &self,
        conversation: ConversationId,
        since: Timestamp,
    ) -> Result<i64, StoreError>;
    /// A turn of the conversation that is still `running`, if there is one.
    async fn running_turn(&self, conversation: ConversationId) -> Result<Option<Turn>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kernel::record::Record as _,
        sms::fixture::{moment, turn},
    };

    #[test]
    fn every_state_is_stored() {
        let Moment { now, entropy } = moment();
        let call = ToolCallLog {
            name: "close".into(),
            arguments: json!({ "a": [1] }),
            output: "Done.".into(),
            ran: true,
        };
        let finished = turn().finish(now, Some(MessageId::new(now, entropy)), true, vec![call]);
        for turn in [
            turn(),
            finished,
            turn().finish(now, None, false, Vec::new()),
            turn().discard(now, "paused"),
        ] {
            assert_eq!(Turn::from_row(turn.to_row()).expect("a turn"), turn);
        }
    }

    #[test]
    fn only_a_call_that_ran_hands_over() {
        for (name, ran, handed_over) in [
            ("assign_to_human", true, true),
            ("assign_to_human", false, false),
            ("close_conversation", true, false),
        ] {
            let call = ToolCallLog {
                name: name.into(),
                arguments: json!({}),
                output: String::new(),
                ran,
            };
            assert_eq!(
                turn()
                    .finish(moment().now, None, false, vec![call])
                    .handed_over(),
                handed_over,
                "{name}, {ran}"
            );
        }
    }
}
