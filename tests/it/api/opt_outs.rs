use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{TestApp, on_both_stores};

on_both_stores!(adds_and_removes, a_keyword_opts_out);

async fn adds_and_removes(app: TestApp) {
    let added = app
        .operator
        .post(
            "/api/sms/opt-outs",
            json!({ "contact_e164": "+13175550100" }),
        )
        .await
        .expect(201);
    assert_eq!(added["source"], "api");
    assert_eq!(
        app.operator
            .post(
                "/api/sms/opt-outs",
                json!({ "contact_e164": "+13175550100" })
            )
            .await
            .expect(201),
        added
    );
    app.operator
        .post(
            "/api/sms/opt-outs",
            json!({ "contact_e164": "+13175550101" }),
        )
        .await
        .expect(201);
    let listed = app.viewer.get("/api/sms/opt-outs").await.expect(200);
    assert_eq!(listed["data"][0], added);
    assert_eq!(
        app.foreigner.get("/api/sms/opt-outs").await.expect(200)["data"],
        json!([])
    );
    // Encoded as it should be, and as people type it.
    app.admin
        .delete("/api/sms/opt-outs/%2B13175550100")
        .await
        .expect(204);
    app.admin
        .delete("/api/sms/opt-outs/+13175550101")
        .await
        .expect(204);
    app.admin
        .delete("/api/sms/opt-outs/+13175550101")
        .await
        .problem(404, "not_found");
    assert_eq!(
        app.viewer.get("/api/sms/opt-outs").await.expect(200)["data"],
        json!([])
    );
    let events = app.viewer.get("/api/events").await.expect(200);
    let kinds: Vec<&Value> = events["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["type"])
        .collect();
    assert_eq!(
        kinds,
        ["sms.opt_out", "sms.opt_out", "sms.opt_in", "sms.opt_in"]
    );
}

async fn a_keyword_opts_out(app: TestApp) {
    let fixture = app.fixture().await;
    app.fake.text(
        fixture.contact.parse().unwrap(),
        fixture.number_e164.parse().unwrap(),
        "Stop.",
    );
    app.pass(Duration::from_secs(5)).await;
    let listed = app.viewer.get("/api/sms/opt-outs").await.expect(200);
    let ours = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["contact_e164"] == fixture.contact.as_str())
        .unwrap();
    assert_eq!(ours["source"], "keyword");
}
