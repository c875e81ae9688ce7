use hum_adapters::telephony::fake::{Direction, FakeCarrier};
use hum_core::{Hum, clock::Timestamp, error::Error, event::Event, id::OrgId, number::E164};

use super::receiver::Receiver;

/// Prints what happens, from what each side can see.
pub struct Timeline<'a> {
    hum: &'a Hum,
    org: OrgId,
    handset: E164,
    start: Timestamp,
    texts_shown: usize,
    last_event: i64,
    lines: Vec<String>,
}

impl<'a> Timeline<'a> {
    pub fn new(hum: &'a Hum, org: OrgId, handset: E164) -> Self {
        Self {
            start: hum.clock().now(),
            hum,
            org,
            handset,
            texts_shown: 0,
            last_event: 0,
            lines: Vec::new(),
        }
    }

    /// Whether a line with these words was printed.
    pub fn has(&self, words: &str) -> bool {
        self.lines.iter().any(|line| line.contains(words))
    }

    /// Prints what is new.
    pub async fn show(&mut self, carrier: &FakeCarrier, receiver: &Receiver) -> Result<(), Error> {
        let texts = carrier.handset(&self.handset);
        for text in texts.iter().skip(self.texts_shown) {
            let (who, what) = match text.direction {
                Direction::Written => ("handset", "handset writes"),
                Direction::Received => ("handset", "handset receives"),
            };
            self.print(text.at, who, format!("{what}: {}", text.body));
        }
        self.texts_shown = texts.len();
        for event in self
            .hum
            .reads(self.org)
            .events_after(self.last_event, 200)
            .await?
        {
            self.last_event = event.seq;
            self.print(event.at, "hum", described(&event));
        }
        for event in receiver.take_verified() {
            let kind = event["type"].as_str().unwrap_or_default();
            self.print(
                self.hum.clock().now(),
                "customer",
                format!("webhook verified: {kind} (event {})", event["seq"]),
            );
        }
        Ok(())
    }

    fn print(&mut self, at: Timestamp, who: &str, what: String) {
        let seconds = at.since(self.start).as_secs_f64();
        println!("{seconds:>8.1} s  {who:<9} {what}");
        self.lines.push(what);
    }
}

fn described(event: &Event) -> String {
    let kind = event.kind.as_str();
    let message = &event.data["message"];
    let body = message["body"].as_str().unwrap_or_default();
    match kind {
        "sms.sent" if message["source"] == "ai" => format!("{kind}: agent replies: {body}"),
        "sms.received" | "sms.sent" | "sms.failed" => format!("{kind}: {body}"),
        "outcome.captured" => format!(
            "{kind}: AI turn, tool call report_outcome {}",
            event.data["outcome"]
        ),
        _ => kind.to_owned(),
    }
}
