use std::time::Duration;

use hum_core::{
    event::Event,
    record::Value,
    webhook::{Attempt, Delivery, Webhook},
};

use crate::contract::sample::Sample;

impl Sample<'_> {
    /// An endpoint with every part.
    pub fn webhook(&self) -> Webhook {
        let now = Value::from(self.world.now().as_micros());
        self.any([
            ("previous_secret", Value::Bytes(vec![7])),
            ("previous_secret_until", now.clone()),
            ("enabled", true.into()),
            ("disabled_reason", Value::Null),
            ("disabled_at", Value::Null),
            ("failing_since", now.clone()),
            ("failing_count", 3.into()),
            ("created_at", now),
            ("deleted_at", Value::Null),
        ])
    }

    /// An event on its way, tried once.
    pub fn delivery(&self, webhook: &Webhook, event: &Event) -> Delivery {
        let attempt = Attempt {
            at: self.world.now() + Duration::from_micros(7),
            status: Some(503),
            duration_ms: 12,
            error: Some("busy".into()),
            response: None,
        };
        Delivery::of(webhook.id, event, self.moment())
            .record(attempt, None, self.moment())
            .0
    }
}
