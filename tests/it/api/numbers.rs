use serde_json::{Value, json};

use crate::support::{TestApp, on_both_stores};

on_both_stores!(registers_and_changes, a_number_belongs_to_one);

async fn registers_and_changes(app: TestApp) {
    let flow = app.flow().await;
    let body = json!({ "e164": "+13175550111", "friendly_name": "Main", "sms_enabled": 0 });
    let made = app.admin.post("/api/numbers", body).await.expect(201);
    assert_eq!(
        (&made["sms_enabled"], &made["sms_flow_id"]),
        (&json!(false), &Value::Null)
    );
    let path = format!("/api/numbers/{}", made["id"].as_str().unwrap());
    let changed = app
        .admin
        .patch(&path, json!({ "sms_flow_id": flow, "sms_enabled": 1 }))
        .await
        .expect(200);
    assert_eq!(
        (&changed["sms_flow_id"], &changed["sms_enabled"]),
        (&json!(flow), &json!(true))
    );
    assert_eq!(changed["friendly_name"], "Main", "what is left out stays");
    let cleared = app
        .admin
        .patch(&path, json!({ "sms_flow_id": null }))
        .await
        .expect(200);
    assert_eq!(cleared["sms_flow_id"], Value::Null);
    assert_eq!(app.viewer.get(&path).await.expect(200), cleared);
    assert_eq!(
        app.viewer.get("/api/numbers").await.expect(200)["data"],
        json!([cleared])
    );
}

async fn a_number_belongs_to_one(app: TestApp) {
    let body = json!({ "e164": "+13175550112" });
    app.admin
        .post("/api/numbers", body.clone())
        .await
        .expect(201);
    app.admin
        .post("/api/numbers", body.clone())
        .await
        .problem(409, "conflict");
    // On the same carrier account nobody else can take it over.
    app.foreigner
        .post("/api/numbers", body)
        .await
        .problem(409, "conflict");
    let theirs = app.flow().await;
    let refused = app
        .foreigner
        .post(
            "/api/numbers",
            json!({ "e164": "+13175550113", "sms_flow_id": theirs }),
        )
        .await;
    assert_eq!(
        refused.problem(422, "invalid")["errors"][0]["pointer"],
        "/sms_flow_id"
    );
}
