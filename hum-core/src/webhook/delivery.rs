use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::kernel::{
    clock::Timestamp,
    decide::Moment,
    entropy::Entropy,
    error::Error,
    event::Event,
    id::{DeliveryId, EventId, OrgId, WebhookId},
    named::named,
    record::{Field as _, Sample, record},
};

use super::{Webhook, schedule};

record! {
    /// One event on its way to one webhook, with the history of tries.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Delivery in "delivery" {
        /// Whose.
        key pub org: OrgId => "org_id",
        /// Which.
        key pub id: DeliveryId => "id",
        /// To which webhook.
        fixed pub webhook: WebhookId => "webhook_id",
        /// The event; also the `webhook-id` header of every try.
        fixed pub event: EventId => "event_id",
        /// Its number in the feed; `None` for test deliveries, which are not in the feed.
        fixed pub event_seq: Option<i64> => "event_seq",
        /// Its type.
        fixed pub event_type: String => "event_type",
        /// The exact bytes to send, for test deliveries; feed events are read again.
        fixed pub body: Option<String> => "body",
        /// Where it stands.
        column state: DeliveryState => "state",
        /// Every try so far, oldest first.
        json attempts: Vec<Attempt> => "attempts",
        /// How many tries belong to the present run of the schedule; a redelivery starts it again.
        column tries: i64 => "tries",
        /// When it was made.
        fixed pub created_at: Timestamp => "created_at",
        /// Store version.
        version pub version: i64 => "version",
    }
    unique { ["org_id", "webhook_id", "event_seq"] }
}

/// A delivery, and everything that trying it needs.
#[derive(Debug, Clone)]
pub struct DeliveryToTry {
    /// What.
    pub delivery: Delivery,
    /// Where to; `None` when it was deleted.
    pub webhook: Option<Webhook>,
    /// Its event; `None` for a test delivery, which has a body of its own.
    pub event: Option<Event>,
}

impl DeliveryToTry {
    /// The exact bytes, the same for every try.
    pub(super) fn body(&self) -> Option<String> {
        let own = self.delivery.body.clone();
        own.or_else(|| Some(self.event.as_ref()?.to_json().to_string()))
    }
}

named! {
    /// Where a delivery stands.
    pub enum DeliveryState {
        /// Will be tried.
        Pending = "pending",
        /// Waits for the webhook to be enabled.
        Held = "held",
        /// The endpoint answered 2xx.
        Delivered = "delivered",
        /// Ten tries failed.
        Exhausted = "exhausted",
    }
}

/// One try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Flat", from = "Flat")]
pub struct Attempt {
    /// When.
    pub at: Timestamp,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// How long it took, milliseconds.
    pub duration_ms: u64,
    /// Why it failed, for people.
    pub error: Option<String>,
    /// The first 1,000 characters of the answer's body.
    pub response: Option<String>,
}

impl Attempt {
    /// Whether the endpoint answered 2xx.
    pub fn succeeded(&self) -> bool {
        self.status
            .is_some_and(|status| (200..300).contains(&status))
    }
}

impl Delivery {
    /// A delivery of an event of the feed.
    pub fn of(webhook: WebhookId, event: &Event, moment: Moment<'_>) -> Self {
        let Moment { now, entropy } = moment;
        Self {
            id: DeliveryId::new(now, entropy),
            org: event.org,
            webhook,
            event: event.id,
            event_seq: Some(event.seq),
            event_type: event.kind.as_str().into(),
            body: None,
            state: DeliveryState::Pending,
            attempts: Vec::new(),
            tries: 0,
            created_at: now,
            version: 0,
        }
    }

    /// A test delivery: an event that is not in the feed.
    pub fn test(webhook: WebhookId, event: &Event, moment: Moment<'_>) -> Self {
        Self {
            event_seq: None,
            body: Some(event.to_json().to_string()),
            ..Self::of(webhook, event, moment)
        }
    }

    /// Where it stands.
    pub fn state(&self) -> DeliveryState {
        self.state
    }

    /// Whether it will be tried.
    pub fn is_pending(&self) -> bool {
        self.state == DeliveryState::Pending
    }

    /// Every try so far, oldest first.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// How many tries belong to the present run of the schedule.
    pub fn tries(&self) -> i64 {
        self.tries
    }

    /// Waits until its webhook is enabled.
    pub fn hold(self) -> Self {
        Self {
            state: DeliveryState::Held,
            ..self
        }
    }

    /// Its webhook is enabled: it will be tried.
    pub fn take_up(self) -> Self {
        Self {
            state: DeliveryState::Pending,
            ..self
        }
    }

    /// Will be tried again, from the start of the schedule.
    ///
    /// # Errors
    /// `Conflict` when it is being delivered already.
    pub fn redeliver(self) -> Result<Self, Error> {
        match self.state {
            DeliveryState::Pending | DeliveryState::Held => {
                Err(Error::Conflict("it is on its way already".into()))
            }
            DeliveryState::Delivered | DeliveryState::Exhausted => Ok(Self {
                state: DeliveryState::Pending,
                tries: 0,
                ..self
            }),
        }
    }

    /// Was tried; with it, when the next try is due, if there is one.
    pub fn record(
        mut self,
        attempt: Attempt,
        retry_after: Option<Duration>,
        moment: Moment<'_>,
    ) -> (Self, Option<Timestamp>) {
        let succeeded = attempt.succeeded();
        self.attempts.push(attempt);
        self.tries += 1;
        if succeeded {
            return (
                Self {
                    state: DeliveryState::Delivered,
                    ..self
                },
                None,
            );
        }
        match schedule::delay(self.tries, retry_after, moment.entropy) {
            Some(wait) => (self, Some(moment.now + wait)),
            None => (
                Self {
                    state: DeliveryState::Exhausted,
                    ..self
                },
                None,
            ),
        }
    }
}

/// A try as it is stored: [`Timestamp`]'s own JSON is for people and rounds to milliseconds.
type Flat = (i64, Option<u16>, u64, Option<String>, Option<String>);

impl From<Attempt> for Flat {
    fn from(
        Attempt {
            at,
            status,
            duration_ms,
            error,
            response,
        }: Attempt,
    ) -> Self {
        (at.as_micros(), status, duration_ms, error, response)
    }
}

impl From<Flat> for Attempt {
    fn from((at, status, duration_ms, error, response): Flat) -> Self {
        Self {
            at: Timestamp::from_micros(at),
            status,
            duration_ms,
            error,
            response,
        }
    }
}

impl Sample for Vec<Attempt> {
    fn sample(entropy: &dyn Entropy) -> Self {
        let attempt = |_| Attempt {
            at: Timestamp::sample(entropy),
            status: Option::sample(entropy),
            duration_ms: entropy.below(15_000),
            error: Option::sample(entropy),
            response: Option::sample(entropy),
        };
        (0..entropy.below(3)).map(attempt).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kernel::{event::EventKind, record::Record as _},
        webhook::fixture::{attempt, endpoint, event, moment},
    };

    fn delivery() -> Delivery {
        Delivery::of(endpoint().id, &event(1, EventKind::SmsReceived), moment())
    }

    fn failed(times: usize) -> (Delivery, Vec<Option<Timestamp>>) {
        let mut delivery = delivery();
        let nexts = (0..times).map(|_| {
            let (tried, next) =
                delivery
                    .clone()
                    .record(attempt(moment().now, Some(503)), None, moment());
            delivery = tried;
            next
        });
        let nexts = nexts.collect();
        (delivery, nexts)
    }

    #[test]
    fn ten_tries_then_it_is_exhausted() {
        let (delivery, nexts) = failed(10);
        assert!(
            nexts[..9]
                .iter()
                .all(|next| next.is_some_and(|next| next > moment().now))
        );
        assert_eq!(
            (delivery.state(), delivery.tries(), nexts[9]),
            (DeliveryState::Exhausted, 10, None)
        );
    }

    #[test]
    fn an_answer_of_2xx_ends_it() {
        for (status, state) in [
            (Some(200), DeliveryState::Delivered),
            (Some(301), DeliveryState::Pending),
            (None, DeliveryState::Pending),
        ] {
            let (tried, next) = delivery().record(attempt(moment().now, status), None, moment());
            assert_eq!(
                (tried.state(), next.is_none()),
                (state, state == DeliveryState::Delivered),
                "{status:?}"
            );
        }
    }

    #[test]
    fn only_what_ended_is_delivered_again_and_keeps_its_history() {
        for on_its_way in [delivery(), delivery().hold(), failed(9).0] {
            assert!(matches!(on_its_way.redeliver(), Err(Error::Conflict(_))));
        }
        let again = failed(10).0.redeliver().expect("it is exhausted");
        assert_eq!(
            (again.is_pending(), again.tries(), again.attempts().len()),
            (true, 0, 10)
        );
    }

    #[test]
    fn tries_are_stored_to_the_microsecond() {
        let at = moment().now + Duration::from_micros(7);
        let delivery = delivery().record(attempt(at, Some(503)), None, moment()).0;
        let row = delivery.to_row();
        assert_eq!(
            row.get("attempts"),
            &r#"[[1767225600000007,503,12,"busy",null]]"#.into()
        );
        assert_eq!(Delivery::from_row(row).expect("a delivery"), delivery);
    }
}
