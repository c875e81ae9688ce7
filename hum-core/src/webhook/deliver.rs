//! One try of one delivery.

use std::time::Duration;

use async_trait::async_trait;

use crate::{
    kernel::{
        batch::{Batch, Finished},
        cipher::Secret,
        clock::Timestamp,
        decide::{Moment, Verdict},
        egress::{EgressError, EgressRequest, EgressResponse},
        error::Error,
        id::DeliveryId,
        job::{Claimed, Job, JobKind, Lane, NewJob},
    },
    usage::Usage,
};

use super::{Attempt, Delivery, Webhook, WebhookSecret, Webhooks, signature};

/// Tries one delivery. Key: delivery.
pub const DELIVER: JobKind = JobKind::new("webhook.deliver");

const USER_AGENT: &str = "hum-webhooks/1.0";
const SHOWN_RESPONSE_CHARS: usize = 1000;

/// Try this delivery.
///
/// Each webhook has a queue, so that a slow one keeps no other one waiting.
pub(super) fn deliver_job(delivery: &Delivery, moment: Moment<'_>) -> NewJob {
    NewJob::new(DELIVER, delivery.org, delivery.id, moment.now, moment).in_queue(delivery.webhook)
}

pub(super) struct Deliver(pub Webhooks);

#[async_trait]
impl Job for Deliver {
    fn kind(&self) -> JobKind {
        DELIVER
    }

    fn lane(&self) -> Lane {
        Lane::Others
    }

    async fn run(&self, job: &Claimed) -> Result<(), Error> {
        let kernel = &self.0.kernel;
        let Ok(id) = job.key.parse::<DeliveryId>() else {
            return kernel.claimed(job).finish(Finished::Done).await;
        };
        let found = self.0.reads.of(job.org).delivery_to_try(id).await?;
        let Some(found) = found.filter(|found| found.delivery.is_pending()) else {
            return kernel.claimed(job).finish(Finished::Done).await;
        };
        let (Some(body), Some(webhook)) = (found.body(), found.webhook) else {
            return kernel.claimed(job).finish(Finished::Done).await;
        };
        if !webhook.is_enabled() {
            return self.hold(job, id).await;
        }
        let delivery = found.delivery;
        let request = self.signed_request(&webhook, &delivery, &body)?;
        let (at, started) = (kernel.now(), kernel.clock().monotonic());
        let answer = self.0.egress.send(request).await;
        let duration = kernel.clock().monotonic().saturating_sub(started);
        let tried = Tried::of(at, duration, &answer);
        self.record(job, (delivery, webhook), &tried).await
    }
}

impl Deliver {
    fn signed_request(
        &self,
        webhook: &Webhook,
        delivery: &Delivery,
        body: &str,
    ) -> Result<EgressRequest, Error> {
        let now = self.0.kernel.now();
        let open = |column: &'static str, sealed: &[u8]| -> Result<Option<WebhookSecret>, Error> {
            let text = self
                .0
                .kernel
                .open(&webhook.context(column), sealed, "webhook", column)?;
            Ok(WebhookSecret::parse(text.reveal()))
        };
        let mut secrets: Vec<WebhookSecret> =
            open("secret", webhook.secret())?.into_iter().collect();
        if let Some((sealed, until)) = webhook.previous_secret()
            && now < until
        {
            secrets.extend(open("previous_secret", sealed)?);
        }
        let mut headers: Vec<(String, Secret<String>)> = self
            .0
            .headers_of(webhook)?
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), Secret::new(value)))
            .collect();
        headers.push((
            "content-type".into(),
            Secret::new("application/json".into()),
        ));
        headers.push((
            "x-hum-event".into(),
            Secret::new(delivery.event_type.clone()),
        ));
        for (name, value) in signature::sign(&secrets, delivery.event, now, body.as_bytes()) {
            headers.push((name.into(), Secret::new(value)));
        }
        let body = body.as_bytes().to_vec();
        Ok(EgressRequest {
            headers,
            ..EgressRequest::post(webhook.url(), USER_AGENT, body)
        })
    }

    async fn hold(&self, job: &Claimed, id: DeliveryId) -> Result<(), Error> {
        let reads = self.0.reads.of(job.org);
        let load = || async {
            let Some(delivery) = reads.delivery(id).await?.filter(Delivery::is_pending) else {
                return Ok(None);
            };
            let webhook = reads.webhook(delivery.webhook).await?;
            Ok(Some((delivery, webhook)))
        };
        let decide = |(delivery, webhook), moment: Moment<'_>| Ok(hold(delivery, webhook, moment));
        self.0.kernel.claimed(job).decide(load, decide).await?;
        Ok(())
    }

    /// Decides on what was read before the request: whoever changed it since is found by its
    /// version, and then it is read again.
    async fn record(
        &self,
        job: &Claimed,
        first: (Delivery, Webhook),
        tried: &Tried,
    ) -> Result<(), Error> {
        let (reads, id) = (self.0.reads.of(job.org), first.0.id);
        let load = || async {
            let Some(found) = reads.delivery_to_try(id).await? else {
                return Ok(None);
            };
            Ok(found.webhook.map(|webhook| (found.delivery, webhook)))
        };
        let decide =
            |(delivery, webhook), moment: Moment<'_>| Ok(record(delivery, webhook, tried, moment));
        let run = self.0.kernel.claimed(job);
        run.decide_from(Some(first), load, decide).await?;
        Ok(())
    }
}

/// The webhook is disabled: the delivery waits, and is taken up again when it is enabled.
fn hold(delivery: Delivery, webhook: Option<Webhook>, moment: Moment<'_>) -> Verdict<()> {
    let mut batch = Batch::for_org(delivery.org);
    if webhook.as_ref().is_some_and(Webhook::is_enabled) {
        return Verdict::again(batch, moment.now, None);
    }
    batch.put(&delivery.hold());
    // Whoever enables the webhook at this moment must see this delivery as held, or find it
    // pending.
    if let Some(webhook) = webhook {
        batch.guard(&webhook);
    }
    Verdict::done(batch)
}

fn record(delivery: Delivery, webhook: Webhook, tried: &Tried, moment: Moment<'_>) -> Verdict<()> {
    let mut batch = Batch::for_org(delivery.org);
    let (delivery, next) = delivery.record(tried.attempt.clone(), tried.retry_after, moment);
    let judged = webhook.clone().judge(&tried.attempt, moment.now);
    if judged != webhook {
        if webhook.is_enabled() && !judged.is_enabled() {
            tracing::warn!(webhook = %judged.id, "webhook disabled: {:?}", judged.state());
        }
        batch.put(&judged);
    }
    batch.put(&delivery);
    let taken = i64::from(tried.attempt.succeeded());
    Usage::Deliveries.count(&mut batch, taken, moment.now);
    match next {
        Some(at) => Verdict::again(batch, at, tried.attempt.error.clone()),
        None => Verdict::done(batch),
    }
}

/// A try, and how long the endpoint asks to be left alone.
struct Tried {
    attempt: Attempt,
    retry_after: Option<Duration>,
}

impl Tried {
    fn of(at: Timestamp, duration: Duration, answer: &Result<EgressResponse, EgressError>) -> Self {
        let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let mut attempt = Attempt {
            at,
            status: None,
            duration_ms,
            error: None,
            response: None,
        };
        match answer {
            Ok(response) => {
                attempt.status = Some(response.status);
                attempt.response = shown(&response.body);
                attempt.error = match response.status {
                    200..300 => None,
                    300..400 => Some(format!(
                        "answered {}: redirects are not followed",
                        response.status
                    )),
                    status => Some(format!("answered {status}")),
                };
                Self {
                    attempt,
                    retry_after: response.retry_after,
                }
            }
            Err(error) => {
                attempt.error = Some(error.to_string());
                Self {
                    attempt,
                    retry_after: None,
                }
            }
        }
    }
}

/// What people see of an answer's body.
fn shown(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let shown: String = text
        .chars()
        .filter(|char| *char != '\0')
        .take(SHOWN_RESPONSE_CHARS)
        .collect();
    (!shown.is_empty()).then_some(shown)
}
