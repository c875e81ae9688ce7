use hum_core::flow::{Flow, FlowDefinition, FlowVersion, SmsConfig};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::view::{Ref, Time};

use super::wire::{ChannelName, FlowKindName, TriggerTypeName};

/// An AI agent, in its newest version.
#[derive(Serialize, ToSchema)]
pub(super) struct FlowView {
    id: Ref,
    #[serde(flatten)]
    definition: DefinitionView,
    /// The number of the newest version, from 1.
    version: i64,
    created_at: Time,
    updated_at: Time,
}

/// One version of an AI agent.
#[derive(Serialize, ToSchema)]
pub(super) struct FlowVersionView {
    flow_id: Ref,
    /// From 1.
    version: i64,
    #[serde(flatten)]
    definition: DefinitionView,
    created_at: Time,
    /// The API key that made it, or `system`.
    created_by: String,
}

/// Everything about an agent that people edit.
#[derive(Serialize, ToSchema)]
struct DefinitionView {
    name: String,
    kind: FlowKindName,
    channel: ChannelName,
    trigger_type: TriggerTypeName,
    /// For `trigger_type` `event`.
    trigger_events: Vec<String>,
    /// Opening phrase of calls.
    greeting: String,
    /// The main instructions.
    system_prompt: String,
    voicemail_enabled: bool,
    announce_recording: bool,
    /// Weekly schedule and zone, as given.
    #[schema(value_type = Option<Object>)]
    business_hours_json: Option<Value>,
    /// The tools that the agent may use.
    tools_json: Vec<String>,
    sms_config_json: SmsConfigView,
}

/// How an agent texts, and what stops it.
#[derive(Serialize, ToSchema)]
struct SmsConfigView {
    max_reply_chars: u32,
    debounce_ms: u32,
    /// In ten minutes.
    max_turns_per_window: u32,
    max_turns_per_day: u32,
    max_tool_calls: u32,
    fallback_message: Option<String>,
    /// The model's name at the provider; null is the server's default.
    model: Option<String>,
}

impl From<&Flow> for FlowView {
    fn from(flow: &Flow) -> Self {
        Self {
            id: Ref::to(flow.id),
            definition: flow.definition().clone().into(),
            version: flow.latest(),
            created_at: Time(flow.created_at),
            updated_at: Time(flow.updated_at()),
        }
    }
}

impl From<FlowVersion> for FlowVersionView {
    fn from(version: FlowVersion) -> Self {
        Self {
            flow_id: Ref::to(version.flow),
            version: version.number,
            definition: version.definition.into(),
            created_at: Time(version.created_at),
            created_by: version.created_by,
        }
    }
}

impl From<FlowDefinition> for DefinitionView {
    fn from(definition: FlowDefinition) -> Self {
        Self {
            name: definition.name,
            kind: definition.kind.into(),
            channel: definition.channel.into(),
            trigger_type: definition.trigger_type.into(),
            trigger_events: definition.trigger_events,
            greeting: definition.greeting,
            system_prompt: definition.system_prompt,
            voicemail_enabled: definition.voicemail_enabled,
            announce_recording: definition.announce_recording,
            business_hours_json: definition.business_hours,
            tools_json: definition.tools,
            sms_config_json: definition.sms.into(),
        }
    }
}

impl From<SmsConfig> for SmsConfigView {
    fn from(sms: SmsConfig) -> Self {
        Self {
            max_reply_chars: sms.max_reply_chars,
            debounce_ms: sms.debounce_ms,
            max_turns_per_window: sms.max_turns_per_window,
            max_turns_per_day: sms.max_turns_per_day,
            max_tool_calls: sms.max_tool_calls,
            fallback_message: sms.fallback_message,
            model: sms.model,
        }
    }
}
