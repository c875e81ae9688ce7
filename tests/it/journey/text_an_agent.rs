//! A text comes in, the agent answers it, the customer's endpoint gets signed events.

use std::time::Duration;

use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::support::{Receiver, TestApp, on_both_stores};

on_both_stores!(a_text_is_answered_and_reported, a_person_takes_over);

async fn a_text_is_answered_and_reported(app: TestApp) {
    let flow = app.flow().await;
    let (_, number) = app.number(&flow).await;
    let receiver = Receiver::start().await;
    let (_, secret) = app.webhook(&receiver.url).await;

    let handset = "/dev/handset/+13175550100";
    app.stranger
        .post(
            &format!("{handset}/messages"),
            json!({ "to": number, "body": "Yes, I confirm" }),
        )
        .await
        .expect(201);
    app.pass(Duration::from_secs(10)).await;

    let texts = app.stranger.get(handset).await.expect(200);
    assert_eq!(texts["data"][1]["direction"], "received");
    assert_eq!(
        texts["data"][1]["body"],
        "Great, that is confirmed. Is there anything else?"
    );

    let conversation =
        app.viewer.get("/api/sms/conversations").await.expect(200)["data"][0].clone();
    assert_eq!(conversation["outcome"]["outcome"], "confirmed");
    let path = format!(
        "/api/sms/conversations/{}/messages",
        conversation["id"].as_str().unwrap()
    );
    let messages = app.viewer.get(&path).await.expect(200);
    assert_eq!(
        (
            &messages["data"][0]["source"],
            &messages["data"][0]["status"]
        ),
        (&json!("ai"), &json!("delivered"))
    );

    let events = app.viewer.get("/api/events").await.expect(200);
    let feed: Vec<&Value> = events["data"].as_array().unwrap().iter().collect();
    let kinds: Vec<&str> = feed
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "conversation.started",
            "sms.received",
            "outcome.captured",
            "sms.sent",
            "sms.delivered"
        ]
    );
    assert!(feed.iter().zip(1..).all(|(event, seq)| event["seq"] == seq));

    let verifier = Webhook::new(&secret).unwrap();
    let mut delivered: Vec<Value> = Vec::new();
    for (headers, body) in receiver.requests() {
        // The library looks at the real clock, the test does not live by it: the check of the age
        // is left out.
        let signed = verifier.sign(
            headers["webhook-id"].to_str().unwrap(),
            headers["webhook-timestamp"]
                .to_str()
                .unwrap()
                .parse()
                .unwrap(),
            &body,
        );
        assert_eq!(
            headers["webhook-signature"].to_str().unwrap(),
            signed.unwrap()
        );
        let event: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(headers["x-hum-event"].to_str().unwrap(), event["type"]);
        assert_eq!(headers["webhook-id"].to_str().unwrap(), event["id"]);
        assert_eq!(headers["user-agent"], "hum-webhooks/1.0");
        delivered.push(event);
    }
    delivered.sort_by_key(|event| event["seq"].as_i64());
    assert_eq!(delivered.iter().collect::<Vec<_>>(), feed);
}

async fn a_person_takes_over(app: TestApp) {
    let flow = app.flow().await;
    let (_, number) = app.number(&flow).await;
    let from = "+13175550101".parse().unwrap();
    app.fake
        .text(from, number.parse().unwrap(), "I want to talk to a human");
    app.pass(Duration::from_secs(10)).await;

    let conversation =
        app.viewer.get("/api/sms/conversations").await.expect(200)["data"][0].clone();
    assert_eq!(conversation["ai_paused"], true);
    assert_eq!(conversation["attention"]["reason"], "agent");

    let path = format!(
        "/api/sms/conversations/{}",
        conversation["id"].as_str().unwrap()
    );
    let send = json!({ "body": "Hi, this is Ann.", "source": "human" });
    app.operator
        .post(&format!("{path}/messages"), send)
        .await
        .expect(201);
    app.pass(Duration::from_secs(10)).await;
    let texts = app
        .stranger
        .get("/dev/handset/+13175550101")
        .await
        .expect(200);
    assert_eq!(
        texts["data"].as_array().unwrap().last().unwrap()["body"],
        "Hi, this is Ann."
    );
    let read = app
        .operator
        .post(&format!("{path}/read"), Value::Null)
        .await
        .expect(200);
    assert_eq!(read["unread_count"], 0);
}
