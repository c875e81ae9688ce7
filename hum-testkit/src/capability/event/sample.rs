use hum_core::event::{Event, EventKind};
use serde_json::json;

use crate::contract::sample::Sample;

impl Sample<'_> {
    /// An event of no conversation.
    pub fn event(&self) -> Event {
        let (now, entropy) = (self.world.now(), self.world.entropy());
        Event::new(
            self.org,
            EventKind::OutcomeCaptured,
            json!({"b": [1, {"a": null}], "a": "é"}),
            now,
            entropy,
        )
    }
}
