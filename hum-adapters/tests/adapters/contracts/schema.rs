//! A vendor's OpenAPI description, made into JSON Schema. Stricter than the description in two
//! points: a property that a schema does not know is an error, because a misspelt parameter is what
//! these tests are after, and 1.0 is no integer.

use jsonschema::{Draft, Keyword, ValidationError, Validator};
use serde_json::{Map, Value, json};

/// An OpenAPI description.
pub struct Description {
    document: Value,
    /// Its components, as JSON Schema.
    components: Value,
}

impl Description {
    pub fn new(document: Value) -> Self {
        let mut description = Self {
            components: Value::Null,
            document,
        };
        let mut components = json!({ "schemas": description.document["components"]["schemas"] });
        for schema in components["schemas"]
            .as_object_mut()
            .into_iter()
            .flat_map(Map::values_mut)
        {
            // What points here says whether it may be closed.
            description.translate(schema, false);
        }
        description.components = components;
        description
    }

    pub fn operation(&self, path: &str, method: &str) -> &Value {
        let operation = &self.document["paths"][path][method];
        assert!(operation.is_object(), "{method} {path} is not described");
        operation
    }

    /// Every example of an answer.
    pub fn examples(&self, operation: &Value, status: &str) -> Vec<Value> {
        let examples =
            operation["responses"][status]["content"]["application/json"]["examples"].as_object();
        examples
            .expect("examples")
            .values()
            .map(|example| example["value"].clone())
            .collect()
    }

    pub fn check_path(&self, operation: &Value, template: &str, path: &str) {
        let (template, path): (Vec<&str>, Vec<&str>) =
            (template.split('/').collect(), path.split('/').collect());
        assert_eq!(template.len(), path.len(), "{path:?}");
        for (wanted, part) in template.into_iter().zip(path) {
            let Some((before, name)) = wanted.split_once('{') else {
                assert_eq!(wanted, part);
                continue;
            };
            let (name, after) = name.split_once('}').unwrap();
            let value = part
                .strip_prefix(before)
                .and_then(|part| part.strip_suffix(after))
                .unwrap();
            self.check_text(&parameter(operation, "path", name)["schema"], name, value);
        }
    }

    pub fn check_query(&self, operation: &Value, pairs: &[(String, String)]) {
        for (name, value) in pairs {
            self.check_text(&parameter(operation, "query", name)["schema"], name, value);
        }
        for wanted in operation["parameters"].as_array().into_iter().flatten() {
            let required = wanted["in"] == "query" && wanted["required"] == true;
            assert!(
                !required || pairs.iter().any(|(name, _)| wanted["name"] == *name),
                "{} is missing",
                wanted["name"]
            );
        }
    }

    pub fn check_form(&self, operation: &Value, pairs: &[(String, String)]) {
        let Some(schema) =
            operation["requestBody"]["content"].get("application/x-www-form-urlencoded")
        else {
            assert!(pairs.is_empty());
            return;
        };
        let schema = &schema["schema"];
        for (name, value) in pairs {
            let property = self.resolve(&schema["properties"][name]);
            assert!(property.is_object(), "{name} is not a parameter");
            let repeated = pairs.iter().filter(|(other, _)| other == name).count() > 1;
            match property["type"] == "array" {
                true => self.check_text(&property["items"], name, value),
                false => {
                    assert!(!repeated, "{name} cannot be repeated");
                    self.check_text(property, name, value);
                }
            }
        }
        for required in schema["required"].as_array().into_iter().flatten() {
            assert!(
                pairs.iter().any(|(name, _)| required == name),
                "{required} is missing"
            );
        }
    }

    /// A value that travels as text.
    fn check_text(&self, schema: &Value, name: &str, text: &str) {
        let value = match self.resolve(schema)["type"].as_str() {
            Some("integer" | "number" | "boolean") => {
                serde_json::from_str(text).unwrap_or(Value::Null)
            }
            _ => Value::from(text),
        };
        self.check(schema, &value)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(reference) => self.resolve(
                self.document
                    .pointer(&reference[1..])
                    .unwrap_or_else(|| panic!("{reference}")),
            ),
            None => schema,
        }
    }

    /// Whether a value fits a schema.
    pub fn check(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let mut schema = schema.clone();
        self.translate(&mut schema, true);
        let validator = validator(&json!({ "allOf": [schema], "components": self.components }));
        let errors: Vec<String> = validator
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors.join("\n"))
        }
    }

    /// Makes a schema of OpenAPI 3.0 or 3.1 one of JSON Schema, and closes it where it describes a
    /// whole value.
    fn translate(&self, schema: &mut Value, is_whole: bool) {
        let closes = is_whole && self.knows_properties(schema);
        // A choice that only adds conditions to the properties beside it is not closed by itself.
        let choices_are_whole = !schema["properties"].is_object();
        let Value::Object(words) = schema else { return };
        // Vendors mean "any of" by it: several of OpenAI's choices fit the same value.
        if let Some(one) = words.remove("oneOf") {
            assert!(
                words.insert("anyOf".into(), one).is_none(),
                "oneOf beside anyOf"
            );
        }
        for part in words
            .get_mut("allOf")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            self.translate(part, false);
        }
        for part in words
            .get_mut("anyOf")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            self.translate(part, choices_are_whole);
        }
        for property in words
            .get_mut("properties")
            .and_then(Value::as_object_mut)
            .into_iter()
            .flat_map(Map::values_mut)
        {
            self.translate(property, true);
        }
        for word in ["items", "additionalProperties"] {
            if let Some(part) = words.get_mut(word) {
                self.translate(part, true);
            }
        }
        if words.get("type").is_some_and(|kind| kind == "integer") {
            words.insert("x-integer".into(), true.into());
        }
        if closes {
            words.insert("unevaluatedProperties".into(), false.into());
        }
        if words
            .remove("nullable")
            .is_some_and(|nullable| nullable == true)
        {
            *schema = json!({ "anyOf": [schema.take(), { "type": "null" }] });
        }
    }

    fn knows_properties(&self, schema: &Value) -> bool {
        let schema = self.resolve(schema);
        let parts = ["allOf", "anyOf", "oneOf"]
            .into_iter()
            .filter_map(|word| schema[word].as_array())
            .flatten();
        schema["properties"].is_object()
            || parts.into_iter().any(|part| self.knows_properties(part))
    }
}

fn parameter<'a>(operation: &'a Value, place: &str, name: &str) -> &'a Value {
    let mut parameters = operation["parameters"].as_array().into_iter().flatten();
    let found = parameters.find(|parameter| parameter["in"] == place && parameter["name"] == name);
    found.unwrap_or_else(|| panic!("{name} is not a {place} parameter"))
}

fn validator(schema: &Value) -> Validator {
    let options = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .with_format("phone-number", |text: &str| text.starts_with('+'))
        .with_keyword("x-integer", |_, _, _| Ok(Box::new(WrittenAsInteger)));
    options
        .build(schema)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// JSON Schema takes 1.0 for an integer; many a typed client does not.
struct WrittenAsInteger;

impl<'i> Keyword<'i> for WrittenAsInteger {
    fn validate(&self, value: &'i Value) -> Result<(), ValidationError<'i>> {
        if self.is_valid(value) {
            Ok(())
        } else {
            Err(ValidationError::custom(format!("{value} is no integer")))
        }
    }

    fn is_valid(&self, value: &'i Value) -> bool {
        !value.is_f64()
    }
}

#[test]
fn the_checker_notices_what_is_wrong() {
    let schemas = json!({
        "Base": { "type": "object", "properties": { "sid": { "type": "string", "pattern": "^SM\\d{2}$" } }, "required": ["sid"] },
        "Text": { "allOf": [
            { "$ref": "#/components/schemas/Base" },
            { "type": "object", "properties": {
                "count": { "type": "integer", "minimum": 1, "nullable": true },
                "url": { "type": "string", "format": "uri" },
                "parts": { "type": "array", "maxItems": 1, "items": { "oneOf": [
                    { "type": "string", "maxLength": 3 },
                    { "type": "object", "properties": { "kind": { "type": "string", "enum": ["a", "b"] } } },
                ] } },
                "free": { "type": "object" },
            } },
        ] },
    });
    let description = Description::new(json!({ "components": { "schemas": schemas } }));
    let schema = json!({ "$ref": "#/components/schemas/Text" });
    for good in [
        json!({ "sid": "SM12", "count": 2, "url": "https://hum.test/a", "parts": ["abc"] }),
        json!({ "sid": "SM12", "count": null, "parts": [{ "kind": "a" }], "free": { "any": 1 } }),
    ] {
        assert_eq!(description.check(&schema, &good), Ok(()));
    }
    for (name, wrong) in [
        ("sid", json!("SM123")),
        ("sid", json!(null)),
        ("count", json!(0)),
        ("count", json!(2.0)),
        ("count", json!("2")),
        ("url", json!("no url")),
        ("parts", json!(["abcd"])),
        ("parts", json!(["abc", "abc"])),
        ("parts", json!([{ "kind": "c" }])),
        ("parts", json!([{ "kind": "a", "no_such_parameter": 1 }])),
        ("no_such_parameter", json!(1)),
    ] {
        let mut value = json!({ "sid": "SM12" });
        value[name] = wrong;
        assert!(description.check(&schema, &value).is_err(), "{value}");
    }
    assert!(
        description.check(&schema, &json!({})).is_err(),
        "what is missing"
    );
}
