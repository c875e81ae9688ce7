use hum_core::flow::{Channel, FlowDefinition, FlowKind, SmsConfig, TriggerType};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use crate::extract::{Flag, Patch, ToolName};

macro_rules! names {
    ($(#[$doc:meta])* $name:ident of $core:ident { $($(#[$variant_doc:meta])* $variant:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub(super) enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl From<$core> for $name {
            fn from(value: $core) -> Self {
                match value { $($core::$variant => Self::$variant,)* }
            }
        }

        impl From<$name> for $core {
            fn from(value: $name) -> Self {
                match value { $($name::$variant => Self::$variant,)* }
            }
        }
    };
}

names! {
    /// Answers, or places calls.
    FlowKindName of FlowKind { Inbound, Outbound }
}
names! {
    /// Voice or text.
    ChannelName of Channel { Voice, Sms }
}
names! {
    /// What starts a flow.
    TriggerTypeName of TriggerType { Call, Message, Event }
}

/// A new agent: like a change, but with a name.
#[derive(Debug, Clone)]
pub(super) struct NewFlow(FlowChange);

impl<'de> Deserialize<'de> for NewFlow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let change = FlowChange::deserialize(deserializer)?;
        if change.name.0.is_some() {
            Ok(Self(change))
        } else {
            Err(D::Error::missing_field("name"))
        }
    }
}

impl PartialSchema for NewFlow {
    fn schema() -> RefOr<Schema> {
        let mut schema = FlowChange::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            object.required.push("name".into());
            object.description = Some("A new agent. What is left out has a default.".into());
        }
        schema
    }
}

impl ToSchema for NewFlow {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        FlowChange::schemas(schemas);
    }
}

/// Changes of an agent. What is left out stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FlowChange {
    #[serde(default)]
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    name: Patch<String>,
    #[serde(default)]
    #[schema(value_type = FlowKindName)]
    kind: Patch<FlowKindName>,
    #[serde(default)]
    #[schema(value_type = ChannelName)]
    channel: Patch<ChannelName>,
    #[serde(default)]
    #[schema(value_type = TriggerTypeName)]
    trigger_type: Patch<TriggerTypeName>,
    /// For `trigger_type` `event`.
    #[serde(default)]
    #[schema(value_type = Vec<String>, max_items = 50)]
    trigger_events: Patch<Vec<String>>,
    /// Opening phrase of calls.
    #[serde(default)]
    #[schema(value_type = String, max_length = 4000)]
    greeting: Patch<String>,
    /// The main instructions.
    #[serde(default)]
    #[schema(value_type = String, max_length = 32000)]
    system_prompt: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Flag)]
    voicemail_enabled: Patch<Flag>,
    #[serde(default)]
    #[schema(value_type = Flag)]
    announce_recording: Patch<Flag>,
    /// Weekly schedule and zone: an object, a string that holds one, or null.
    #[serde(default)]
    #[schema(schema_with = schema::object_or_text)]
    business_hours_json: Patch<Option<Map<String, Value>>>,
    /// The tools that the agent may use: a list of names or of objects with a `name`, or a string
    /// that holds one.
    #[serde(default)]
    #[schema(schema_with = schema::tools_or_text)]
    tools_json: Patch<Vec<ToolName>>,
    /// How it texts: an object, or a string that holds one. It is laid over what holds already,
    /// field by field.
    #[serde(default)]
    #[schema(schema_with = schema::sms_config_or_text)]
    sms_config_json: Patch<SmsConfigChange>,
}

/// Changes of how an agent texts.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SmsConfigChange {
    /// Longer replies are cut at a word.
    #[serde(default)]
    #[schema(value_type = u32, minimum = 1, maximum = 1600)]
    max_reply_chars: Patch<u32>,
    /// How long to wait for more texts before answering.
    #[serde(default)]
    #[schema(value_type = u32, maximum = 60000)]
    debounce_ms: Patch<u32>,
    /// In ten minutes and one conversation; then a person takes over.
    #[serde(default)]
    #[schema(value_type = u32, minimum = 1, maximum = 100)]
    max_turns_per_window: Patch<u32>,
    /// In 24 hours and one conversation; then a person takes over.
    #[serde(default)]
    #[schema(value_type = u32, minimum = 1, maximum = 500)]
    max_turns_per_day: Patch<u32>,
    #[serde(default)]
    #[schema(value_type = u32, maximum = 32)]
    max_tool_calls: Patch<u32>,
    /// Sent when the model gave no usable reply.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 1600)]
    fallback_message: Patch<Option<String>>,
    /// The model's name at the provider.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100)]
    model: Patch<Option<String>>,
}

mod schema {
    use utoipa::{
        PartialSchema as _,
        openapi::{ArrayBuilder, ObjectBuilder, OneOfBuilder, RefOr, Schema, schema::Type},
    };

    use super::{SmsConfigChange, ToolName};

    fn or_text(schema: impl Into<RefOr<Schema>>) -> OneOfBuilder {
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .content_media_type("application/json");
        OneOfBuilder::new().item(schema).item(text)
    }

    pub fn object_or_text() -> OneOfBuilder {
        or_text(ObjectBuilder::new().schema_type(Type::Object))
            .item(ObjectBuilder::new().schema_type(Type::Null))
    }

    pub fn tools_or_text() -> OneOfBuilder {
        or_text(ArrayBuilder::new().items(ToolName::schema()))
    }

    pub fn sms_config_or_text() -> OneOfBuilder {
        or_text(SmsConfigChange::schema())
    }
}

impl From<NewFlow> for FlowDefinition {
    fn from(new: NewFlow) -> Self {
        new.0.applied_to(Self::named(""))
    }
}

impl FlowChange {
    /// The definition that comes of it.
    pub fn applied_to(self, mut definition: FlowDefinition) -> FlowDefinition {
        self.name.apply(&mut definition.name);
        set(self.kind, &mut definition.kind);
        set(self.channel, &mut definition.channel);
        set(self.trigger_type, &mut definition.trigger_type);
        self.trigger_events.apply(&mut definition.trigger_events);
        self.greeting.apply(&mut definition.greeting);
        self.system_prompt.apply(&mut definition.system_prompt);
        set(self.voicemail_enabled, &mut definition.voicemail_enabled);
        set(self.announce_recording, &mut definition.announce_recording);
        Patch(
            self.business_hours_json
                .0
                .map(|hours| hours.map(Value::Object)),
        )
        .apply(&mut definition.business_hours);
        Patch(
            self.tools_json
                .0
                .map(|tools| tools.into_iter().map(|tool| tool.0).collect()),
        )
        .apply(&mut definition.tools);
        if let Some(sms) = self.sms_config_json.0 {
            sms.apply(&mut definition.sms);
        }
        definition
    }
}

fn set<T: Into<U>, U>(patch: Patch<T>, to: &mut U) {
    Patch(patch.0.map(T::into)).apply(to);
}

impl From<Flag> for bool {
    fn from(flag: Flag) -> Self {
        flag.0
    }
}

impl SmsConfigChange {
    fn apply(self, sms: &mut SmsConfig) {
        self.max_reply_chars.apply(&mut sms.max_reply_chars);
        self.debounce_ms.apply(&mut sms.debounce_ms);
        self.max_turns_per_window
            .apply(&mut sms.max_turns_per_window);
        self.max_turns_per_day.apply(&mut sms.max_turns_per_day);
        self.max_tool_calls.apply(&mut sms.max_tool_calls);
        self.fallback_message.apply(&mut sms.fallback_message);
        self.model.apply(&mut sms.model);
    }
}
