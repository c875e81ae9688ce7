use std::collections::{BTreeMap, BTreeSet};

use hum_core::{
    event::EventKind,
    webhook::{NewWebhook, WebhookPatch},
};
use serde::{Deserialize, Deserializer, de};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

use crate::extract::{Flag, Patch};

/// The name of an event.
#[derive(Debug, Clone, Copy)]
pub(super) struct EventName(EventKind);

impl<'de> Deserialize<'de> for EventName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        EventKind::parse(&name).map(Self).ok_or_else(|| {
            let known: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
            de::Error::custom(format!("no such event; there are {}", known.join(", ")))
        })
    }
}

impl PartialSchema for EventName {
    fn schema() -> RefOr<Schema> {
        let names = EventKind::ALL.iter().map(|kind| kind.as_str());
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(names))
            .into()
    }
}

impl ToSchema for EventName {}

/// A new endpoint.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewEndpoint {
    /// An absolute URL with a public address.
    #[schema(format = "uri", max_length = 2000)]
    url: String,
    #[schema(min_items = 1)]
    events: Vec<EventName>,
    /// Additional headers, at most 20; their values are never shown again.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// For people.
    #[serde(default)]
    #[schema(max_length = 200)]
    description: String,
}

/// Changes of an endpoint. What is left out stays.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointChange {
    /// An absolute URL with a public address.
    #[serde(default)]
    #[schema(value_type = String, format = "uri", max_length = 2000)]
    url: Patch<String>,
    /// At least one.
    #[serde(default)]
    #[schema(value_type = Vec<EventName>, min_items = 1)]
    events: Patch<Vec<EventName>>,
    /// All additional headers.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    headers: Patch<BTreeMap<String, String>>,
    /// For people.
    #[serde(default)]
    #[schema(value_type = String, max_length = 200)]
    description: Patch<String>,
    /// Whether deliveries are made. Enabling continues where it stopped.
    #[serde(default)]
    #[schema(value_type = Flag)]
    enabled: Patch<Flag>,
}

fn kinds(names: Vec<EventName>) -> BTreeSet<EventKind> {
    names.into_iter().map(|name| name.0).collect()
}

impl From<NewEndpoint> for NewWebhook {
    fn from(new: NewEndpoint) -> Self {
        Self {
            url: new.url,
            description: new.description,
            events: kinds(new.events),
            headers: new.headers,
        }
    }
}

impl From<EndpointChange> for WebhookPatch {
    fn from(change: EndpointChange) -> Self {
        Self {
            url: change.url.0,
            description: change.description.0,
            events: change.events.0.map(kinds),
            headers: change.headers.0,
            enabled: change.enabled.0.map(|flag| flag.0),
        }
    }
}
