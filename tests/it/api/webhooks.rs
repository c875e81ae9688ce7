use std::time::Duration;

use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::support::{Receiver, TestApp, on_both_stores};

on_both_stores!(
    secrets_are_shown_once,
    header_values_are_never_shown,
    tests_rotates_and_redelivers,
    a_410_disables,
    refuses_private_addresses
);

async fn secrets_are_shown_once(app: TestApp) {
    let receiver = Receiver::start().await;
    let (id, secret) = app.webhook(&receiver.url).await;
    assert!(secret.starts_with("whsec_"));
    for path in ["/api/webhooks".to_owned(), format!("/api/webhooks/{id}")] {
        assert!(!app.admin.get(&path).await.text.contains(&secret));
    }
    let changed = app
        .admin
        .patch(
            &format!("/api/webhooks/{id}"),
            json!({ "events": ["sms.received"], "enabled": 0 }),
        )
        .await
        .expect(200);
    assert_eq!(
        (&changed["events"], &changed["enabled"]),
        (&json!(["sms.received"]), &json!(false))
    );
    assert_eq!(changed["disabled_reason"], "person");
    app.admin
        .post(&format!("/api/webhooks/{id}/test"), Value::Null)
        .await
        .problem(409, "conflict");
    app.admin
        .delete(&format!("/api/webhooks/{id}"))
        .await
        .expect(204);
    app.viewer
        .get(&format!("/api/webhooks/{id}"))
        .await
        .problem(404, "not_found");
}

async fn header_values_are_never_shown(app: TestApp) {
    let receiver = Receiver::start().await;
    let body = json!({ "url": receiver.url, "events": ["sms.received"], "headers": { "Authorization": "Bearer sesame", "x-team": "a" } });
    let made = app.admin.post("/api/webhooks", body).await;
    assert!(!made.text.contains("sesame"));
    let made = made.expect(201);
    assert_eq!(made["header_names"], json!(["Authorization", "x-team"]));
    let id = made["id"].as_str().unwrap();
    assert!(!app.admin.get("/api/webhooks").await.text.contains("sesame"));
    app.admin
        .post(&format!("/api/webhooks/{id}/test"), Value::Null)
        .await
        .expect(202);
    app.pass(Duration::from_secs(1)).await;
    assert_eq!(receiver.requests()[0].0["authorization"], "Bearer sesame");
}

/// The library checks the age against the real clock, which the test does not live by: it signs
/// instead, and the signatures are compared.
fn is_signed(secret: &str, request: &(axum::http::HeaderMap, axum::body::Bytes)) -> bool {
    let (headers, body) = request;
    let id = headers["webhook-id"].to_str().unwrap();
    let at = headers["webhook-timestamp"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let signed = Webhook::new(secret).unwrap().sign(id, at, body).unwrap();
    headers["webhook-signature"]
        .to_str()
        .unwrap()
        .split(' ')
        .any(|signature| signature == signed)
}

async fn tests_rotates_and_redelivers(app: TestApp) {
    let receiver = Receiver::start().await;
    let (id, secret) = app.webhook(&receiver.url).await;
    let path = format!("/api/webhooks/{id}");
    let delivery = app
        .admin
        .post(&format!("{path}/test"), Value::Null)
        .await
        .expect(202);
    assert_eq!(
        (&delivery["state"], &delivery["event_type"]),
        (&json!("pending"), &json!("webhook.test"))
    );
    app.pass(Duration::from_secs(1)).await;
    assert!(is_signed(&secret, &receiver.requests()[0]));

    let rotated = app
        .admin
        .post(&format!("{path}/rotate"), Value::Null)
        .await
        .expect(200);
    let newer = rotated["secret"].as_str().unwrap();
    assert_ne!(newer, secret);
    let again = format!(
        "{path}/deliveries/{}/redeliver",
        delivery["id"].as_str().unwrap()
    );
    app.admin.post(&again, Value::Null).await.expect(202);
    app.admin
        .post(&again, Value::Null)
        .await
        .problem(409, "conflict");
    app.pass(Duration::from_secs(1)).await;
    let requests = receiver.requests();
    assert_eq!(
        requests[1].0["webhook-id"], requests[0].0["webhook-id"],
        "the same event has the same id"
    );
    assert!(
        is_signed(newer, &requests[1]) && is_signed(&secret, &requests[1]),
        "both hold for a day"
    );

    let listed = app
        .viewer
        .get(&format!("{path}/deliveries"))
        .await
        .expect(200);
    assert_eq!(listed["data"][0]["state"], "delivered");
    assert_eq!(listed["data"][0]["attempts"].as_array().unwrap().len(), 2);
    assert_eq!(listed["data"][0]["attempts"][0]["status"], 200);

    app.pass(Duration::from_secs(25 * 3600)).await;
    app.admin.post(&again, Value::Null).await.expect(202);
    app.pass(Duration::from_secs(1)).await;
    let last = receiver.requests().pop().unwrap();
    assert!(
        is_signed(newer, &last) && !is_signed(&secret, &last),
        "the old secret is over"
    );
}

async fn a_410_disables(app: TestApp) {
    let receiver = Receiver::start().await;
    receiver.answer(410);
    let (id, _) = app.webhook(&receiver.url).await;
    app.operator
        .post(
            "/api/sms/opt-outs",
            json!({ "contact_e164": "+13175550100" }),
        )
        .await
        .expect(201);
    app.pass(Duration::from_secs(1)).await;
    let webhook = app
        .viewer
        .get(&format!("/api/webhooks/{id}"))
        .await
        .expect(200);
    assert_eq!(
        (&webhook["enabled"], &webhook["disabled_reason"]),
        (&json!(false), &json!("gone"))
    );
    receiver.answer(200);
    app.admin
        .patch(&format!("/api/webhooks/{id}"), json!({ "enabled": true }))
        .await
        .expect(200);
    app.pass(Duration::from_secs(60)).await;
    let listed = app
        .viewer
        .get(&format!("/api/webhooks/{id}/deliveries"))
        .await
        .expect(200);
    assert_eq!(listed["data"][0]["state"], "delivered", "{listed}");
}

async fn refuses_private_addresses(app: TestApp) {
    for url in [
        "http://10.0.0.1/hook",
        "http://[::1]/",
        "http://169.254.169.254/latest",
        "ftp://example.com",
        "nonsense",
        "http://localhost/",
    ] {
        let refused = app
            .admin
            .post(
                "/api/webhooks",
                json!({ "url": url, "events": ["sms.received"] }),
            )
            .await;
        assert_eq!(
            refused.problem(422, "invalid")["errors"][0]["pointer"],
            "/url",
            "{url}"
        );
    }
}
