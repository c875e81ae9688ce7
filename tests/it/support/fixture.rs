use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use serde_json::{Value, json};

use super::{Receiver, TestApp};

/// One of everything, in the first organization.
pub struct Fixture {
    pub flow: String,
    pub number: String,
    pub number_e164: String,
    pub contact: String,
    pub conversation: String,
    /// Waits to be sent.
    pub queued: String,
    /// The carrier refused it.
    pub failed: String,
    /// Is opted out.
    pub opted_out: String,
    pub webhook: String,
    pub delivery: String,
    pub key: String,
    /// An address session, and the token that opens it.
    pub session: String,
    pub session_token: String,
    pub receiver: Receiver,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A number that no other fixture of this process has.
pub fn fresh_number() -> String {
    format!("+1555{:07}", NEXT.fetch_add(1, Ordering::Relaxed) + 1000)
}

fn id(value: &Value) -> String {
    value["id"].as_str().expect("an id").to_owned()
}

impl TestApp {
    /// An agent that answers texts soon, with every tool.
    pub async fn flow(&self) -> String {
        let body = json!({
            "name": "Front desk", "channel": "sms", "trigger_type": "message",
            "tools_json": ["assign_to_human", "close_conversation", "report_outcome"],
            "sms_config_json": { "debounce_ms": 100 },
        });
        id(&self.admin.post("/api/flows", body).await.expect(201))
    }

    /// A number, with this agent.
    pub async fn number(&self, flow: &str) -> (String, String) {
        let e164 = fresh_number();
        let body = json!({ "e164": e164, "friendly_name": "Acme", "sms_flow_id": flow });
        (
            id(&self.admin.post("/api/numbers", body).await.expect(201)),
            e164,
        )
    }

    /// A conversation without messages.
    pub async fn conversation(&self, number: &str, contact: &str) -> String {
        let body = json!({ "twilio_number_id": number, "contact_e164": contact });
        id(&self
            .operator
            .post("/api/sms/conversations", body)
            .await
            .expect(201))
    }

    /// A message in it that waits.
    pub async fn send(&self, conversation: &str, body: &str) -> String {
        let path = format!("/api/sms/conversations/{conversation}/messages");
        id(&self
            .operator
            .post(&path, json!({ "body": body }))
            .await
            .expect(201))
    }

    /// A webhook for everything; answers its id and secret.
    pub async fn webhook(&self, url: &str) -> (String, String) {
        let events: Vec<&str> = hum_core::event::EventKind::ALL
            .iter()
            .map(|kind| kind.as_str())
            .collect();
        let created = self
            .admin
            .post("/api/webhooks", json!({ "url": url, "events": events }))
            .await
            .expect(201);
        (
            id(&created),
            created["secret"].as_str().expect("a secret").to_owned(),
        )
    }

    /// One of everything.
    pub async fn fixture(&self) -> Fixture {
        let flow = self.flow().await;
        let (number, number_e164) = self.number(&flow).await;
        let contact = fresh_number();
        let conversation = self.conversation(&number, &contact).await;
        // The carrier refuses a text from a number to itself.
        let to_itself = self.conversation(&number, &number_e164).await;
        let failed = self.send(&to_itself, "Hello me").await;
        let receiver = Receiver::start().await;
        let (webhook, _) = self.webhook(&receiver.url).await;
        let delivery = id(&self
            .admin
            .post(&format!("/api/webhooks/{webhook}/test"), Value::Null)
            .await
            .expect(202));
        self.pass(Duration::from_secs(10)).await;
        let queued = self.send(&conversation, "Hello").await;
        let opted_out = fresh_number();
        self.operator
            .post("/api/sms/opt-outs", json!({ "contact_e164": opted_out }))
            .await
            .expect(201);
        let key = id(&self
            .admin
            .post("/api/keys", json!({ "name": "spare", "role": "viewer" }))
            .await
            .expect(201));
        let opened = self
            .operator
            .post(
                "/sessions",
                json!({ "street1": "29090 Tiffany Drive E", "zip": "48034" }),
            )
            .await
            .expect(201);
        let session_token = opened["meta"]["session_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        let session = id(&self
            .admin
            .get("/api/address-sessions?limit=1")
            .await
            .expect(200)["data"][0]);
        Fixture {
            flow,
            number,
            number_e164,
            contact,
            conversation,
            queued,
            failed,
            opted_out,
            webhook,
            delivery,
            key,
            session,
            session_token,
            receiver,
        }
    }
}
