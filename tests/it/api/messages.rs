use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{TestApp, on_both_stores};

on_both_stores!(lists_by_status, cancels_what_waits, sends_again_what_failed);

async fn lists_by_status(app: TestApp) {
    let fixture = app.fixture().await;
    let list = async |query: &str| {
        app.viewer
            .get(&format!("/api/sms/messages{query}"))
            .await
            .expect(200)["data"]
            .clone()
    };
    assert_eq!(
        list("?status=queued").await[0]["id"],
        fixture.queued.as_str()
    );
    assert_eq!(
        list("?status=failed").await[0]["id"],
        fixture.failed.as_str()
    );
    assert_eq!(list("?status=in_doubt").await, json!([]));
    assert_eq!(
        list(&format!("?conversation_id={}", fixture.conversation))
            .await
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let failed = app
        .viewer
        .get(&format!("/api/sms/messages/{}", fixture.failed))
        .await
        .expect(200);
    assert_eq!(
        (&failed["error_code"], &failed["status"]),
        (&json!(21266), &json!("failed"))
    );
    let unknown = app
        .viewer
        .get("/api/sms/messages?status=lost")
        .await
        .problem(422, "invalid");
    assert_eq!(unknown["errors"][0]["pointer"], "status");
}

async fn cancels_what_waits(app: TestApp) {
    let fixture = app.fixture().await;
    let path = format!("/api/sms/messages/{}/cancel", fixture.queued);
    let canceled = app.operator.post(&path, Value::Null).await.expect(200);
    assert_eq!(
        (&canceled["status"], &canceled["detail"]),
        (&json!("withheld"), &json!("canceled"))
    );
    app.operator.post(&path, Value::Null).await.expect(200);
    app.pass(Duration::from_secs(5)).await;
    assert_eq!(
        app.stranger
            .get(&format!("/dev/handset/{}", fixture.contact))
            .await
            .expect(200)["data"],
        json!([])
    );
    app.operator
        .post(
            &format!("/api/sms/messages/{}/cancel", fixture.failed),
            Value::Null,
        )
        .await
        .problem(409, "conflict");
}

async fn sends_again_what_failed(app: TestApp) {
    let fixture = app.fixture().await;
    let again = app
        .operator
        .post(
            &format!("/api/sms/messages/{}/resend", fixture.failed),
            Value::Null,
        )
        .await
        .expect(201);
    assert_eq!(again["resend_of"], fixture.failed.as_str());
    assert_ne!(again["id"], fixture.failed.as_str());
    app.operator
        .post(
            &format!("/api/sms/messages/{}/resend", fixture.queued),
            Value::Null,
        )
        .await
        .problem(409, "conflict");
}
