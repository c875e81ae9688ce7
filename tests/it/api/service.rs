//! What is around the API: health, metrics, headers, unknown paths.

use axum::{body::Body, http::Method};
use serde_json::json;

use crate::support::{TestApp, on_both_stores};

on_both_stores!(
    is_alive_ready_and_counted,
    headers_are_set,
    a_harmless_request_id_is_kept,
    what_is_not_there_is_refused_by_the_api_that_owns_the_path,
    nests_below_a_prefix
);

async fn is_alive_ready_and_counted(app: TestApp) {
    assert_eq!(app.stranger.get("/healthz").await.text, "alive\n");
    assert_eq!(app.stranger.get("/readyz").await.text, "ready\n");
    app.viewer.get("/api/me").await.expect(200);
    app.stranger.get("/api/me").await.expect(401);
    let metrics = app.stranger.get("/metrics").await;
    assert_eq!(
        metrics.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    let metrics = metrics.text;
    for line in [
        "hum_http_requests_total{operation=\"getMe\",status=\"200\"} 1",
        "hum_http_requests_total{operation=\"getMe\",status=\"401\"} 1",
        "# TYPE hum_http_requests_total counter",
        "# TYPE hum_http_request_seconds histogram",
        "hum_http_request_seconds_bucket{operation=\"getMe\",status=\"200\",le=\"+Inf\"} 1",
        "hum_http_request_seconds_count{operation=\"getMe\",status=\"200\"} 1",
        "hum_messages_in_doubt 0",
        "hum_deliveries_pending 0",
    ] {
        assert!(
            metrics.lines().any(|one| one == line),
            "{line} is missing in {metrics}"
        );
    }
}

async fn headers_are_set(app: TestApp) {
    let reply = app.viewer.get("/api/me").await;
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
    let first = reply.header("x-request-id").unwrap().to_owned();
    assert_ne!(
        app.viewer
            .get("/api/me")
            .await
            .header("x-request-id")
            .unwrap(),
        first
    );
    app.viewer
        .get("/api/nothing")
        .await
        .problem(404, "not_found");
    app.viewer.get("/nothing").await.problem(404, "not_found");
    app.viewer
        .put("/api/flows", json!({}))
        .await
        .problem(405, "method_not_allowed");
    app.stranger
        .delete("/healthz")
        .await
        .problem(405, "method_not_allowed");
}

async fn a_harmless_request_id_is_kept(app: TestApp) {
    let with_id = async |path: &str, id: &str| {
        let reply = app
            .viewer
            .call(Method::GET, path, &[("x-request-id", id)], Body::empty())
            .await;
        reply.header("x-request-id").unwrap().to_owned()
    };
    for path in ["/api/me", "/healthz", "/nothing", "/sessions/a/b/c"] {
        assert_eq!(with_id(path, "their-1.2_3").await, "their-1.2_3");
        for harmful in ["a b", "<script>", "", &"x".repeat(65)] {
            let ours = with_id(path, harmful).await;
            let (prefix, number) = ours.split_once('-').unwrap();
            assert!(
                prefix.len() == 12 && u64::from_str_radix(number, 16).is_ok(),
                "{ours}"
            );
        }
    }
}

async fn what_is_not_there_is_refused_by_the_api_that_owns_the_path(app: TestApp) {
    for (path, in_envelope) in [
        ("/", false),
        ("/api/nothing", false),
        ("/sessionsx", false),
        ("/pingx", false),
        ("/ping/", false),
        ("/sessions/", true),
        ("/sessions//", true),
        ("/sessions/a/", true),
        ("/sessions/a/b/c", true),
        ("/sessions/a/services/internet/x", true),
    ] {
        let reply = app.viewer.get(path).await;
        assert_eq!(
            reply.header("content-type") == Some("application/json"),
            in_envelope,
            "{path}"
        );
        for header in [
            "x-request-id",
            "x-content-type-options",
            "referrer-policy",
            "cache-control",
        ] {
            assert!(reply.header(header).is_some(), "{path} has {header}");
        }
        reply.refused(404, "not_found");
    }
}

async fn nests_below_a_prefix(app: TestApp) {
    let flow = app.flow().await;
    let nested = axum::Router::new().nest("/tenants/{tenant}/hum", app.router.clone());
    let key = app
        .admin
        .post("/api/keys", json!({ "name": "nested", "role": "admin" }))
        .await
        .expect(201)["key"]
        .clone();
    let actor = crate::support::Actor::new(nested, key.as_str().map(str::to_owned));
    let found = actor
        .get(&format!("/tenants/7/hum/api/flows/{flow}"))
        .await
        .expect(200);
    assert_eq!(found["id"], flow.as_str());
    actor.get("/tenants/7/hum/api/me").await.expect(200);
    actor
        .get("/tenants/7/hum/api/flows/flow_1")
        .await
        .problem(404, "not_found");
    let nothing = actor.get("/tenants/7/hum/sessions/a/b/c").await.expect(404);
    assert_eq!(nothing["request_status"], "error");
}
