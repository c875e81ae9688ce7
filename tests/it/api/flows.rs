use serde_json::{Value, json};

use crate::support::{TestApp, on_both_stores};

on_both_stores!(
    makes_shows_and_lists,
    changes_make_versions,
    duplicates_and_deletes,
    json_fields_and_flags_are_lenient
);

async fn makes_shows_and_lists(app: TestApp) {
    let body = json!({ "name": "Front desk", "channel": "sms", "trigger_type": "message", "system_prompt": "Help." });
    let made = app.admin.post("/api/flows", body).await.expect(201);
    assert_eq!(made["version"], 1);
    assert_eq!(made["kind"], "inbound");
    assert_eq!(made["sms_config_json"]["max_reply_chars"], 1600);
    assert_eq!(made["business_hours_json"], Value::Null);
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        app.viewer
            .get(&format!("/api/flows/{id}"))
            .await
            .expect(200),
        made
    );

    for index in 0..4 {
        app.admin
            .post("/api/flows", json!({ "name": format!("Flow {index}") }))
            .await
            .expect(201);
    }
    let mut names = Vec::new();
    let mut path = "/api/flows?limit=2".to_owned();
    loop {
        let page = app.viewer.get(&path).await.expect(200);
        names.extend(
            page["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|flow| flow["name"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/flows?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    names.sort();
    assert_eq!(
        names,
        ["Flow 0", "Flow 1", "Flow 2", "Flow 3", "Front desk"]
    );
    assert_eq!(
        app.foreigner.get("/api/flows").await.expect(200)["data"],
        json!([])
    );
}

async fn changes_make_versions(app: TestApp) {
    let id = app.flow().await;
    let path = format!("/api/flows/{id}");
    let changed = app
        .admin
        .patch(
            &path,
            json!({ "greeting": "Hello!", "sms_config_json": { "max_reply_chars": 160 } }),
        )
        .await;
    let changed = changed.expect(200);
    assert_eq!(changed["version"], 2);
    assert_eq!(changed["sms_config_json"]["max_reply_chars"], 160);
    assert_eq!(
        changed["sms_config_json"]["debounce_ms"], 100,
        "what is left out stays"
    );
    assert_eq!(
        app.admin
            .patch(&path, json!({ "greeting": "Hello!" }))
            .await
            .expect(200)["version"],
        2,
        "nothing changed"
    );
    let hours = app
        .admin
        .patch(
            &path,
            json!({ "business_hours_json": { "zone": "America/New_York" } }),
        )
        .await
        .expect(200);
    assert_eq!(hours["business_hours_json"]["zone"], "America/New_York");
    let none = app
        .admin
        .patch(&path, json!({ "business_hours_json": null }))
        .await
        .expect(200);
    assert_eq!(none["business_hours_json"], Value::Null);

    let versions = app
        .viewer
        .get(&format!("{path}/versions"))
        .await
        .expect(200);
    let numbers: Vec<i64> = versions["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v["version"].as_i64().unwrap())
        .collect();
    assert_eq!(numbers, [4, 3, 2, 1]);
    assert_eq!(versions["data"][3]["greeting"], "");
}

async fn duplicates_and_deletes(app: TestApp) {
    let id = app.flow().await;
    let copy = app
        .admin
        .post(&format!("/api/flows/{id}/duplicate"), Value::Null)
        .await
        .expect(201);
    assert_eq!(copy["name"], "Front desk (copy)");
    assert_ne!(copy["id"], id.as_str());
    app.admin
        .delete(&format!("/api/flows/{id}"))
        .await
        .expect(204);
    app.viewer
        .get(&format!("/api/flows/{id}"))
        .await
        .problem(404, "not_found");
    app.admin
        .delete(&format!("/api/flows/{id}"))
        .await
        .problem(404, "not_found");
    app.admin
        .post(&format!("/api/flows/{id}/duplicate"), Value::Null)
        .await
        .problem(404, "not_found");
}

async fn json_fields_and_flags_are_lenient(app: TestApp) {
    let body = json!({
        "name": "Lenient", "voicemail_enabled": 1, "announce_recording": false,
        "tools_json": r#"["report_outcome", {"name": "assign_to_human"}]"#,
        "sms_config_json": r#"{"fallback_message": "Sorry!"}"#,
        "business_hours_json": r#"{"mon": ["09:00", "17:00"]}"#,
    });
    let made = app.admin.post("/api/flows", body).await.expect(201);
    assert_eq!(
        (&made["voicemail_enabled"], &made["announce_recording"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        made["tools_json"],
        json!(["report_outcome", "assign_to_human"])
    );
    assert_eq!(made["sms_config_json"]["fallback_message"], "Sorry!");
    assert_eq!(made["business_hours_json"]["mon"][1], "17:00");
    let path = format!("/api/flows/{}", made["id"].as_str().unwrap());
    let changed = app
        .admin
        .patch(
            &path,
            json!({ "sms_config_json": { "fallback_message": null } }),
        )
        .await
        .expect(200);
    assert_eq!(changed["sms_config_json"]["fallback_message"], Value::Null);
}
