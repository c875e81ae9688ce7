//! What hum really sends, against the vendors' own descriptions.
//!
//! The descriptions are not part of this repository. They are read from the folder
//! `HUM_CONTRACTS_DIR`, or from `../shared/contracts` beside the workspace, as
//! `twilio_api_v2010.trimmed.json` (<https://github.com/twilio/twilio-oai>) and
//! `openai.trimmed.json` (<https://github.com/openai/openai-openapi>). Without them the tests check
//! the built-in expectations only, and say so.

mod schema;

use std::path::PathBuf;

use hum_core::language_model::LanguageModel as _;
use hum_core::telephony::{ListQuery, Texting};
use serde_json::{Value, json};

use super::{
    language_model::{BOTH, Dialect, call_events, model, request, text_events},
    server::{Seen, Server, json as answer},
    twilio::{ACCOUNT, account, sms, twilio},
};
use schema::Description;

fn description(file: &str) -> Option<Description> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/contracts");
    let folder = std::env::var_os("HUM_CONTRACTS_DIR").map_or(beside, PathBuf::from);
    match std::fs::read(folder.join(file)) {
        Ok(bytes) => Some(Description::new(serde_json::from_slice(&bytes).unwrap())),
        Err(error) if std::env::var_os("HUM_CONTRACTS_DIR").is_some() => panic!("{file}: {error}"),
        Err(_) => {
            eprintln!(
                "{file} is not there (HUM_CONTRACTS_DIR): only the built-in expectations were verified"
            );
            None
        }
    }
}

const MESSAGES: &str = "/2010-04-01/Accounts/{AccountSid}/Messages.json";
const MESSAGE: &str = "/2010-04-01/Accounts/{AccountSid}/Messages/{Sid}.json";

/// What hum itself expects to send, vendor or not.
fn built_in(seen: &Seen) {
    let known = [
        "To",
        "From",
        "Body",
        "MediaUrl",
        "StatusCallback",
        "ValidityPeriod",
        "PageSize",
    ];
    assert!(
        seen.form()
            .iter()
            .chain(&seen.query())
            .all(|(name, _)| known.contains(&name.as_str()))
    );
    assert!(
        seen.uri
            .path()
            .starts_with(&format!("/2010-04-01/Accounts/{ACCOUNT}/Messages"))
    );
    assert!(
        seen.headers["authorization"]
            .to_str()
            .unwrap()
            .starts_with("Basic ")
    );
}

#[tokio::test]
async fn twilio_requests_are_as_twilio_describes_them() {
    let vendor = description("twilio_api_v2010.trimmed.json");
    let server = Server::start(|_| answer(500, json!({}))).await;
    let twilio = twilio(server.url());
    let query = ListQuery {
        from: sms().from,
        to: sms().to,
        since: "2026-01-01T00:00:00Z".parse().unwrap(),
        until: "2026-01-02T00:00:00Z".parse().unwrap(),
    };
    let _ = twilio.send(&account(), &sms()).await;
    let _ = twilio
        .fetch(&account(), "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
        .await;
    let _ = twilio.list(&account(), &query).await;
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    seen.iter().for_each(built_in);
    let Some(vendor) = vendor else { return };
    for (seen, path, method) in [
        (&seen[0], MESSAGES, "post"),
        (&seen[1], MESSAGE, "get"),
        (&seen[2], MESSAGES, "get"),
    ] {
        assert_eq!(seen.method.as_str().to_lowercase(), method);
        let operation = vendor.operation(path, method);
        vendor.check_path(operation, path, seen.uri.path());
        vendor.check_query(operation, &seen.query());
        vendor.check_form(operation, &seen.form());
    }
}

#[tokio::test]
async fn twilios_examples_are_understood() {
    let Some(vendor) = description("twilio_api_v2010.trimmed.json") else {
        built_in_example().await;
        return;
    };
    let mut understood = 0;
    for example in vendor.examples(vendor.operation(MESSAGES, "post"), "201") {
        let server = Server::start(move |_| answer(201, example.clone())).await;
        let accepted = twilio(server.url()).send(&account(), &sms()).await;
        assert!(accepted.is_ok(), "{accepted:?}");
        understood += 1;
    }
    for example in vendor.examples(vendor.operation(MESSAGE, "get"), "200") {
        let server = Server::start(move |_| answer(200, example.clone())).await;
        assert!(
            twilio(server.url())
                .fetch(&account(), "SMa")
                .await
                .unwrap()
                .is_some()
        );
        understood += 1;
    }
    for mut example in vendor.examples(vendor.operation(MESSAGES, "get"), "200") {
        example["next_page_uri"] = Value::Null;
        let expected = example["messages"].as_array().unwrap().len();
        let server = Server::start(move |_| answer(200, example.clone())).await;
        let ever = ListQuery {
            from: sms().from,
            to: sms().to,
            since: "1970-01-01T00:00:00Z".parse().unwrap(),
            until: "9000-01-01T00:00:00Z".parse().unwrap(),
        };
        assert_eq!(
            twilio(server.url())
                .list(&account(), &ever)
                .await
                .unwrap()
                .len(),
            expected
        );
        understood += 1;
    }
    assert!(understood >= 5);
}

async fn built_in_example() {
    let server = Server::start(|_| {
        answer(
            201,
            json!({ "sid": "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "status": "queued", "error_code": null, "num_segments": "1" }),
        )
    })
    .await;
    assert!(twilio(server.url()).send(&account(), &sms()).await.is_ok());
}

#[tokio::test]
async fn openai_requests_are_as_openai_describes_them() {
    let vendor = description("openai.trimmed.json");
    let server = Server::start(|_| "").await;
    for dialect in BOTH {
        let _ = model(dialect, &server.url()).respond(request()).await;
        let plain = hum_core::language_model::ModelRequest {
            tools: vec![],
            ..request()
        };
        let _ = model(dialect, &server.url()).respond(plain).await;
    }
    let seen = server.seen();
    assert_eq!(seen.len(), 4);
    for (at, seen) in seen.iter().enumerate() {
        let body = seen.json();
        assert!(body["model"].is_string() && body["stream"] == true);
        assert_eq!(seen.headers["content-type"], "application/json");
        let Some(vendor) = &vendor else { continue };
        let path = if at < 2 {
            "/responses"
        } else {
            "/chat/completions"
        };
        assert_eq!(seen.uri.path(), format!("/v1{path}"));
        let schema =
            &vendor.operation(path, "post")["requestBody"]["content"]["application/json"]["schema"];
        vendor
            .check(schema, &body)
            .unwrap_or_else(|error| panic!("{path}: {error}\n{body:#}"));
        // The checker notices what is wrong.
        for (name, wrong) in [
            ("store", json!("no")),
            ("no_such_parameter", json!(1)),
            ("stream", json!(7)),
        ] {
            let mut body = body.clone();
            body[name] = wrong;
            assert!(vendor.check(schema, &body).is_err(), "{path}: {name}");
        }
    }
}

/// The events that the other tests stream are events that OpenAI sends.
#[test]
fn the_streams_of_these_tests_are_openais() {
    let vendor = description("openai.trimmed.json");
    for dialect in BOTH {
        let path = if dialect == Dialect::Responses {
            "/responses"
        } else {
            "/chat/completions"
        };
        for event in text_events(dialect).iter().chain(&call_events(dialect)) {
            assert!(event["type"].is_string() || event["choices"].is_array());
            let Some(vendor) = &vendor else { continue };
            let schema = &vendor.operation(path, "post")["responses"]["200"]["content"]["text/event-stream"]
                ["schema"];
            vendor
                .check(schema, event)
                .unwrap_or_else(|error| panic!("{error}\n{event:#}"));
        }
    }
}
