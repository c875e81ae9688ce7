use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{TestApp, on_both_stores};

on_both_stores!(
    starts_once,
    changes,
    filters,
    closes_and_reopens,
    sends,
    a_person_pauses_the_agent
);

async fn starts_once(app: TestApp) {
    let flow = app.flow().await;
    let (number, _) = app.number(&flow).await;
    let body = json!({ "twilio_number_id": number, "contact_e164": "+13175550100", "initial_message": { "body": "Welcome" } });
    let made = app
        .operator
        .post("/api/sms/conversations", body.clone())
        .await
        .expect(201);
    assert_eq!(
        (&made["status"], &made["initial_message"]["status"]),
        (&json!("open"), &json!("queued"))
    );
    let again = app
        .operator
        .post("/api/sms/conversations", body)
        .await
        .expect(200);
    assert_eq!(again["id"], made["id"]);
    assert_eq!(again["message_count"], 2);
    app.pass(Duration::from_secs(5)).await;
    let texts = app
        .stranger
        .get("/dev/handset/+13175550100")
        .await
        .expect(200);
    assert_eq!(texts["data"].as_array().unwrap().len(), 2);
    let strange = json!({ "twilio_number_id": number, "contact_e164": "+13175550100" });
    let refused = app
        .foreigner
        .post("/api/sms/conversations", strange)
        .await
        .problem(422, "invalid");
    assert_eq!(refused["errors"][0]["pointer"], "/twilio_number_id");
}

async fn changes(app: TestApp) {
    let fixture = app.fixture().await;
    let path = format!("/api/sms/conversations/{}", fixture.conversation);
    let until = "2026-03-05T09:00:00.000Z";
    let changed = app
        .operator
        .patch(
            &path,
            json!({ "assignee": "ann", "snoozed_until": until, "ai_paused": 1 }),
        )
        .await
        .expect(200);
    assert_eq!(
        (&changed["assignee"], &changed["snoozed_until"]),
        (&json!("ann"), &json!(until))
    );
    assert_eq!(changed["ai_paused"], true);
    let kept = app.operator.patch(&path, json!({})).await.expect(200);
    assert_eq!(kept, changed);
    let cleared = app
        .operator
        .patch(
            &path,
            json!({ "assignee": null, "snoozed_until": null, "status": "closed" }),
        )
        .await
        .expect(200);
    assert_eq!(
        (&cleared["assignee"], &cleared["snoozed_until"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(cleared["status"], "closed");
    assert_eq!(app.viewer.get(&path).await.expect(200), cleared);
}

async fn filters(app: TestApp) {
    let fixture = app.fixture().await;
    let path = format!("/api/sms/conversations/{}", fixture.conversation);
    app.operator
        .patch(&path, json!({ "assignee": "ann" }))
        .await
        .expect(200);
    app.fake.text(
        fixture.contact.parse().unwrap(),
        fixture.number_e164.parse().unwrap(),
        "Hello?",
    );
    app.pass(Duration::from_secs(1)).await;
    let contact = fixture.contact.replace('+', "%2B");
    let count = async |query: &str| {
        let page = app
            .viewer
            .get(&format!("/api/sms/conversations{query}"))
            .await
            .expect(200);
        page["data"].as_array().unwrap().len()
    };
    for (query, expected) in [
        ("", 2),
        ("?status=open", 2),
        ("?status=closed", 0),
        ("?assignee=ann", 1),
        ("?assignee=bob", 0),
        (&format!("?twilio_number_id={}", fixture.number), 2),
        (&format!("?contact_e164={contact}"), 1),
        ("?unread=true", 1),
        ("?unread=true&status=open&assignee=ann", 1),
    ] {
        assert_eq!(count(query).await, expected, "{query}");
    }
}

async fn closes_and_reopens(app: TestApp) {
    let fixture = app.fixture().await;
    let path = format!("/api/sms/conversations/{}", fixture.conversation);
    let closed = app
        .operator
        .post(&format!("{path}/close"), Value::Null)
        .await
        .expect(200);
    assert_eq!(closed["status"], "closed");
    assert_eq!(
        app.operator
            .post(&format!("{path}/close"), Value::Null)
            .await
            .expect(200),
        closed,
        "repeating changes nothing"
    );
    app.operator
        .post(&format!("{path}/messages"), json!({ "body": "Hi" }))
        .await
        .problem(409, "conflict");
    let reopened = app
        .operator
        .post(&format!("{path}/reopen"), json!({}))
        .await
        .expect(200);
    assert_eq!(
        (&reopened["status"], &reopened["closed_at"]),
        (&json!("open"), &Value::Null)
    );
}

async fn sends(app: TestApp) {
    let fixture = app.fixture().await;
    let path = format!("/api/sms/conversations/{}/messages", fixture.conversation);
    let media = json!({ "media_urls": ["https://example.com/cat.png"] });
    let sent = app.operator.post(&path, media).await.expect(201);
    assert_eq!(
        (&sent["status"], &sent["source"], &sent["body"]),
        (&json!("queued"), &json!("api"), &json!(""))
    );
    app.pass(Duration::from_secs(5)).await;
    let delivered = app
        .viewer
        .get(&format!("{path}?status=delivered"))
        .await
        .expect(200);
    assert_eq!(delivered["data"][0]["id"], sent["id"]);
    assert!(
        delivered["data"][0]["carrier_sid"]
            .as_str()
            .unwrap()
            .starts_with("SM")
    );

    app.operator
        .post(
            "/api/sms/opt-outs",
            json!({ "contact_e164": fixture.contact }),
        )
        .await
        .expect(201);
    let refused = app
        .operator
        .post(&path, json!({ "body": "Hello?" }))
        .await
        .expect(201);
    assert_eq!(refused["status"], "opted_out");
    app.pass(Duration::from_secs(5)).await;
    let handset = app
        .stranger
        .get(&format!("/dev/handset/{}", fixture.contact))
        .await
        .expect(200);
    assert!(
        !handset.to_string().contains("Hello?"),
        "the carrier was not called"
    );
}

async fn a_person_pauses_the_agent(app: TestApp) {
    let fixture = app.fixture().await;
    let path = format!("/api/sms/conversations/{}", fixture.conversation);
    app.operator
        .post(
            &format!("{path}/messages"),
            json!({ "body": "Ann here", "source": "human" }),
        )
        .await
        .expect(201);
    assert_eq!(app.viewer.get(&path).await.expect(200)["ai_paused"], true);
    app.pass(Duration::from_secs(5)).await;
    app.fake.text(
        fixture.contact.parse().unwrap(),
        fixture.number_e164.parse().unwrap(),
        "Hi Ann",
    );
    app.pass(Duration::from_secs(30)).await;
    let messages = app
        .viewer
        .get(&format!("{path}/messages"))
        .await
        .expect(200);
    assert_eq!(messages["data"][0]["body"], "Hi Ann", "nobody answered");
}
