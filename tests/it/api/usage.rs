use std::time::Duration;

use serde_json::json;

use crate::support::{Receiver, TestApp, on_both_stores};

on_both_stores!(what_was_used_is_counted_on_its_day);

async fn what_was_used_is_counted_on_its_day(app: TestApp) {
    let flow = app.flow().await;
    let (_, number) = app.number(&flow).await;
    let receiver = Receiver::start().await;
    app.webhook(&receiver.url).await;
    let nothing = app.viewer.get("/api/usage").await.expect(200);
    assert_eq!(nothing["data"], json!([]));
    let today = nothing["to"].as_str().unwrap().to_owned();

    let handset = "/dev/handset/+13175550100/messages";
    let text = json!({ "to": number, "body": "Yes, I confirm" });
    app.stranger.post(handset, text).await.expect(201);
    app.pass(Duration::from_secs(10)).await;

    let delivered = receiver.requests().len();
    assert_eq!(delivered, 5, "started, received, captured, sent, delivered");
    let used = json!([{
        "day": today, "texts_received": 1, "texts_sent": 1, "segments_sent": 1,
        "deliveries": delivered, "ai_turns": 1,
    }]);
    let path = format!("/api/usage?from={today}&to={today}");
    for path in ["/api/usage", &path] {
        assert_eq!(app.viewer.get(path).await.expect(200)["data"], used);
    }
    let before = "/api/usage?from=2001-01-01&to=2001-12-31";
    let elsewhere = app.foreigner.get("/api/usage").await.expect(200);
    let earlier = app.viewer.get(before).await.expect(200);
    assert_eq!(
        (&elsewhere["data"], &earlier["data"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(
        (&earlier["from"], &earlier["to"]),
        (&json!("2001-01-01"), &json!("2001-12-31"))
    );
}
