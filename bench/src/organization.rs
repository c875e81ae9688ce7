//! What a customer has before the first text comes in: an organization, a key, an agent, a number,
//! a webhook.

use std::{ffi::OsStr, io, net::SocketAddr, path::Path, sync::Arc};

use serde_json::{Value, json};

use crate::{
    database::Database,
    hum,
    load::{self, Load},
};

/// An organization, and what its key can do on a server.
pub struct Organization {
    pub id: String,
    key: String,
    address: SocketAddr,
}

impl Organization {
    /// Makes it with hum's own commands. `address` is where its server will be.
    pub fn create(
        program: &Path,
        database: &Database,
        data: &Path,
        slug: &str,
        address: SocketAddr,
    ) -> io::Result<Self> {
        let run = |arguments: &[&OsStr]| hum::ask(program, database, data, arguments);
        let id = run(&["organizations", "create", slug].map(OsStr::new))?;
        let options = ["keys", "create", "--org", slug, "--role", "admin"];
        let key = run(&options.map(OsStr::new))?;
        Ok(Self { id, key, address })
    }

    /// Registers a number, whose agent waits so long before it answers.
    pub fn number(&self, e164: &str, debounce_ms: u32) -> io::Result<()> {
        let agent = json!({
            "name": "Bench",
            "channel": "sms",
            "sms_config_json": { "debounce_ms": debounce_ms },
        });
        let agent = self.post("/api/flows", &agent)?;
        let number = json!({
            "e164": e164,
            "friendly_name": "Bench",
            "sms_flow_id": agent.get("id"),
            "sms_enabled": true,
        });
        self.post("/api/numbers", &number).map(drop)
    }

    /// Sends every text that comes in to `url`; answers the webhook's id.
    pub fn webhook(&self, url: &str) -> io::Result<String> {
        let webhook = json!({ "url": url, "events": ["sms.received"] });
        let webhook = self.post("/api/webhooks", &webhook)?;
        let id = webhook.get("id").and_then(Value::as_str);
        id.map(str::to_owned)
            .ok_or_else(|| io::Error::other(format!("a webhook without an id: {webhook}")))
    }

    /// Makes something.
    fn post(&self, path: &str, body: &Value) -> io::Result<Value> {
        let key = &self.key;
        let headers = format!("authorization: Bearer {key}\r\ncontent-type: application/json");
        let request = load::post(path, &headers, &body.to_string());
        let load = Load::new(1, Arc::new(vec![request]), 201)?;
        let answers = load.sample(self.address, 1)?;
        let Some((status, body)) = answers.first() else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        if *status != 201 {
            let said = String::from_utf8_lossy(body);
            return Err(io::Error::other(format!(
                "{path} answered {status}: {said}"
            )));
        }
        let answer: Value = serde_json::from_slice(body)?;
        Ok(answer.get("data").cloned().unwrap_or(answer))
    }
}
