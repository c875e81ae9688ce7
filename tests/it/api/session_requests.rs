//! Requests that are generated from `/sessions/openapi.json`: whatever is sent, the answer is one
//! that the document describes, and never hum's fault.

use std::collections::BTreeMap;

use axum::{body::Body, http::Method};
use jsonschema::{Draft, Keyword, ValidationError, Validator};
use proptest::{prelude::*, string::string_regex, test_runner::TestRunner};
use serde_json::{Map, Value, json};

use crate::support::{Reply, Sources, TestApp};

/// One request, generated.
#[derive(Debug, Clone)]
struct Sent {
    operation: usize,
    who: usize,
    token: usize,
    idempotency_key: Option<String>,
    body: Value,
    as_json: bool,
}

/// One operation of the document.
struct Described {
    method: Method,
    path: String,
    /// What checks the answers of each status.
    answers: BTreeMap<String, Validator>,
}

#[test]
fn every_generated_request_gets_a_documented_answer() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let app = runtime.block_on(TestApp::with_sources(Sources {
        requests_per_minute: 0,
        ..Sources::default()
    }));
    let limited = runtime.block_on(TestApp::with_sources(Sources {
        requests_per_minute: 40,
        ..Sources::default()
    }));
    let document = runtime
        .block_on(app.stranger.get("/sessions/openapi.json"))
        .expect(200);
    let operations = operations(&document);
    let body = body(&document);
    let sent = (
        0..operations.len(),
        0..5usize,
        0..6usize,
        proptest::option::weighted(0.3, "[!-~]{1,20}"),
        body,
        prop::bool::weighted(0.95),
    )
        .prop_map(
            |(operation, who, token, idempotency_key, body, as_json)| Sent {
                operation,
                who,
                token,
                idempotency_key,
                body,
                as_json,
            },
        );
    let mut statuses = std::collections::BTreeMap::<(String, u16), u32>::new();
    let counted = std::cell::RefCell::new(&mut statuses);
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 3_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let result = runner.run(&sent, |sent| {
        let operation = &operations[sent.operation];
        let app = if sent.who == 4 { &limited } else { &app };
        let reply = runtime.block_on(send(app, operation, &sent));
        let status = reply.status.as_u16();
        *counted
            .borrow_mut()
            .entry((format!("{} {}", operation.method, operation.path), status))
            .or_default() += 1;
        prop_assert!(status < 500, "{status}: {}", reply.text);
        let Some(documented) = operation.answers.get(&status.to_string()) else {
            return Err(TestCaseError::fail(format!(
                "{status} is not documented: {}",
                reply.text
            )));
        };
        let answer: Value = serde_json::from_str(&reply.text)
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        fits(documented, &answer).map_err(|why| TestCaseError::fail(format!("{why} in {answer}")))
    });
    result.unwrap();
    // A generator that only meets refusals proves little.
    for (operation, status) in [
        ("POST /sessions", 201),
        ("POST /sessions", 422),
        ("POST /sessions", 415),
        ("POST /sessions", 401),
        ("POST /sessions", 403),
        ("POST /sessions", 429),
        ("GET /sessions/{token}", 200),
        ("GET /sessions/{token}", 410),
        ("GET /sessions/{token}/services/internet", 200),
        ("DELETE /sessions/{token}", 200),
        ("DELETE /sessions/{token}", 410),
        ("GET /ping", 200),
        ("GET /ping", 429),
    ] {
        assert!(
            statuses
                .get(&(operation.into(), status))
                .is_some_and(|count| *count > 3),
            "{operation} {status}: {statuses:?}"
        );
    }
}

fn operations(document: &Value) -> Vec<Described> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            let answers = responses.iter().map(|(status, described)| {
                (
                    status.clone(),
                    validator(
                        document,
                        &described["content"]["application/json"]["schema"],
                    ),
                )
            });
            let answers = answers.collect();
            operations.push(Described {
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                answers,
            });
        }
    }
    assert_eq!(operations.len(), 5);
    operations
}

async fn send(app: &TestApp, operation: &Described, sent: &Sent) -> Reply {
    let actor = match sent.who {
        0 => &app.stranger,
        1 => &app.viewer,
        2 => &app.admin,
        _ => &app.operator,
    };
    let token = match sent.token {
        0 => "XqCmeTVgYXrbWrZFZEymkD".to_owned(),
        1 => "%00%ff".into(),
        2 => closed(app).await,
        _ => open(app).await,
    };
    let path = operation.path.replace("{token}", &token);
    let mut headers = vec![(
        "content-type",
        if sent.as_json {
            "application/json"
        } else {
            "text/html"
        },
    )];
    headers.extend(
        sent.idempotency_key
            .as_deref()
            .map(|key| ("idempotency-key", key)),
    );
    let body = if operation.method == Method::POST {
        Body::from(sent.body.to_string())
    } else {
        Body::empty()
    };
    actor
        .call(operation.method.clone(), &path, &headers, body)
        .await
}

async fn open(app: &TestApp) -> String {
    let created = app
        .admin
        .post(
            "/sessions",
            json!({ "street1": "1 Main St", "zip": "48034" }),
        )
        .await;
    // Over the limit there is none to be had.
    serde_json::from_str::<Value>(&created.text).unwrap()["meta"]["session_token"]
        .as_str()
        .unwrap_or("none")
        .to_owned()
}

async fn closed(app: &TestApp) -> String {
    let token = open(app).await;
    app.admin.delete(&format!("/sessions/{token}")).await;
    token
}

/// Bodies after the schema, some of them spoilt.
fn body(document: &Value) -> BoxedStrategy<Value> {
    let schema = resolve(
        document,
        &document["paths"]["/sessions"]["post"]["requestBody"]["content"]["application/json"]["schema"],
    );
    let good = value(document, schema);
    // Random texts are hardly ever addresses, so that some words of addresses are given.
    let street = prop::sample::select(vec![
        "29090 Tiffany Drive E",
        "12 1/2 N Main St Apt 4",
        "PO Box 7",
        "RR 2 Box 18",
        "N6W23001 Bluemound Rd",
    ]);
    let words = (
        street,
        prop::sample::select(vec!["Southfield", "St. Paul", "Cañon City"]),
        prop::sample::select(vec!["A2", "Floor 2"]),
    );
    let with_words =
        (good, proptest::option::weighted(0.8, words)).prop_map(|(mut body, words)| {
            if let (Some(fields), Some((street, city, unit))) = (body.as_object_mut(), words) {
                fields.insert("street1".into(), street.into());
                for (name, word) in [("city", city), ("street2", unit)] {
                    fields.entry(name).and_modify(|field| *field = word.into());
                }
            }
            body
        });
    let spoil = proptest::option::weighted(
        0.3,
        (
            "[a-z0-9_]{1,10}|street1|street2|city|state|zip|latitude|longitude|campaign_id",
            anything(),
        ),
    );
    let spoilt = (with_words, spoil).prop_map(|(mut body, spoil)| {
        if let (Some(fields), Some((name, value))) = (body.as_object_mut(), spoil) {
            fields.insert(name, value);
        }
        body
    });
    prop_oneof![9 => spoilt, 1 => anything()].boxed()
}

fn anything() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "\\PC{0,200}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
    .boxed()
}

fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"]
        .as_str()
        .and_then(|reference| reference.strip_prefix('#'))
    {
        Some(pointer) => document.pointer(pointer).expect("a described schema"),
        None => schema,
    }
}

/// Values that fit a schema, of the kinds that this document uses for requests.
fn value(document: &Value, schema: &Value) -> BoxedStrategy<Value> {
    let schema = resolve(document, schema);
    if let Some(all) = schema["allOf"].as_array() {
        // The first part has the fields, the others only demand some.
        return value(document, &all[0]);
    }
    if let Some(one) = schema["oneOf"].as_array() {
        return proptest::strategy::Union::new(one.iter().map(|schema| value(document, schema)))
            .boxed();
    }
    if let Some(values) = schema["enum"].as_array() {
        return prop::sample::select(values.clone()).boxed();
    }
    // Of several types the first; null is met when a body is spoilt.
    let kind = schema["type"]
        .as_str()
        .or_else(|| schema["type"][0].as_str());
    match kind {
        Some("null") => Just(Value::Null).boxed(),
        Some("object") => object(document, schema),
        Some("integer") => (schema["minimum"].as_i64().unwrap()
            ..=schema["maximum"].as_i64().unwrap())
            .prop_map(Value::from)
            .boxed(),
        Some("number") => (schema["minimum"].as_f64().unwrap()
            ..=schema["maximum"].as_f64().unwrap())
            .prop_map(Value::from)
            .boxed(),
        Some("string") => {
            let pattern = schema["pattern"]
                .as_str()
                .map(|pattern| pattern.replace("\\d", "[0-9]"));
            let (least, most) = (
                schema["minLength"].as_u64().unwrap_or(0),
                schema["maxLength"].as_u64().unwrap_or(20),
            );
            let pattern = pattern.unwrap_or_else(|| format!("\\PC{{{least},{most}}}"));
            string_regex(pattern.trim_start_matches('^').trim_end_matches('$'))
                .unwrap()
                .prop_map(Value::from)
                .boxed()
        }
        other => panic!("the generator does not know {other:?} of {schema}"),
    }
}

fn object(document: &Value, schema: &Value) -> BoxedStrategy<Value> {
    let required = |name: &str| {
        schema["required"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one == name))
    };
    let mut fields: BoxedStrategy<Map<String, Value>> = Just(Map::new()).boxed();
    for (name, schema) in schema["properties"].as_object().unwrap() {
        let (name, often) = (name.clone(), if required(name) { 0.97 } else { 0.6 });
        let field = proptest::option::weighted(often, value(document, schema));
        fields = (fields, field)
            .prop_map(move |(mut map, field)| {
                if let Some(field) = field {
                    map.insert(name.clone(), field);
                }
                map
            })
            .boxed();
    }
    fields.prop_map(Value::Object).boxed()
}

/// Checks answers: every field must be documented, and have the type that the document says.
fn validator(document: &Value, schema: &Value) -> Validator {
    assert!(schema.is_object(), "an answer is described");
    let mut schema = json!({ "allOf": [schema], "components": document["components"] });
    for part in ["/allOf", "/components/schemas"] {
        close(schema.pointer_mut(part).unwrap());
    }
    let options = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        // The formats of OpenAPI say how wide a number is.
        .should_ignore_unknown_formats(true)
        .with_keyword("x-integer", |_, _, _| Ok(Box::new(WrittenAsInteger)));
    options.build(&schema).unwrap()
}

fn fits(validator: &Validator, answer: &Value) -> Result<(), String> {
    let errors = validator
        .iter_errors(answer)
        .map(|error| format!("{}: {error}", error.instance_path()));
    let errors: Vec<String> = errors.collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors.join("; "))
    }
}

/// Stricter than the document: an object has no other fields than those that are described.
fn close(schemas: &mut Value) {
    match schemas {
        Value::Object(words) => {
            words.values_mut().for_each(close);
            let is = |kind: &str| match words.get("type") {
                Some(Value::Array(kinds)) => kinds.iter().any(|one| one == kind),
                one => one.is_some_and(|one| one == kind),
            };
            let (object, integer) = (
                is("object") && words.contains_key("properties"),
                is("integer") && !is("number"),
            );
            if object {
                words.insert("additionalProperties".into(), false.into());
            }
            if integer {
                words.insert("x-integer".into(), true.into());
            }
        }
        Value::Array(parts) => parts.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
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

/// The check is only worth something if it notices what is wrong.
#[tokio::test]
async fn a_wrong_answer_is_noticed() {
    let app = TestApp::with_sources(Sources::default()).await;
    let document = app.stranger.get("/sessions/openapi.json").await.expect(200);
    let operations = operations(&document);
    let creation = operations
        .iter()
        .find(|operation| operation.method == Method::POST)
        .unwrap();
    let street = json!({ "street1": "29090 Tiffany Drive E", "city": "Southfield", "state": "MI", "zip": "48034" });
    let good = app.admin.post("/sessions", street).await.expect(201);
    assert_eq!(fits(&creation.answers["201"], &good), Ok(()));
    let product = "/data/0/product_catalog/0/products/0";
    assert!(
        good.pointer(product).is_some(),
        "an answer with a plan: {good}"
    );
    for (at, field, wrong) in [
        ("", "message", json!(7)),
        ("", "meta", Value::Null),
        ("", "undocumented", json!(1)),
        ("/meta", "session_token", Value::Null),
        ("/meta", "undocumented", json!({})),
        (product, "channel_count", json!("none")),
        (product, "channel_count", json!(1.0)),
        (product, "channel_count", json!(-1)),
        (product, "undocumented", json!(true)),
    ] {
        let mut bad = good.clone();
        bad.pointer_mut(at).unwrap()[field] = wrong;
        assert!(
            fits(&creation.answers["201"], &bad).is_err(),
            "{at}/{field} was not noticed"
        );
    }
    let mut bad = good.clone();
    bad["meta"].as_object_mut().unwrap().remove("session_token");
    assert!(
        fits(&creation.answers["201"], &bad).is_err(),
        "what is missing was not noticed"
    );
}
