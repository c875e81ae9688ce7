//! The scalars that answers are made of, and how they are described.

use hum_core::{clock::Timestamp, number::E164};
use serde::Serialize;
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, schema::Type},
};

/// The name of a record: a prefix that says its kind, then letters and digits. Opaque.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(crate) struct Ref(String);

impl Ref {
    pub fn to(id: impl std::fmt::Display) -> Self {
        Self(id.to_string())
    }
}

impl PartialSchema for Ref {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("The name of a record: a prefix that says its kind, then 26 letters and digits. Opaque."))
            .examples(["flow_01KB4Z0Q4F9GJ2S3XWQK8V7R5T"])
            .into()
    }
}

impl ToSchema for Ref {}

/// An instant, RFC 3339 with milliseconds, UTC.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(transparent)]
pub(crate) struct Time(pub Timestamp);

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("An instant: RFC 3339 with milliseconds, UTC."))
            .examples(["2026-02-01T09:00:00.000Z"])
            .into()
    }
}

impl ToSchema for Time {}

/// A telephone number.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(crate) struct Phone(pub E164);

impl PartialSchema for Phone {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(r"^\+[1-9][0-9]{6,14}$"))
            .description(Some("A telephone number in E.164 form."))
            .examples(["+13175551234"])
            .into()
    }
}

impl ToSchema for Phone {}

/// The JSON of a view, for answers that are remembered.
pub(crate) fn json(view: impl Serialize) -> Value {
    serde_json::to_value(view).unwrap_or_default()
}
