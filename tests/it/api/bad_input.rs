//! What is malformed is refused with a pointer to it, and changes nothing.

use axum::{body::Body, http::Method};
use serde_json::{Value, json};

use crate::support::{Fixture, Reply, TestApp, on_both_stores};

on_both_stores!(
    bodies_are_refused_with_a_pointer,
    queries_are_refused_with_a_name,
    what_is_not_json_is_refused
);

/// Method, path, body, status, pointer. Ids of a fixture are written `{flow}`, `{number}`,
/// `{conversation}`, `{webhook}`.
type Case = (&'static str, &'static str, Value, &'static str);

fn bodies() -> Vec<Case> {
    let long = |count: usize| "x".repeat(count);
    let new_flow = |field: &str, value: Value| {
        let mut flow = json!({ "name": "x" });
        flow[field] = value;
        flow
    };
    let sms = |value: Value| new_flow("sms_config_json", value);
    let webhook = |field: &str, value: Value| {
        let mut webhook = json!({ "url": "http://127.0.0.1:9/", "events": ["sms.received"] });
        webhook[field] = value;
        webhook
    };
    let start = |field: &str, value: Value| {
        let mut start = json!({ "twilio_number_id": "{number}", "contact_e164": "+13175550100" });
        start[field] = value;
        start
    };
    let messages = "/api/sms/conversations/{conversation}/messages";
    vec![
        ("POST", "/api/flows", json!([]), ""),
        ("POST", "/api/flows", json!("x"), ""),
        ("POST", "/api/flows", json!({}), "/name"),
        ("POST", "/api/flows", json!({ "name": null }), "/name"),
        ("POST", "/api/flows", json!({ "name": 5 }), "/name"),
        ("POST", "/api/flows", json!({ "name": "" }), "/name"),
        ("POST", "/api/flows", json!({ "name": long(201) }), "/name"),
        ("POST", "/api/flows", json!({ "name": "a\0b" }), "/name"),
        (
            "POST",
            "/api/flows",
            new_flow("unknown", json!(1)),
            "/unknown",
        ),
        (
            "POST",
            "/api/flows",
            new_flow("a/b~c", json!(1)),
            "/a~1b~0c",
        ),
        (
            "POST",
            "/api/flows",
            new_flow("kind", json!("sideways")),
            "/kind",
        ),
        (
            "POST",
            "/api/flows",
            new_flow("channel", json!("fax")),
            "/channel",
        ),
        (
            "POST",
            "/api/flows",
            new_flow("trigger_type", json!(null)),
            "/trigger_type",
        ),
        (
            "POST",
            "/api/flows",
            new_flow("trigger_events", json!(["a", 1])),
            "/trigger_events/1",
        ),
        (
            "POST",
            "/api/flows",
            new_flow("greeting", json!(long(4001))),
            "/greeting",
        ),
        (
            "POST",
            "/api/flows",
            new_flow("system_prompt", json!(long(32_001))),
            "/system_prompt",
        ),
        (
            "POST",
            "/api/flows",
            new_flow("voicemail_enabled", json!(2)),
            "/voicemail_enabled",
        ),
        (
            "POST",
            "/api/flows",
            new_flow("announce_recording", json!("true")),
            "/announce_recording",
        ),
        (
            "POST",
            "/api/flows",
            new_flow("business_hours_json", json!([1])),
            "/business_hours_json",
        ),
        (
            "POST",
            "/api/flows",
            new_flow("business_hours_json", json!("{")),
            "/business_hours_json",
        ),
        (
            "POST",
            "/api/flows",
            new_flow("business_hours_json", json!({ "a": ["\0"] })),
            "/business_hours_json/a/0",
        ),
        (
            "POST",
            "/api/flows",
            new_flow("tools_json", json!(["fly"])),
            "/tools_json/0",
        ),
        (
            "POST",
            "/api/flows",
            new_flow("tools_json", json!([{ "name": "assign_to_human", "x": 1 }])),
            "/tools_json/0/x",
        ),
        (
            "POST",
            "/api/flows",
            new_flow("tools_json", json!([{}])),
            "/tools_json/0/name",
        ),
        (
            "POST",
            "/api/flows",
            new_flow("tools_json", json!([7])),
            "/tools_json/0",
        ),
        (
            "POST",
            "/api/flows",
            sms(json!({ "debounce": 1 })),
            "/sms_config_json/debounce",
        ),
        (
            "POST",
            "/api/flows",
            sms(json!({ "debounce_ms": -1 })),
            "/sms_config_json/debounce_ms",
        ),
        (
            "POST",
            "/api/flows",
            sms(json!({ "debounce_ms": 1.5 })),
            "/sms_config_json/debounce_ms",
        ),
        (
            "POST",
            "/api/flows",
            sms(json!({ "debounce_ms": 60_001 })),
            "/sms_config_json/debounce_ms",
        ),
        (
            "POST",
            "/api/flows",
            sms(json!({ "max_reply_chars": 0 })),
            "/sms_config_json/max_reply_chars",
        ),
        (
            "POST",
            "/api/flows",
            sms(json!("{\"max_tool_calls\": 99}")),
            "/sms_config_json/max_tool_calls",
        ),
        (
            "POST",
            "/api/flows",
            sms(json!({ "fallback_message": "" })),
            "/sms_config_json/fallback_message",
        ),
        ("PATCH", "/api/flows/{flow}", json!({ "nme": "x" }), "/nme"),
        (
            "PATCH",
            "/api/flows/{flow}",
            json!({ "name": null }),
            "/name",
        ),
        (
            "PATCH",
            "/api/flows/{flow}",
            json!({ "tools_json": null }),
            "/tools_json",
        ),
        (
            "PATCH",
            "/api/flows/{flow}",
            json!({ "sms_config_json": { "max_turns_per_day": null } }),
            "/sms_config_json/max_turns_per_day",
        ),
        (
            "POST",
            "/api/flows/{flow}/duplicate",
            json!({ "name": "x" }),
            "/name",
        ),
        ("POST", "/api/numbers", json!({}), "/e164"),
        (
            "POST",
            "/api/numbers",
            json!({ "e164": "3175550100" }),
            "/e164",
        ),
        (
            "POST",
            "/api/numbers",
            json!({ "e164": "+1 317 555 0100" }),
            "/e164",
        ),
        (
            "POST",
            "/api/numbers",
            json!({ "e164": "+١٣١٧٥٥٥٠١٠٠" }),
            "/e164",
        ),
        (
            "POST",
            "/api/numbers",
            json!({ "e164": "+13175550100", "sms_flow_id": "flow_1" }),
            "/sms_flow_id",
        ),
        (
            "POST",
            "/api/numbers",
            json!({ "e164": "+13175550100", "sms_flow_id": "{foreign_flow}" }),
            "/sms_flow_id",
        ),
        (
            "POST",
            "/api/numbers",
            json!({ "e164": "+13175550100", "friendly_name": long(101) }),
            "/friendly_name",
        ),
        (
            "PATCH",
            "/api/numbers/{number}",
            json!({ "e164": "+13175550100" }),
            "/e164",
        ),
        (
            "PATCH",
            "/api/numbers/{number}",
            json!({ "sms_enabled": null }),
            "/sms_enabled",
        ),
        (
            "PATCH",
            "/api/numbers/{number}",
            json!({ "flow_id": "{foreign_flow}" }),
            "/flow_id",
        ),
        (
            "POST",
            "/api/sms/conversations",
            start("contact_e164", json!("nobody")),
            "/contact_e164",
        ),
        (
            "POST",
            "/api/sms/conversations",
            start("twilio_number_id", json!("num_1")),
            "/twilio_number_id",
        ),
        (
            "POST",
            "/api/sms/conversations",
            start("twilio_number_id", json!("{flow}")),
            "/twilio_number_id",
        ),
        (
            "POST",
            "/api/sms/conversations",
            start("initial_message", json!({ "body": "" })),
            "/initial_message/body",
        ),
        (
            "POST",
            "/api/sms/conversations",
            start("initial_message", json!({ "text": "x" })),
            "/initial_message/text",
        ),
        (
            "PATCH",
            "/api/sms/conversations/{conversation}",
            json!({ "status": "snoozed" }),
            "/status",
        ),
        (
            "PATCH",
            "/api/sms/conversations/{conversation}",
            json!({ "status": null }),
            "/status",
        ),
        (
            "PATCH",
            "/api/sms/conversations/{conversation}",
            json!({ "assignee": " " }),
            "/assignee",
        ),
        (
            "PATCH",
            "/api/sms/conversations/{conversation}",
            json!({ "ai_paused": "yes" }),
            "/ai_paused",
        ),
        (
            "PATCH",
            "/api/sms/conversations/{conversation}",
            json!({ "snoozed_until": "tomorrow" }),
            "/snoozed_until",
        ),
        (
            "PATCH",
            "/api/sms/conversations/{conversation}",
            json!({ "snoozed_until": 1_772_463_600 }),
            "/snoozed_until",
        ),
        (
            "PATCH",
            "/api/sms/conversations/{conversation}",
            json!({ "contact_e164": "+13175550100" }),
            "/contact_e164",
        ),
        ("POST", messages, json!({}), "/body"),
        ("POST", messages, json!({ "body": " \n" }), "/body"),
        ("POST", messages, json!({ "body": long(1601) }), "/body"),
        ("POST", messages, json!({ "body": "a\0" }), "/body"),
        (
            "POST",
            messages,
            json!({ "body": "x", "source": "ai" }),
            "/source",
        ),
        (
            "POST",
            messages,
            json!({ "body": "x", "media_urls": ["cat.png"] }),
            "/media_urls/0",
        ),
        (
            "POST",
            messages,
            json!({ "body": "x", "media_urls": vec!["https://example.com/a"; 11] }),
            "/media_urls",
        ),
        (
            "POST",
            "/api/sms/opt-outs",
            json!({ "contact_e164": "" }),
            "/contact_e164",
        ),
        (
            "POST",
            "/api/sms/opt-outs",
            json!({ "contact_e164": "+13175550100", "why": "x" }),
            "/why",
        ),
        (
            "POST",
            "/api/webhooks",
            webhook("url", json!("/relative")),
            "/url",
        ),
        (
            "POST",
            "/api/webhooks",
            webhook("url", json!(format!("http://127.0.0.1/{}", long(2000)))),
            "/url",
        ),
        (
            "POST",
            "/api/webhooks",
            webhook("events", json!([])),
            "/events",
        ),
        (
            "POST",
            "/api/webhooks",
            webhook("events", json!(["sms.received", "sms.lost"])),
            "/events/1",
        ),
        (
            "POST",
            "/api/webhooks",
            webhook("headers", json!({ "host": "x" })),
            "/headers/host",
        ),
        (
            "POST",
            "/api/webhooks",
            webhook("headers", json!({ "x-a": "a\r\nb" })),
            "/headers/x-a",
        ),
        (
            "POST",
            "/api/webhooks",
            webhook("headers", json!({ "x-a": 1 })),
            "/headers/x-a",
        ),
        (
            "POST",
            "/api/webhooks",
            webhook("description", json!(long(201))),
            "/description",
        ),
        (
            "PATCH",
            "/api/webhooks/{webhook}",
            json!({ "secret": "x" }),
            "/secret",
        ),
        (
            "PATCH",
            "/api/webhooks/{webhook}",
            json!({ "enabled": null }),
            "/enabled",
        ),
        (
            "POST",
            "/api/keys",
            json!({ "name": "x", "role": "owner" }),
            "/role",
        ),
        ("POST", "/api/keys", json!({ "name": "x" }), "/role"),
        (
            "POST",
            "/api/keys",
            json!({ "name": "x", "role": "viewer", "scopes": [] }),
            "/scopes",
        ),
        (
            "POST",
            "/api/keys",
            json!({ "name": "x", "role": "viewer", "scopes": ["sms:read", "sms:fly"] }),
            "/scopes/1",
        ),
        (
            "POST",
            "/api/keys",
            json!({ "name": "x", "role": "viewer", "mode": "demo" }),
            "/mode",
        ),
        (
            "PATCH",
            "/api/organization",
            json!({ "keyword_replies": "nobody" }),
            "/keyword_replies",
        ),
        (
            "PATCH",
            "/api/organization",
            json!({ "slug": "x" }),
            "/slug",
        ),
        (
            "PUT",
            "/api/organization/carrier",
            json!({ "account_sid": "AC1" }),
            "/auth_token",
        ),
        (
            "PUT",
            "/api/organization/carrier",
            json!({ "account_sid": "A C", "auth_token": "t" }),
            "/account_sid",
        ),
    ]
}

fn filled(template: &str, fixture: &Fixture, foreign_flow: &str) -> String {
    template
        .replace("{flow}", &fixture.flow)
        .replace("{number}", &fixture.number)
        .replace("{conversation}", &fixture.conversation)
        .replace("{webhook}", &fixture.webhook)
        .replace("{foreign_flow}", foreign_flow)
}

async fn bodies_are_refused_with_a_pointer(app: TestApp) {
    let fixture = app.fixture().await;
    let theirs = app
        .foreigner
        .post("/api/flows", json!({ "name": "Theirs" }))
        .await
        .expect(201);
    let foreign_flow = theirs["id"].as_str().unwrap();
    let before = app.everything().await;
    let cases = bodies();
    assert!(cases.len() >= 60);
    for (method, path, body, pointer) in cases {
        let path = filled(path, &fixture, foreign_flow);
        let body = filled(&body.to_string(), &fixture, foreign_flow);
        let what = format!(
            "{method} {path} {}",
            body.chars().take(200).collect::<String>()
        );
        let headers = [("content-type", "application/json")];
        let reply = app
            .admin
            .call(method.parse().unwrap(), &path, &headers, Body::from(body))
            .await;
        assert_eq!(reply.status, 422, "{what}: {}", reply.text);
        let problem = reply.problem(422, "invalid");
        assert_eq!(
            problem["errors"][0]["pointer"], pointer,
            "{what}: {problem}"
        );
        assert!(
            problem["errors"][0]["detail"].as_str().unwrap().len() > 5,
            "{what}: {problem}"
        );
    }
    assert_eq!(app.everything().await, before);
}

async fn queries_are_refused_with_a_name(app: TestApp) {
    let fixture = app.fixture().await;
    for (path, name) in [
        ("/api/flows?limit=0", "limit"),
        ("/api/flows?limit=201", "limit"),
        ("/api/flows?limit=ten", "limit"),
        ("/api/flows?limit=", "limit"),
        ("/api/flows?limit=-1", "limit"),
        ("/api/flows?limit=1&limit=2", "limit"),
        ("/api/flows?cursor=%21%21", "cursor"),
        ("/api/flows?cursor=bm9uc2Vuc2U", "cursor"),
        ("/api/flows?cursor=", "cursor"),
        ("/api/flows?page=2", "page"),
        ("/api/flows/{flow}/versions?cursor=bm9uc2Vuc2U", "cursor"),
        ("/api/numbers?cursor=bm9uc2Vuc2U", "cursor"),
        ("/api/keys?cursor=bm9uc2Vuc2U", "cursor"),
        ("/api/webhooks?cursor=bm9uc2Vuc2U", "cursor"),
        (
            "/api/webhooks/{webhook}/deliveries?cursor=bm9uc2Vuc2U",
            "cursor",
        ),
        ("/api/sms/opt-outs?cursor=bm9uc2Vuc2U", "cursor"),
        ("/api/sms/conversations?cursor=bm9uc2Vuc2U", "cursor"),
        ("/api/sms/conversations?status=snoozed", "status"),
        ("/api/sms/conversations?unread=maybe", "unread"),
        (
            "/api/sms/conversations?contact_e164=+13175550100",
            "contact_e164",
        ),
        (
            "/api/sms/conversations?twilio_number_id=1",
            "twilio_number_id",
        ),
        ("/api/sms/conversations?assignee=%00", "assignee"),
        (
            "/api/sms/conversations/{conversation}/messages?status=lost",
            "status",
        ),
        ("/api/sms/messages?status=", "status"),
        ("/api/sms/messages?conversation_id=x", "conversation_id"),
        ("/api/sms/messages?cursor=bm9uc2Vuc2U", "cursor"),
        ("/api/events?after=-1", "after"),
        ("/api/events?after=99999999999999999999", "after"),
        ("/api/events?after=x", "after"),
        ("/api/usage?from=yesterday", "from"),
        ("/api/usage?from=2026-02-30", "from"),
        ("/api/usage?to=20260201", "to"),
        ("/api/usage?from=2026-02-02&to=2026-02-01", "from"),
        ("/api/usage?from=2024-01-01&to=2026-02-01", "from"),
        ("/api/usage?to=9999-99-99", "to"),
        ("/api/events?limit=201", "limit"),
        ("/api/events?cursor=x", "cursor"),
        ("/api/me?verbose=1", "verbose"),
        ("/api/flows/{flow}?version=1", "version"),
    ] {
        let reply = app.admin.get(&filled(path, &fixture, "")).await;
        assert_eq!(reply.status, 422, "{path}: {}", reply.text);
        assert_eq!(
            reply.problem(422, "invalid")["errors"][0]["pointer"],
            name,
            "{path}"
        );
    }
}

async fn what_is_not_json_is_refused(app: TestApp) {
    let before = app.everything().await;
    let json = ("content-type", "application/json");
    let post = async |headers: &[(&str, &str)], body: &[u8]| -> Reply {
        app.admin
            .call(
                Method::POST,
                "/api/flows",
                headers,
                Body::from(body.to_vec()),
            )
            .await
    };
    for body in [
        &b"{"[..],
        b"{\"name\": }",
        b"nonsense",
        b"{} {}",
        b"\xff\xfe",
        b"{\"name\": \"\xff\"}",
        b"{\"name\": \"\\ud800\"}",
        b"NaN",
    ] {
        let problem = post(&[json], body).await.problem(400, "invalid_json");
        assert!(
            problem["detail"]
                .as_str()
                .unwrap()
                .contains("line 1, column"),
            "{problem}"
        );
    }
    for (method, path) in [
        (Method::PATCH, "/api/organization"),
        (Method::PUT, "/api/organization/carrier"),
    ] {
        app.admin
            .call(method, path, &[json], Body::empty())
            .await
            .problem(400, "invalid_json");
    }
    let deep = [b"{\"name\":".to_vec(), vec![b'['; 100_000]].concat();
    post(&[json], &deep).await.problem(400, "invalid_json");
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "json",
        "",
    ] {
        post(&[("content-type", content_type)], b"{\"name\": \"x\"}")
            .await
            .problem(415, "unsupported_media_type");
    }
    post(&[], b"{\"name\": \"x\"}")
        .await
        .problem(415, "unsupported_media_type");
    let long = format!("{{\"name\": \"{}\"}}", "x".repeat(1024 * 1024));
    post(&[json], long.as_bytes())
        .await
        .problem(413, "body_too_large");
    assert_eq!(app.everything().await, before);
    post(
        &[("content-type", "application/json; charset=utf-8")],
        b"{\"name\": \"x\"}",
    )
    .await
    .expect(201);
    post(
        &[("content-type", "application/merge-patch+json")],
        b"{\"name\": \"x\"}",
    )
    .await
    .expect(201);
}
