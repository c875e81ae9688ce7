use serde_json::json;

use crate::support::{TestApp, on_both_stores};

on_both_stores!(
    says_who_calls,
    changes_settings,
    keeps_carrier_tokens_secret
);

async fn says_who_calls(app: TestApp) {
    let me = app.operator.get("/api/me").await.expect(200);
    assert_eq!(me["role"], "operator");
    assert_eq!(me["scopes"], json!(["*"]));
    assert_eq!(me["organization"]["slug"], "acme");
    assert_eq!(me["organization"]["id"], app.org.to_string());
    assert_eq!(
        app.foreigner.get("/api/me").await.expect(200)["organization"]["slug"],
        "other"
    );
}

async fn changes_settings(app: TestApp) {
    let changed = app
        .admin
        .patch("/api/organization", json!({ "keyword_replies": "hum" }))
        .await
        .expect(200);
    assert_eq!(
        (&changed["name"], &changed["keyword_replies"]),
        (&json!("acme"), &json!("hum"))
    );
    let changed = app
        .admin
        .patch("/api/organization", json!({ "name": "Acme Inc." }))
        .await
        .expect(200);
    assert_eq!(
        (&changed["name"], &changed["keyword_replies"]),
        (&json!("Acme Inc."), &json!("hum"))
    );
    assert_eq!(
        app.viewer.get("/api/organization").await.expect(200),
        changed
    );
    assert_eq!(
        app.foreigner.get("/api/organization").await.expect(200)["name"],
        "other"
    );
}

async fn keeps_carrier_tokens_secret(app: TestApp) {
    app.admin
        .get("/api/organization/carrier")
        .await
        .problem(404, "not_found");
    let account = json!({ "account_sid": "AC00000000000000000000000000000001", "auth_token": "sesame-1", "secondary_auth_token": "sesame-2" });
    let set = app
        .admin
        .put("/api/organization/carrier", account.clone())
        .await
        .expect(200);
    assert_eq!(set["has_secondary_auth_token"], true);
    let shown = app.admin.get("/api/organization/carrier").await;
    assert!(!shown.text.contains("sesame"), "{}", shown.text);
    assert_eq!(shown.expect(200), set);
    app.foreigner
        .put("/api/organization/carrier", account)
        .await
        .problem(409, "conflict");
}
