use serde_json::json;

use crate::support::{TestApp, on_both_stores};

on_both_stores!(the_feed_has_no_gaps);

async fn the_feed_has_no_gaps(app: TestApp) {
    app.fixture().await;
    let whole = app.viewer.get("/api/events?limit=200").await.expect(200);
    let whole = whole["data"].as_array().unwrap().clone();
    assert!(
        whole.len() > 3
            && whole
                .iter()
                .zip(1..)
                .all(|(event, seq)| event["seq"] == seq)
    );
    let (mut pieces, mut after) = (Vec::new(), 0);
    loop {
        let piece = app
            .viewer
            .get(&format!("/api/events?after={after}&limit=2"))
            .await
            .expect(200);
        let data = piece["data"].as_array().unwrap();
        if data.is_empty() {
            assert_eq!(
                piece["next_after"], after,
                "nothing new: ask again from here"
            );
            break;
        }
        pieces.extend(data.clone());
        after = piece["next_after"].as_i64().unwrap();
    }
    assert_eq!(pieces, whole);
    assert_eq!(
        app.foreigner.get("/api/events").await.expect(200),
        json!({ "data": [], "next_after": 0 })
    );
}
