//! What is around the API: health, metrics, headers, unknown paths.

use serde_json::json;

use crate::support::{TestApp, on_both_stores};

on_both_stores!(is_alive_ready_and_counted, headers_are_set, nests_below_a_prefix);

async fn is_alive_ready_and_counted(app: TestApp) {
    assert_eq!(app.stranger.get("/healthz").await.text, "alive\n");
    assert_eq!(app.stranger.get("/readyz").await.text, "ready\n");
    app.viewer.get("/api/me").await.expect(200);
    app.stranger.get("/api/me").await.expect(401);
    let metrics = app.stranger.get("/metrics").await.text;
    for line in [
        "hum_http_requests_total{operation=\"getMe\",status=\"200\"} 1",
        "hum_http_requests_total{operation=\"getMe\",status=\"401\"} 1",
        "hum_messages_in_doubt 0",
    ] {
        assert!(metrics.lines().any(|one| one == line), "{line} is missing in {metrics}");
    }
}

async fn headers_are_set(app: TestApp) {
    let reply = app.viewer.get("/api/me").await;
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
    let first = reply.header("x-request-id").unwrap().to_owned();
    assert_ne!(app.viewer.get("/api/me").await.header("x-request-id").unwrap(), first);
    app.viewer.get("/api/nothing").await.problem(404, "not_found");
    app.viewer.get("/nothing").await.problem(404, "not_found");
    app.viewer.put("/api/flows", json!({})).await.problem(405, "method_not_allowed");
    app.stranger.delete("/healthz").await.problem(405, "method_not_allowed");
}

async fn nests_below_a_prefix(app: TestApp) {
    let flow = app.flow().await;
    let nested = axum::Router::new().nest("/tenants/{tenant}/hum", app.router.clone());
    let key = app.admin.post("/api/keys", json!({ "name": "nested", "role": "admin" })).await.expect(201)["key"].clone();
    let actor = crate::support::Actor::new(nested, key.as_str().map(str::to_owned));
    let found = actor.get(&format!("/tenants/7/hum/api/flows/{flow}")).await.expect(200);
    assert_eq!(found["id"], flow.as_str());
    actor.get("/tenants/7/hum/api/me").await.expect(200);
    actor.get("/tenants/7/hum/api/flows/flow_1").await.problem(404, "not_found");
}
