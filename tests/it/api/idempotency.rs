use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{TestApp, on_both_stores};

on_both_stores!(
    the_same_request_has_one_effect,
    secrets_are_replayed,
    another_request_is_refused,
    at_the_same_time,
    keys_are_checked,
    every_action_replays
);

async fn the_same_request_has_one_effect(app: TestApp) {
    let body = json!({ "name": "Once", "greeting": "Hi" });
    let first = app.admin.post_once("k1", "/api/flows", body).await;
    assert_eq!(first.header("idempotent-replayed"), None);
    // The order of fields and the white space do not matter.
    let raw = " { \"greeting\":\"Hi\", \"name\" : \"Once\" } ".into();
    let headers = [
        ("idempotency-key", "k1"),
        ("content-type", "application/json"),
    ];
    let again = app
        .admin
        .call(Method::POST, "/api/flows", &headers, raw)
        .await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(first.expect(201), again.expect(201));
    assert_eq!(
        app.viewer.get("/api/flows").await.expect(200)["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    // Keys of another organization are its own.
    let theirs = app
        .foreigner
        .post_once("k1", "/api/flows", json!({ "name": "Theirs" }))
        .await;
    assert_eq!(theirs.header("idempotent-replayed"), None);
    theirs.expect(201);
}

async fn secrets_are_replayed(app: TestApp) {
    let body = json!({ "name": "Once", "role": "viewer" });
    let first = app
        .admin
        .post_once("k", "/api/keys", body.clone())
        .await
        .expect(201);
    assert_eq!(
        app.admin
            .post_once("k", "/api/keys", body)
            .await
            .expect(201)["key"],
        first["key"]
    );
}

async fn another_request_is_refused(app: TestApp) {
    app.admin
        .post_once("k", "/api/flows", json!({ "name": "One" }))
        .await
        .expect(201);
    app.admin
        .post_once("k", "/api/flows", json!({ "name": "Two" }))
        .await
        .problem(422, "idempotency_mismatch");
    app.admin
        .post_once(
            "k",
            "/api/sms/opt-outs",
            json!({ "contact_e164": "+13175550100" }),
        )
        .await
        .problem(422, "idempotency_mismatch");
    // What was refused is not remembered.
    app.admin
        .post_once("n", "/api/flows", json!({ "name": "" }))
        .await
        .problem(422, "invalid");
    app.admin
        .post_once("n", "/api/flows", json!({ "name": "Now" }))
        .await
        .expect(201);
}

async fn at_the_same_time(app: TestApp) {
    let one = || {
        app.admin.post_once(
            "k",
            "/api/sms/opt-outs",
            json!({ "contact_e164": "+13175550100" }),
        )
    };
    let replies = futures_util::future::join_all((0..20).map(|_| one())).await;
    for reply in replies {
        match reply.status.as_u16() {
            201 => {}
            409 => {
                assert_eq!(reply.header("retry-after"), Some("1"));
                reply.problem(409, "idempotency_in_progress");
            }
            other => panic!("{other}: {}", reply.text),
        }
    }
    let events = app.viewer.get("/api/events").await.expect(200);
    assert_eq!(events["data"].as_array().unwrap().len(), 1);
}

async fn keys_are_checked(app: TestApp) {
    let long = "k".repeat(256);
    for key in ["", " ", "two words", "é", long.as_str()] {
        let refused = app
            .admin
            .post_once(key, "/api/flows", json!({ "name": "x" }))
            .await
            .problem(422, "invalid");
        assert_eq!(refused["errors"][0]["pointer"], "Idempotency-Key");
    }
    app.admin
        .post_once(&long[1..], "/api/flows", json!({ "name": "x" }))
        .await
        .expect(201);
}

async fn every_action_replays(app: TestApp) {
    let fixture = app.fixture().await;
    let conversation = format!("/api/sms/conversations/{}", fixture.conversation);
    let webhook = format!("/api/webhooks/{}", fixture.webhook);
    for path in [
        format!("/api/flows/{}/duplicate", fixture.flow),
        format!("{conversation}/read"),
        format!("{conversation}/close"),
        format!("{conversation}/reopen"),
        format!("/api/sms/messages/{}/cancel", fixture.queued),
        format!("/api/sms/messages/{}/resend", fixture.failed),
        format!("{webhook}/test"),
        format!("{webhook}/rotate"),
        format!("{webhook}/deliveries/{}/redeliver", fixture.delivery),
    ] {
        let first = app.admin.post_once(&path, &path, Value::Null).await;
        let again = app.admin.post_once(&path, &path, Value::Null).await;
        assert_eq!(again.header("idempotent-replayed"), Some("true"), "{path}");
        assert!(
            first.status.is_success() && first.status == again.status,
            "{path}: {}",
            first.text
        );
        let json =
            |reply: crate::support::Reply| serde_json::from_str::<Value>(&reply.text).unwrap();
        assert_eq!(json(first), json(again), "{path}");
    }
}
