use std::collections::BTreeMap;

use hum_core::clock::Timestamp;

use crate::monitor::Monitor;

/// A customer's endpoint was called.
#[derive(Debug, Clone)]
pub struct Called {
    /// Where.
    pub url: String,
    /// With what.
    pub headers: Vec<(String, String)>,
    /// With what.
    pub body: Vec<u8>,
    /// When.
    pub at: Timestamp,
    /// What it meant to answer.
    pub status: u16,
}

impl Called {
    /// The value of a header; empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value)
    }
}

/// What the world knows of webhooks.
#[derive(Debug, Default)]
pub struct WebhookLog {
    /// Calls of endpoints.
    pub calls: Vec<Called>,
    /// Signing secrets by URL, with the time from which each is valid.
    pub secrets: BTreeMap<String, Vec<(String, Timestamp)>>,
}

impl Monitor {
    /// A customer's endpoint was called.
    pub fn called(&self, called: Called) {
        self.see(|witness| {
            witness.note(format!(
                "call {} {} {}",
                called.url,
                called.status,
                String::from_utf8_lossy(&called.body)
            ));
            witness.judge(|invariant, known, findings| invariant.on_call(known, &called, findings));
            witness.log.webhooks.calls.push(called);
        });
    }
}
