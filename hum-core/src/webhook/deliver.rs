//! One try of one delivery.

use std::time::Duration;

use crate::{
    app::Hum,
    kernel::{
        batch::{Batch, Finished},
        cipher::Secret,
        clock::Timestamp,
        egress::{EgressError, EgressRequest, EgressResponse},
        error::{Error, Tries},
        id::{DeliveryId, EventId},
        job::Claimed,
        store::OrgReads,
    },
    planted::{Bug, planted},
};

use super::{ATTEMPTS, Attempt, Delivery, DeliveryState, Failing, Webhook, WebhookSecret, WebhookState, schedule, signature};

const TIMEOUT: Duration = Duration::from_secs(15);
const MAX_RESPONSE_BYTES: usize = 64 * 1024;
const SHOWN_RESPONSE_CHARS: usize = 1000;
/// A webhook is disabled after this long without a success …
const FAILING_FOR: Duration = Duration::from_secs(5 * 24 * 3600);
/// … and at least this many failures.
const FAILING_COUNT: i64 = 12;
/// 410 Gone: the endpoint asks not to be called again (Standard Webhooks).
const GONE: u16 = 410;

impl Hum {
    /// Runs a `webhook.deliver` job.
    pub(crate) async fn run_deliver(&self, job: &Claimed) -> Result<(), Error> {
        let Ok(id) = job.key.parse::<DeliveryId>() else { return self.finish(job, Finished::Done).await };
        let reads = self.reads(job.org);
        let Some(delivery) = reads.delivery(id).await?.filter(|delivery| delivery.state == DeliveryState::Pending) else {
            return self.finish(job, Finished::Done).await;
        };
        let Some(webhook) = reads.webhook(delivery.webhook).await? else { return self.finish(job, Finished::Done).await };
        if !webhook.is_enabled() {
            return self.hold(job, id).await;
        }
        let Some(body) = body(&*reads, &delivery).await? else { return self.finish(job, Finished::Done).await };
        let request = self.signed_request(&webhook, &delivery, &body)?;
        let (at, started) = (self.clock.now(), self.clock.monotonic());
        let answer = self.egress.send(request).await;
        let duration = self.clock.monotonic().saturating_sub(started);
        self.record_attempt(job, id, at, duration, answer).await
    }

    fn signed_request(&self, webhook: &Webhook, delivery: &Delivery, body: &str) -> Result<EgressRequest, Error> {
        let now = self.clock.now();
        let open = |column: &'static str, sealed: &[u8]| -> Result<Option<WebhookSecret>, Error> {
            let text = self.open(&Webhook::context(webhook.org, webhook.id, column), sealed, "webhook", column)?;
            Ok(WebhookSecret::parse(text.reveal()))
        };
        let mut secrets: Vec<WebhookSecret> = open("secret", &webhook.secret)?.into_iter().collect();
        if let Some((sealed, until)) = &webhook.previous_secret
            && now < *until
        {
            secrets.extend(open("previous_secret", sealed)?);
        }
        let id = if planted(Bug::NewIdEachAttempt) { EventId::new(now, &*self.entropy) } else { delivery.event };
        let mut headers: Vec<(String, Secret<String>)> = self
            .webhook_headers(webhook)?
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), Secret::new(value)))
            .collect();
        headers.push(("content-type".into(), Secret::new("application/json".into())));
        headers.push(("x-hum-event".into(), Secret::new(delivery.event_type.clone())));
        for (name, value) in signature::sign(&secrets, id, now, body.as_bytes()) {
            headers.push((name.into(), Secret::new(value)));
        }
        Ok(EgressRequest {
            url: webhook.url.clone(),
            headers,
            body: body.as_bytes().to_vec(),
            timeout: TIMEOUT,
            max_response_bytes: MAX_RESPONSE_BYTES,
        })
    }

    /// The webhook is disabled: the delivery waits, and is taken up again when it is enabled.
    async fn hold(&self, job: &Claimed, id: DeliveryId) -> Result<(), Error> {
        let mut tries = Tries::new();
        loop {
            let reads = self.reads(job.org);
            let Some(mut delivery) = reads.delivery(id).await? else { return self.finish(job, Finished::Done).await };
            if delivery.state != DeliveryState::Pending || planted(Bug::DropOnDisable) {
                return self.finish(job, Finished::Done).await;
            }
            let id_of_webhook = delivery.webhook;
            let mut batch = Batch::for_org(job.org);
            delivery.state = DeliveryState::Held;
            batch.put(delivery);
            // Whoever enables the webhook at this moment must see this delivery as held, or find it pending.
            if let Some(webhook) = reads.webhook(id_of_webhook).await? {
                if webhook.is_enabled() {
                    return self.finish(job, Finished::Again { at: self.clock.now(), error: None }).await;
                }
                batch.guard(crate::kernel::batch::Guard::Webhook(webhook.id, webhook.version));
            }
            batch.finish(job.id, job.fence, Finished::Done);
            match self.commit(batch).await {
                Ok(_) => return Ok(()),
                Err(error) => tries.again(error)?,
            }
        }
    }

    async fn record_attempt(
        &self,
        job: &Claimed,
        id: DeliveryId,
        at: Timestamp,
        duration: Duration,
        answer: Result<EgressResponse, EgressError>,
    ) -> Result<(), Error> {
        let (attempt, retry_after) = describe(at, duration, &answer);
        let success = matches!(&answer, Ok(response) if (200..300).contains(&response.status));
        let mut tries = Tries::new();
        loop {
            let reads = self.reads(job.org);
            let Some(mut delivery) = reads.delivery(id).await? else { return self.finish(job, Finished::Done).await };
            let Some(mut webhook) = reads.webhook(delivery.webhook).await? else { return self.finish(job, Finished::Done).await };
            let now = self.clock.now();
            let mut batch = Batch::for_org(job.org);
            delivery.attempts.push(attempt.clone());
            delivery.tries += 1;
            let mut how = Finished::Done;
            if success {
                delivery.state = DeliveryState::Delivered;
            } else if let Some(wait) =
                schedule::delay(delivery.tries, retry_after, &*self.entropy).filter(|_| delivery.tries < ATTEMPTS)
            {
                how = Finished::Again { at: now + wait, error: attempt.error.clone() };
            } else {
                delivery.state = DeliveryState::Exhausted;
            }
            let before = webhook.clone();
            judge(&mut webhook, success, attempt.status, at, now);
            if webhook != before {
                if before.is_enabled() && !webhook.is_enabled() {
                    tracing::warn!(webhook = %webhook.id, "webhook disabled: {:?}", webhook.state);
                }
                batch.put(webhook);
            }
            batch.put(delivery);
            batch.finish(job.id, job.fence, how);
            match self.commit(batch).await {
                Ok(_) => return Ok(()),
                Err(error) => tries.again(error)?,
            }
        }
    }
}

/// The exact bytes, the same for every try.
async fn body(reads: &dyn OrgReads, delivery: &Delivery) -> Result<Option<String>, Error> {
    match (&delivery.body, delivery.event_seq) {
        (Some(body), _) => Ok(Some(body.clone())),
        (None, Some(seq)) => Ok(reads.event(seq).await?.map(|event| event.to_json().to_string())),
        (None, None) => Ok(None),
    }
}

fn describe(at: Timestamp, duration: Duration, answer: &Result<EgressResponse, EgressError>) -> (Attempt, Option<Duration>) {
    let mut attempt = Attempt {
        at,
        status: None,
        duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        error: None,
        response: None,
    };
    match answer {
        Ok(response) => {
            attempt.status = Some(response.status);
            let text = String::from_utf8_lossy(&response.body);
            let shown: String = text.chars().filter(|char| *char != '\0').take(SHOWN_RESPONSE_CHARS).collect();
            attempt.response = (!shown.is_empty()).then_some(shown);
            if !(200..300).contains(&response.status) {
                attempt.error = Some(match response.status {
                    300..400 => format!("answered {}: redirects are not followed", response.status),
                    status => format!("answered {status}"),
                });
            }
            (attempt, response.retry_after)
        }
        Err(error) => {
            attempt.error = Some(error.to_string());
            (attempt, None)
        }
    }
}

/// What one try says about the webhook as a whole. The clock of failures is durable.
fn judge(webhook: &mut Webhook, success: bool, status: Option<u16>, at: Timestamp, now: Timestamp) {
    if success {
        webhook.failing = None;
        return;
    }
    let failing =
        webhook.failing.map_or(Failing { since: at, count: 1 }, |failing| Failing { count: failing.count + 1, ..failing });
    webhook.failing = Some(failing);
    if !webhook.is_enabled() {
        return;
    }
    let at_once = planted(Bug::DisableAtOnce) && failing.count >= 3;
    if status == Some(GONE) {
        webhook.state = WebhookState::Disabled { reason: "gone".into(), at: now };
    } else if at_once || (now.since(failing.since) >= FAILING_FOR && failing.count >= FAILING_COUNT) {
        webhook.state = WebhookState::Disabled { reason: "failing".into(), at: now };
    }
}
