use hum_core::{
    address::State,
    address_session::SessionRequest,
    error::{Error, FieldError},
};
use serde_json::{Map, Value};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        AllOfBuilder, ObjectBuilder, OneOfBuilder, RefOr, Schema,
        schema::{AdditionalProperties, AnyOfBuilder, SchemaType, Type},
    },
};

/// What a client sends to open a session. Unknown fields are accepted and ignored: older clients
/// send more. Null is nothing.
pub(super) struct CreateSession;

/// The fields of a request that have the right types, and what is wrong with the others.
struct Fields<'a> {
    map: &'a Map<String, Value>,
    wrong: Vec<FieldError>,
}

impl Fields<'_> {
    fn text(&mut self, name: &str) -> Option<String> {
        match self.map.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => {
                self.wrong
                    .push(FieldError::new(format!("/{name}"), "must be a text"));
                None
            }
        }
    }

    /// Older clients send ZIP codes as numbers, which lose their leading zeros.
    fn zip(&mut self) -> Option<String> {
        match self.map.get("zip").and_then(Value::as_u64) {
            Some(number @ 0..=99_999) => Some(format!("{number:05}")),
            _ => self.text("zip"),
        }
    }

    fn degrees(&mut self, name: &str) -> Option<f64> {
        match self.map.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::Number(number)) => number.as_f64(),
            Some(_) => {
                self.wrong.push(FieldError::new(
                    format!("/{name}"),
                    "must be a number of degrees",
                ));
                None
            }
        }
    }
}

/// Reads a request. What the values must be is core's to say.
///
/// # Errors
/// Every field that has a wrong type.
pub(super) fn read(map: &Map<String, Value>) -> Result<SessionRequest, Error> {
    let mut fields = Fields {
        map,
        wrong: Vec::new(),
    };
    let request = SessionRequest {
        street1: fields.text("street1").unwrap_or_default(),
        street2: fields.text("street2"),
        city: fields.text("city"),
        state: fields.text("state"),
        zip: fields.zip(),
        latitude: fields.degrees("latitude"),
        longitude: fields.degrees("longitude"),
        campaign_id: fields.text("campaign_id"),
    };
    if fields.wrong.is_empty() {
        Ok(request)
    } else {
        Err(Error::Invalid(fields.wrong))
    }
}

fn text(kind: SchemaType, most: usize, description: &str, example: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(kind)
        .min_length(Some(1))
        .max_length(Some(most))
        .description(Some(description))
        .examples([example])
}

fn degrees(most: f64, description: &str, example: f64) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(or_null(Type::Number))
        .minimum(Some(-most))
        .maximum(Some(most))
        .description(Some(description))
        .examples([example])
}

fn or_null(kind: Type) -> SchemaType {
    SchemaType::from_iter([kind, Type::Null])
}

/// That these fields are there, and not null.
fn needs(fields: &[&str]) -> ObjectBuilder {
    fields.iter().fold(
        ObjectBuilder::new().schema_type(SchemaType::AnyValue),
        |object, field| {
            let there = ObjectBuilder::new()
                .schema_type(SchemaType::from_iter([Type::String, Type::Integer]));
            object.required(*field).property(*field, there)
        },
    )
}

impl PartialSchema for CreateSession {
    fn schema() -> RefOr<Schema> {
        let zip = OneOfBuilder::new()
            .item(
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .pattern(Some(r"^\d{5}(-\d{4})?$"))
                    .examples(["48034"]),
            )
            .item(
                ObjectBuilder::new()
                    .schema_type(Type::Integer)
                    .minimum(Some(0))
                    .maximum(Some(99_999)),
            )
            .item(ObjectBuilder::new().schema_type(Type::Null))
            .description(Some("The ZIP or ZIP+4 code."));
        let states = State::ALL
            .iter()
            .map(|state| serde_json::Value::from(state.as_str()));
        let state = ObjectBuilder::new()
            .schema_type(or_null(Type::String))
            .enum_values(Some(states.chain([serde_json::Value::Null])))
            .description(Some("The two-letter state."));
        let fields = ObjectBuilder::new()
            .property(
                "street1",
                text(
                    Type::String.into(),
                    100,
                    "House number and street.",
                    "29090 Tiffany Drive E",
                ),
            )
            .property(
                "street2",
                text(or_null(Type::String), 50, "Unit, apartment or suite.", "A2"),
            )
            .property(
                "city",
                text(or_null(Type::String), 50, "City.", "Southfield"),
            )
            .property("state", state)
            .property("zip", zip)
            .property(
                "latitude",
                degrees(
                    90.0,
                    "Where the address is, degrees north; together with longitude.",
                    42.501_721_339_274,
                ),
            )
            .property(
                "longitude",
                degrees(
                    180.0,
                    "Degrees east; together with latitude.",
                    -83.286_263_465_881,
                ),
            )
            .property(
                "campaign_id",
                text(
                    or_null(Type::String),
                    100,
                    "Your own name for where the session came from.",
                    "1iYyMxsnTy87tFOvukTi7V",
                ),
            )
            .required("street1")
            .additional_properties(Some(AdditionalProperties::FreeForm(true)));
        let combinations = AnyOfBuilder::new()
            .item(needs(&["zip"]))
            .item(needs(&["city", "state"]));
        AllOfBuilder::new()
            .item(fields)
            .item(combinations)
            .description(Some(
                "A US address: street1 and zip; street1, city and state; or street1, city and zip.",
            ))
            .into()
    }
}

impl ToSchema for CreateSession {}
