use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::kernel::{
    entropy::Entropy,
    error::FieldError,
    record::{Field, Sample},
};

/// Everything about an agent that a person edits; one version's content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlowDefinition {
    /// For people; 1 to 200 characters.
    pub name: String,
    /// Answers, or places calls.
    #[serde(default)]
    pub kind: FlowKind,
    /// Voice or text.
    #[serde(default)]
    pub channel: Channel,
    /// What starts it.
    #[serde(default)]
    pub trigger_type: TriggerType,
    /// For `trigger_type: event`.
    #[serde(default)]
    pub trigger_events: Vec<String>,
    /// Opening phrase of calls.
    #[serde(default)]
    pub greeting: String,
    /// The main instructions; at most 32,000 characters.
    #[serde(default)]
    pub system_prompt: String,
    /// Whether callers may leave a message.
    #[serde(default)]
    pub voicemail_enabled: bool,
    /// Whether calls begin with a notice of recording.
    #[serde(default)]
    pub announce_recording: bool,
    /// Weekly schedule and zone, kept as given.
    #[serde(default)]
    pub business_hours: Option<Value>,
    /// The tools that the agent may use, by name; nothing else runs whatever the model says.
    #[serde(default)]
    pub tools: Vec<String>,
    /// How it texts.
    #[serde(default)]
    pub sms: SmsConfig,
}

/// Answers, or places calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowKind {
    /// Answers.
    #[default]
    Inbound,
    /// Places calls with a task.
    Outbound,
}

/// Voice or text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Calls.
    #[default]
    Voice,
    /// Texts.
    Sms,
}

/// What starts a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerType {
    /// A call.
    #[default]
    Call,
    /// A text.
    Message,
    /// One of `trigger_events`.
    Event,
}

/// How an agent texts, and what stops it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SmsConfig {
    /// Longer replies are cut at a word; 1 to 1,600 characters.
    pub max_reply_chars: u32,
    /// How long to wait for more texts before answering, milliseconds; 0 to 60,000.
    pub debounce_ms: u32,
    /// Turns per ten minutes and conversation, then a person takes over; 1 to 100.
    pub max_turns_per_window: u32,
    /// Turns per 24 hours and conversation, then a person takes over; 1 to 500.
    pub max_turns_per_day: u32,
    /// Tool calls per turn; 0 to 32.
    pub max_tool_calls: u32,
    /// Sent when the model gave no usable reply; nothing is sent when it is `None`.
    pub fallback_message: Option<String>,
    /// The model's name at the provider; the server's default when it is `None`.
    pub model: Option<String>,
}

impl Default for SmsConfig {
    fn default() -> Self {
        Self {
            max_reply_chars: 1600,
            debounce_ms: 1500,
            max_turns_per_window: 30,
            max_turns_per_day: 60,
            max_tool_calls: 8,
            fallback_message: None,
            model: None,
        }
    }
}

/// The longest text a carrier takes: 1,600 characters
/// (<https://www.twilio.com/docs/api/errors/21617>).
pub const MAX_BODY_CHARS: usize = 1600;

impl FlowDefinition {
    /// An agent with a name and defaults.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind: FlowKind::default(),
            channel: Channel::default(),
            trigger_type: TriggerType::default(),
            trigger_events: Vec::new(),
            greeting: String::new(),
            system_prompt: String::new(),
            voicemail_enabled: false,
            announce_recording: false,
            business_hours: None,
            tools: Vec::new(),
            sms: SmsConfig::default(),
        }
    }

    /// Everything that is wrong with it, with pointers in the names of the API. `tools` are those
    /// that exist.
    pub fn problems(&self, tools: &[&str]) -> Vec<FieldError> {
        let mut problems = self.wrong_texts();
        problems.extend(self.sms.out_of_range());
        for (index, name) in self.tools.iter().enumerate() {
            if !tools.contains(&name.as_str()) {
                problems.push(FieldError::new(
                    format!("/tools_json/{index}"),
                    format!("no such tool; there are {}", tools.join(", ")),
                ));
            }
        }
        if self.trigger_events.len() > 50 {
            problems.push(FieldError::new(
                "/trigger_events",
                "must have at most 50 entries",
            ));
        }
        problems
    }

    fn wrong_texts(&self) -> Vec<FieldError> {
        let mut problems = Vec::new();
        let mut text = |pointer: &str, value: &str, min: usize, max: usize| {
            let chars = value.chars().count();
            if chars < min || chars > max {
                problems.push(FieldError::new(
                    pointer,
                    format!("must have {min} to {max} characters, has {chars}"),
                ));
            } else if value.contains('\0') {
                problems.push(FieldError::new(pointer, "must not contain a NUL character"));
            }
        };
        text("/name", &self.name, 1, 200);
        text("/greeting", &self.greeting, 0, 4_000);
        text("/system_prompt", &self.system_prompt, 0, 32_000);
        if let Some(fallback) = &self.sms.fallback_message {
            let pointer = "/sms_config_json/fallback_message";
            text(pointer, fallback, 1, MAX_BODY_CHARS);
        }
        if let Some(model) = &self.sms.model {
            text("/sms_config_json/model", model, 1, 100);
        }
        for (index, event) in self.trigger_events.iter().enumerate() {
            text(&format!("/trigger_events/{index}"), event, 1, 100);
        }
        problems
    }
}

impl SmsConfig {
    fn out_of_range(&self) -> impl Iterator<Item = FieldError> {
        let limits = [
            (
                "max_reply_chars",
                self.max_reply_chars,
                1..=MAX_BODY_CHARS as u32,
            ),
            ("debounce_ms", self.debounce_ms, 0..=60_000),
            ("max_turns_per_window", self.max_turns_per_window, 1..=100),
            ("max_turns_per_day", self.max_turns_per_day, 1..=500),
            ("max_tool_calls", self.max_tool_calls, 0..=32),
        ];
        limits
            .into_iter()
            .filter(|(_, value, range)| !range.contains(value))
            .map(|(name, value, range)| {
                FieldError::new(
                    format!("/sms_config_json/{name}"),
                    format!(
                        "must be between {} and {}, is {value}",
                        range.start(),
                        range.end()
                    ),
                )
            })
    }
}

impl Sample for FlowDefinition {
    fn sample(entropy: &dyn Entropy) -> Self {
        Self {
            business_hours: Some(
                serde_json::json!({ "mon": [["09:00", "17:00"]], "zone": "America/New_York" }),
            ),
            tools: <Vec<String> as Sample>::sample(entropy),
            sms: SmsConfig {
                debounce_ms: u32::sample(entropy),
                fallback_message: Some(String::sample(entropy)),
                ..SmsConfig::default()
            },
            ..Self::named(<String as Field>::sample(entropy))
        }
    }
}
