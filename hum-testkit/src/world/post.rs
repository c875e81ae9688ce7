use std::time::Duration;

use hum_core::{clock::Clock as _, sms::Received, telephony::CarrierStatus};

use super::Shared;
use crate::fake::carrier::Callback;

/// How often the carrier tries a webhook that is not answered. More than Twilio does, so that lost
/// texts are hum's fault.
const TRIES: u32 = 8;

impl Shared {
    /// The carrier makes the webhooks that are due.
    pub(super) fn deliver_due(&self) {
        let (fate, chance) = (&self.0.fate, &self.0.chance);
        for callback in self.0.carrier.take_due() {
            let copies = if fate.strikes(fate.options().inbound_repeated) {
                chance.between(2, 6)
            } else {
                1
            };
            for _ in 0..copies {
                let (shared, callback) = (self.clone(), callback.clone());
                self.act(async move { shared.post(callback).await });
            }
        }
    }

    /// One webhook of the carrier, repeated until it is answered.
    async fn post(&self, callback: Callback) {
        for attempt in 1..=TRIES {
            let Callback { token, form } = callback.clone();
            let answer = match token {
                Some(token) => {
                    self.request(
                        move |hum| async move { hum.sms().receive_status(&token, &form).await },
                    )
                    .await
                }
                None => {
                    self.request(move |hum| async move { hum.sms().receive(&form).await })
                        .await
                }
            };
            if let Some(Ok(received)) = answer {
                if received == Received::Taken {
                    self.taken(&callback);
                }
                return;
            }
            self.0
                .clock
                .sleep(Duration::from_secs(u64::from(attempt) * 15))
                .await;
        }
    }

    /// hum said 200.
    fn taken(&self, callback: &Callback) {
        let param = |name: &str| callback.form.param(name).unwrap_or_default();
        match &callback.token {
            Some(token) => {
                let status = CarrierStatus::parse(param("MessageStatus"));
                self.0
                    .monitor
                    .took_status(token, status, param("ErrorCode").parse().ok());
            }
            None => self.0.monitor.took_text(param("MessageSid")),
        }
    }
}
