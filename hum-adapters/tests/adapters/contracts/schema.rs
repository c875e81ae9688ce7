//! As much of OpenAPI 3 and JSON Schema as the two descriptions use. Stricter than the standard in one point: a property
//! that a schema does not know is an error, because a misspelt parameter is what these tests are after.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// An OpenAPI description.
pub struct Description(Value);

impl Description {
    pub fn new(document: Value) -> Self {
        Self(document)
    }

    pub fn operation(&self, path: &str, method: &str) -> &Value {
        let operation = &self.0["paths"][path][method];
        assert!(operation.is_object(), "{method} {path} is not described");
        operation
    }

    /// Every example of an answer.
    pub fn examples(&self, operation: &Value, status: &str) -> Vec<Value> {
        let examples = operation["responses"][status]["content"]["application/json"]["examples"].as_object();
        examples.expect("examples").values().map(|example| example["value"].clone()).collect()
    }

    pub fn check_path(&self, operation: &Value, template: &str, path: &str) {
        let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
        assert_eq!(template.len(), path.len(), "{path:?}");
        for (wanted, part) in template.into_iter().zip(path) {
            let Some((before, name)) = wanted.split_once('{') else {
                assert_eq!(wanted, part);
                continue;
            };
            let (name, after) = name.split_once('}').unwrap();
            let value = part.strip_prefix(before).and_then(|part| part.strip_suffix(after)).unwrap();
            self.check_text(&parameter(operation, "path", name)["schema"], name, value);
        }
    }

    pub fn check_query(&self, operation: &Value, pairs: &[(String, String)]) {
        for (name, value) in pairs {
            self.check_text(&parameter(operation, "query", name)["schema"], name, value);
        }
        for wanted in operation["parameters"].as_array().into_iter().flatten() {
            let required = wanted["in"] == "query" && wanted["required"] == true;
            assert!(!required || pairs.iter().any(|(name, _)| wanted["name"] == *name), "{} is missing", wanted["name"]);
        }
    }

    pub fn check_form(&self, operation: &Value, pairs: &[(String, String)]) {
        let Some(schema) = operation["requestBody"]["content"].get("application/x-www-form-urlencoded") else {
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
            assert!(pairs.iter().any(|(name, _)| required == name), "{required} is missing");
        }
    }

    /// A value that travels as text.
    fn check_text(&self, schema: &Value, name: &str, text: &str) {
        let schema = self.resolve(schema);
        let value = match schema["type"].as_str() {
            Some("integer" | "number" | "boolean") => serde_json::from_str(text).unwrap_or(Value::Null),
            _ => Value::from(text),
        };
        self.check(schema, &value).unwrap_or_else(|error| panic!("{name}: {error}"));
        match schema["format"].as_str() {
            Some("uri") => assert!(url::Url::parse(text).is_ok(), "{name}"),
            Some("phone-number") => assert!(text.starts_with('+'), "{name}"),
            _ => {}
        }
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(reference) => self.resolve(self.0.pointer(&reference[1..]).unwrap_or_else(|| panic!("{reference}"))),
            None => schema,
        }
    }

    /// Whether a value fits a schema.
    pub fn check(&self, schema: &Value, value: &Value) -> Result<(), String> {
        self.fits(schema, value)?;
        let Value::Object(object) = value else { return Ok(()) };
        let mut known = BTreeSet::new();
        if self.is_open(schema, &mut known) || known.is_empty() {
            return Ok(());
        }
        match object.keys().find(|name| !known.contains(name.as_str())) {
            Some(name) => Err(format!("{name} is not known")),
            None => Ok(()),
        }
    }

    /// Everything but unknown properties of this value itself.
    fn fits(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let schema = self.resolve(schema);
        if value.is_null() && schema["nullable"] == true {
            return Ok(());
        }
        for part in parts(schema, "allOf") {
            self.fits(part, value)?;
        }
        for word in ["anyOf", "oneOf"] {
            let errors: Vec<String> =
                parts(schema, word).iter().map_while(|part| self.choice(schema, part, value).err()).collect();
            if !errors.is_empty() && errors.len() == parts(schema, word).len() {
                return Err(format!("none of {} choices: {}", errors.len(), errors.join(" / ")));
            }
        }
        check_type(schema, value)?;
        check_limits(schema, value)?;
        match value {
            Value::Object(object) => self.check_properties(schema, object),
            Value::Array(items) if schema["items"].is_object() => {
                items.iter().try_for_each(|item| self.check(&schema["items"], item))
            }
            _ => Ok(()),
        }
    }

    /// A choice that only adds conditions to the properties beside it is not closed by itself.
    fn choice(&self, schema: &Value, part: &Value, value: &Value) -> Result<(), String> {
        if schema["properties"].is_object() { self.fits(part, value) } else { self.check(part, value) }
    }

    fn check_properties(&self, schema: &Value, object: &Map<String, Value>) -> Result<(), String> {
        for (name, value) in object {
            if let Some(property) = schema["properties"].get(name) {
                self.check(property, value).map_err(|error| format!("{name}: {error}"))?;
            }
        }
        match schema["required"].as_array().into_iter().flatten().find(|name| !object.contains_key(name.as_str().unwrap())) {
            Some(name) => Err(format!("{name} is missing")),
            None => Ok(()),
        }
    }

    /// Collects the properties that a schema knows; `true` when it takes others too.
    fn is_open(&self, schema: &Value, known: &mut BTreeSet<String>) -> bool {
        let schema = self.resolve(schema);
        known.extend(schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone()));
        let mut open = !matches!(schema.get("additionalProperties"), None | Some(Value::Bool(false)));
        for part in ["allOf", "anyOf", "oneOf"].into_iter().flat_map(|word| parts(schema, word)) {
            open |= self.is_open(part, known);
        }
        open
    }
}

fn parameter<'a>(operation: &'a Value, place: &str, name: &str) -> &'a Value {
    let mut parameters = operation["parameters"].as_array().into_iter().flatten();
    let found = parameters.find(|parameter| parameter["in"] == place && parameter["name"] == name);
    found.unwrap_or_else(|| panic!("{name} is not a {place} parameter"))
}

fn parts<'a>(schema: &'a Value, word: &str) -> &'a [Value] {
    schema[word].as_array().map_or(&[], Vec::as_slice)
}

fn check_type(schema: &Value, value: &Value) -> Result<(), String> {
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("type {other}"),
    };
    let fits = match &schema["type"] {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().any(|name| is(name.as_str().unwrap())),
        _ => true,
    };
    if fits { Ok(()) } else { Err(format!("must be {}, is {value:.60}", schema["type"])) }
}

fn check_limits(schema: &Value, value: &Value) -> Result<(), String> {
    if schema["enum"].as_array().is_some_and(|choices| !choices.contains(value))
        || schema.get("const").is_some_and(|only| only != value)
    {
        return Err(format!("{value} is not among the values"));
    }
    let size = match value {
        Value::String(text) => Some((text.chars().count() as f64, "minLength", "maxLength")),
        Value::Array(items) => Some((items.len() as f64, "minItems", "maxItems")),
        Value::Number(number) => number.as_f64().map(|number| (number, "minimum", "maximum")),
        _ => None,
    };
    let Some((size, least, most)) = size else { return Ok(()) };
    let below = schema[least].as_f64().is_some_and(|least| size < least);
    let above = schema[most].as_f64().is_some_and(|most| size > most);
    if below || above { Err(format!("{value:.60} is too long, short, great or small")) } else { Ok(()) }
}
