use hum_core::access::Role;
use serde_json::json;

use crate::support::{Actor, TestApp, on_both_stores};

on_both_stores!(
    a_key_is_shown_once_and_works_until_revoked,
    scopes_narrow_a_role,
    nobody_climbs
);

async fn a_key_is_shown_once_and_works_until_revoked(app: TestApp) {
    let made = app
        .admin
        .post(
            "/api/keys",
            json!({ "name": "CI", "role": "viewer", "mode": "test" }),
        )
        .await
        .expect(201);
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("hum_test_"), "{key}");
    assert_eq!(made["scopes"], json!(["*"]));
    let actor = Actor::new(app.router.clone(), Some(key.to_owned()));
    actor.get("/api/me").await.expect(200);
    let listed = app.admin.get("/api/keys").await;
    assert!(!listed.text.contains(key));
    let listed = listed.expect(200);
    let ours = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["id"] == made["id"])
        .unwrap()
        .clone();
    assert_eq!(ours["last_four"], key[key.len() - 4..]);
    assert!(ours["last_used_at"].is_string());
    let path = format!("/api/keys/{}", made["id"].as_str().unwrap());
    app.admin.delete(&path).await.expect(204);
    actor.get("/api/me").await.problem(401, "api_key_required");
    app.admin.delete(&path).await.expect(204);
}

async fn scopes_narrow_a_role(app: TestApp) {
    let narrow = app.actor(Role::Admin, &["flows:write", "sms:read"]).await;
    narrow.get("/api/flows").await.expect(200);
    narrow
        .post("/api/flows", json!({ "name": "x" }))
        .await
        .expect(201);
    narrow.get("/api/sms/messages").await.expect(200);
    narrow
        .post(
            "/api/sms/opt-outs",
            json!({ "contact_e164": "+13175550100" }),
        )
        .await
        .problem(403, "insufficient_scope");
    narrow
        .get("/api/keys")
        .await
        .problem(403, "insufficient_scope");
}

async fn nobody_climbs(app: TestApp) {
    let narrow = app.actor(Role::Admin, &["keys:write"]).await;
    narrow
        .post("/api/keys", json!({ "name": "x", "role": "admin" }))
        .await
        .problem(403, "forbidden");
    let made = narrow
        .post(
            "/api/keys",
            json!({ "name": "x", "role": "admin", "scopes": ["keys:write"] }),
        )
        .await;
    made.expect(201);
    for authorization in [
        "",
        "Bearer",
        "Bearer ",
        "Basic abc",
        "Bearer hum_live_x",
        "hum_live_x",
    ] {
        let request = axum::http::Request::get("/api/me").header("authorization", authorization);
        let reply = app
            .stranger
            .send(request.body(Default::default()).unwrap())
            .await;
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        reply.problem(401, "api_key_required");
    }
}
