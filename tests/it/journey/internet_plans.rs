//! Somebody texts for internet; the agent asks for the address and answers with plans.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{TestApp, on_both_stores};

on_both_stores!(an_agent_asks_for_the_address_and_answers_with_plans);

async fn an_agent_asks_for_the_address_and_answers_with_plans(app: TestApp) {
    let flow = app.flow().await;
    let tools = json!({ "tools_json": ["lookup_internet_plans"] });
    app.admin
        .patch(&format!("/api/flows/{flow}"), tools)
        .await
        .expect(200);
    let (_, number) = app.number(&flow).await;
    let handset = "/dev/handset/+13175550177";
    let mut said = Vec::new();
    for text in [
        "What internet plans do you have?",
        "29090 Tiffany Drive E, 48034",
        "12 Nowhere, 48034",
    ] {
        app.stranger
            .post(
                &format!("{handset}/messages"),
                json!({ "to": number, "body": text }),
            )
            .await
            .expect(201);
        app.pass(Duration::from_secs(10)).await;
        let texts = app.stranger.get(handset).await.expect(200);
        said.push(
            texts["data"].as_array().unwrap().last().unwrap()["body"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    assert_eq!(
        said[0],
        "I can look that up. What is your street address, and your ZIP code?"
    );
    assert_eq!(
        said[1],
        "At 29090 TIFFANY DR E, 48034: Example Fiber serves this area, Fiber up to 1000 Mbps; 1000 Mbps from $50.00 a month for \
         12 months, then $70.00."
    );
    let conversation =
        app.viewer.get("/api/sms/conversations").await.expect(200)["data"][0].clone();
    let path = format!(
        "/api/sms/conversations/{}/messages",
        conversation["id"].as_str().unwrap()
    );
    let messages = app.viewer.get(&path).await.expect(200);
    let ai = messages["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|message| message["source"] == json!("ai"))
        .count();
    assert_eq!(ai, 3);
    // A lookup leaves no session behind: nobody has its token.
    assert_eq!(
        app.viewer.get("/api/address-sessions").await.expect(200)["data"],
        Value::Array(Vec::new())
    );
}
