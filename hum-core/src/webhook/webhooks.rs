//! Making, changing, testing and rotating webhooks.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::json;

use crate::{
    access::Caller,
    kernel::{
        Kernel, Reads,
        batch::Batch,
        cipher::{Cipher, Secret},
        decide::{Decision, Moment},
        egress::Egress,
        error::{Error, FieldError},
        event::{Event, EventKind},
        id::{DeliveryId, OrgId, WebhookId},
        idempotency::{Answer, Remember},
        store::StoreError,
    },
};

use super::{
    Delivery, Headers, Webhook, WebhookFeedReads, WebhookSecret, deliver::deliver_job,
    fan_out::fan_out_job, header,
};

/// How long deliveries are signed with the old secret too, after a rotation.
pub const ROTATION_OVERLAP: Duration = Duration::from_secs(24 * 3600);
/// How many webhooks an organization can have.
const MAX_WEBHOOKS: i64 = 100;

/// A new endpoint.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// An absolute http or https URL that hum may call.
    pub url: String,
    /// For people, at most 200 characters.
    pub description: String,
    /// At least one.
    pub events: BTreeSet<EventKind>,
    /// Additional headers.
    pub headers: Headers,
}

/// Changes; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct WebhookPatch {
    /// Where to.
    pub url: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Which events.
    pub events: Option<BTreeSet<EventKind>>,
    /// All additional headers.
    pub headers: Option<Headers>,
    /// Whether deliveries are made. Enabling continues where it stopped.
    pub enabled: Option<bool>,
}

/// A webhook whose secret was just made: the only time its text is shown.
#[derive(Debug, Clone)]
pub struct CreatedWebhook {
    /// The webhook.
    pub webhook: Webhook,
    /// To be shown once.
    pub secret: WebhookSecret,
    /// The names of the additional headers.
    pub header_names: Vec<String>,
}

/// Signed events to customers' endpoints.
#[derive(Clone)]
pub struct Webhooks {
    pub(super) kernel: Kernel,
    pub(super) reads: Reads<dyn WebhookFeedReads>,
    pub(super) egress: Arc<dyn Egress>,
}

impl Webhooks {
    pub(crate) fn new(
        kernel: Kernel,
        reads: Reads<dyn WebhookFeedReads>,
        egress: Arc<dyn Egress>,
    ) -> Self {
        Self {
            kernel,
            reads,
            egress,
        }
    }

    /// The additional headers of a webhook, opened.
    ///
    /// # Errors
    /// `Store` when they do not open.
    pub fn headers_of(&self, webhook: &Webhook) -> Result<Headers, Error> {
        let text = self.kernel.open(
            &webhook.context("headers"),
            webhook.headers(),
            "webhook",
            "headers",
        )?;
        serde_json::from_str(text.reveal()).map_err(|error| {
            Error::Store(StoreError::Corrupt {
                table: "webhook",
                column: "headers",
                detail: error.to_string(),
            })
        })
    }

    /// Makes a webhook. It gets the events from now on.
    ///
    /// # Errors
    /// `Invalid`; `Conflict` when there are 100 already.
    pub async fn create(
        &self,
        caller: &Caller,
        new: NewWebhook,
        remember: Remember<CreatedWebhook>,
    ) -> Result<Answer<CreatedWebhook>, Error> {
        check(
            Some(&new.url),
            Some(&new.description),
            Some(&new.events),
            Some(&new.headers),
            &*self.egress,
        )?;
        let reads = self.reads.of(caller.org);
        let load = || async {
            let webhooks = reads.count_webhooks().await?;
            Ok(Before {
                webhooks,
                last_seq: reads.last_event_seq().await?,
            })
        };
        let case = self.kernel.of(caller.org, caller.actor).once(remember);
        case.decide(load, |before, moment| {
            create(caller.org, &new, before, self.kernel.cipher(), moment)
        })
        .await
    }

    /// Changes a webhook.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`.
    pub async fn update(
        &self,
        caller: &Caller,
        id: WebhookId,
        patch: WebhookPatch,
    ) -> Result<Webhook, Error> {
        let WebhookPatch {
            url,
            description,
            events,
            headers,
            ..
        } = &patch;
        check(
            url.as_deref(),
            description.as_deref(),
            events.as_ref(),
            headers.as_ref(),
            &*self.egress,
        )?;
        let load = || self.found(caller.org, id);
        let case = self.kernel.of(caller.org, caller.actor);
        case.decide(load, |webhook, moment| {
            Ok(update(webhook, &patch, self.kernel.cipher(), moment))
        })
        .await
    }

    /// Removes a webhook; nothing more is delivered to it.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete(&self, caller: &Caller, id: WebhookId) -> Result<(), Error> {
        let load = || self.found(caller.org, id);
        self.kernel
            .of(caller.org, caller.actor)
            .decide(load, |webhook, moment| Ok(delete(webhook, moment)))
            .await
    }

    /// Makes a new secret. For 24 hours deliveries are signed with the old one too. Rotating again
    /// within that time ends the older overlap.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn rotate_secret(
        &self,
        caller: &Caller,
        id: WebhookId,
        remember: Remember<CreatedWebhook>,
    ) -> Result<Answer<CreatedWebhook>, Error> {
        let load = || async {
            let webhook = self.found(caller.org, id).await?;
            let secret = self.kernel.open(
                &webhook.context("secret"),
                webhook.secret(),
                "webhook",
                "secret",
            )?;
            let header_names = self.headers_of(&webhook)?.into_keys().collect();
            Ok(Opened {
                webhook,
                secret,
                header_names,
            })
        };
        let case = self.kernel.of(caller.org, caller.actor).once(remember);
        case.decide(load, |opened, moment| {
            Ok(rotate_secret(opened, self.kernel.cipher(), moment))
        })
        .await
    }

    /// Sends one `webhook.test` event, outside the feed. It is tried like any other delivery.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when the webhook is disabled.
    pub async fn test(
        &self,
        caller: &Caller,
        id: WebhookId,
        remember: Remember<Delivery>,
    ) -> Result<Answer<Delivery>, Error> {
        let load = || self.found(caller.org, id);
        let case = self.kernel.of(caller.org, caller.actor).once(remember);
        case.decide(load, |webhook, moment| test(&webhook, moment))
            .await
    }

    /// Delivers again, with the same `webhook-id`, from the start of the schedule.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it is being delivered already, or the webhook is disabled.
    pub async fn redeliver(
        &self,
        caller: &Caller,
        webhook: WebhookId,
        id: DeliveryId,
        remember: Remember<Delivery>,
    ) -> Result<Answer<Delivery>, Error> {
        let reads = self.reads.of(caller.org);
        let load = || async {
            let found = self.found(caller.org, webhook).await?;
            let delivery = reads
                .delivery(id)
                .await?
                .filter(|delivery| delivery.webhook == webhook);
            Ok((found, delivery.ok_or(Error::NotFound("delivery"))?))
        };
        let case = self.kernel.of(caller.org, caller.actor).once(remember);
        case.decide(load, |(webhook, delivery), moment| {
            redeliver(&webhook, delivery, moment)
        })
        .await
    }

    async fn found(&self, org: OrgId, id: WebhookId) -> Result<Webhook, Error> {
        self.reads
            .of(org)
            .webhook(id)
            .await?
            .ok_or(Error::NotFound("webhook"))
    }
}

fn check(
    url: Option<&str>,
    description: Option<&str>,
    events: Option<&BTreeSet<EventKind>>,
    headers: Option<&Headers>,
    egress: &dyn Egress,
) -> Result<(), Error> {
    let mut problems = Vec::new();
    if let Some(url) = url {
        if url.len() > 2000 {
            problems.push(FieldError::new(
                "/url",
                "must have at most 2,000 characters",
            ));
        } else if let Err(why) = egress.check(url) {
            problems.push(FieldError::new("/url", why));
        }
    }
    if description.is_some_and(|text| text.chars().count() > 200 || text.contains('\0')) {
        problems.push(FieldError::new(
            "/description",
            "must have at most 200 characters",
        ));
    }
    if events.is_some_and(BTreeSet::is_empty) {
        problems.push(FieldError::new("/events", "must have at least one event"));
    }
    if let Some(headers) = headers {
        problems.extend(header::problems(headers));
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(problems))
    }
}

/// What the organization has when a webhook is to be made.
struct Before {
    webhooks: i64,
    last_seq: i64,
}

fn create(
    org: OrgId,
    new: &NewWebhook,
    before: Before,
    cipher: &dyn Cipher,
    moment: Moment<'_>,
) -> Result<Decision<CreatedWebhook>, Error> {
    if before.webhooks >= MAX_WEBHOOKS {
        return Err(Error::Conflict(format!(
            "there are {MAX_WEBHOOKS} webhooks already; delete one first"
        )));
    }
    let (webhook, secret) = Webhook::create(org, new, before.last_seq, cipher, moment);
    let mut batch = Batch::for_org(org);
    batch.insert(&webhook);
    let id = webhook.id;
    let created = CreatedWebhook {
        webhook,
        secret,
        header_names: new.headers.keys().cloned().collect(),
    };
    Ok(Decision::new(batch, created).audited("webhook.create", id))
}

fn update(
    webhook: Webhook,
    patch: &WebhookPatch,
    cipher: &dyn Cipher,
    moment: Moment<'_>,
) -> Decision<Webhook> {
    let mut batch = Batch::for_org(webhook.org);
    let webhook = match (webhook.change(patch, cipher), patch.enabled) {
        (webhook, Some(true)) if !webhook.is_enabled() => {
            // Takes up the feed and the held deliveries where they stopped.
            batch.enqueue(fan_out_job(webhook.org, moment));
            webhook.enable()
        }
        (webhook, Some(false)) if webhook.is_enabled() => webhook.disable("person", moment.now),
        (webhook, _) => webhook,
    };
    batch.put(&webhook);
    let id = webhook.id;
    Decision::new(batch, webhook).audited("webhook.update", id)
}

fn delete(webhook: Webhook, moment: Moment<'_>) -> Decision<()> {
    let mut batch = Batch::for_org(webhook.org);
    let id = webhook.id;
    batch.put(&webhook.delete(moment.now));
    Decision::new(batch, ()).audited("webhook.delete", id)
}

/// A webhook, with what is sealed in it.
struct Opened {
    webhook: Webhook,
    secret: Secret<String>,
    header_names: Vec<String>,
}

fn rotate_secret(
    opened: Opened,
    cipher: &dyn Cipher,
    moment: Moment<'_>,
) -> Decision<CreatedWebhook> {
    let Opened {
        webhook,
        secret: current,
        header_names,
    } = opened;
    let (webhook, secret) = webhook.rotate(
        current.reveal(),
        moment.now + ROTATION_OVERLAP,
        cipher,
        moment.entropy,
    );
    let mut batch = Batch::for_org(webhook.org);
    batch.put(&webhook);
    let id = webhook.id;
    Decision::new(
        batch,
        CreatedWebhook {
            webhook,
            secret,
            header_names,
        },
    )
    .audited("webhook.rotate", id)
}

fn test(webhook: &Webhook, moment: Moment<'_>) -> Result<Decision<Delivery>, Error> {
    must_be_enabled(webhook)?;
    let data = json!({ "webhook_id": webhook.id });
    let event = Event::new(
        webhook.org,
        EventKind::WebhookTest,
        data,
        moment.now,
        moment.entropy,
    );
    let delivery = Delivery::test(webhook.id, &event, moment);
    let mut batch = Batch::for_org(webhook.org);
    batch.enqueue(deliver_job(&delivery, moment));
    batch.insert(&delivery);
    Ok(Decision::new(batch, delivery))
}

fn redeliver(
    webhook: &Webhook,
    delivery: Delivery,
    moment: Moment<'_>,
) -> Result<Decision<Delivery>, Error> {
    must_be_enabled(webhook)?;
    let delivery = delivery.redeliver()?;
    let mut batch = Batch::for_org(webhook.org);
    batch.enqueue(deliver_job(&delivery, moment));
    batch.put(&delivery);
    Ok(Decision::new(batch, delivery))
}

fn must_be_enabled(webhook: &Webhook) -> Result<(), Error> {
    if webhook.is_enabled() {
        Ok(())
    } else {
        Err(Error::Conflict(
            "the webhook is disabled; enable it first".into(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kernel::batch::Write,
        webhook::{
            FAN_OUT,
            fixture::{Plain, endpoint, event, moment, new_endpoint, org},
        },
    };

    fn jobs(batch: &Batch) -> Vec<crate::kernel::job::JobKind> {
        let jobs = batch.writes.iter().filter_map(|write| match write {
            Write::Enqueue(job) => Some(job.kind),
            _ => None,
        });
        jobs.collect()
    }

    #[test]
    fn the_hundredth_is_made_and_no_more() {
        let made = |webhooks| {
            create(
                org(),
                &new_endpoint(),
                Before {
                    webhooks,
                    last_seq: 7,
                },
                &Plain,
                moment(),
            )
        };
        let decision = made(99).expect("there is room");
        let [webhook] = &decision.batch.inserted::<Webhook>()[..] else {
            panic!("one webhook")
        };
        assert_eq!(
            (webhook, webhook.delivered_seq()),
            (&decision.answer.webhook, 7)
        );
        assert!(matches!(made(100), Err(Error::Conflict(_))));
    }

    #[test]
    fn only_enabling_a_disabled_one_takes_up_the_feed() {
        let now = moment().now;
        let (on, off) = (endpoint(), endpoint().disable("failing", now));
        let cases = [
            (&on, None, true),
            (&on, Some(true), true),
            (&on, Some(false), false),
            (&off, None, false),
            (&off, Some(true), true),
        ];
        for (webhook, enabled, is_enabled) in cases {
            let patch = WebhookPatch {
                enabled,
                ..WebhookPatch::default()
            };
            let decision = update(webhook.clone(), &patch, &Plain, moment());
            assert_eq!(decision.answer.is_enabled(), is_enabled, "{enabled:?}");
            let expected: &[_] = if is_enabled && !webhook.is_enabled() {
                &[FAN_OUT]
            } else {
                &[]
            };
            assert_eq!(jobs(&decision.batch), expected, "{enabled:?}");
        }
        let again = WebhookPatch {
            enabled: Some(false),
            ..WebhookPatch::default()
        };
        assert_eq!(
            update(off.clone(), &again, &Plain, moment()).answer,
            off,
            "its reason stays"
        );
    }

    #[test]
    fn a_change_changes_what_it_names() {
        let patch = WebhookPatch {
            url: Some("https://example.com/other".into()),
            ..WebhookPatch::default()
        };
        let changed = update(endpoint(), &patch, &Plain, moment()).answer;
        assert_eq!(
            (changed.url(), changed.events()),
            ("https://example.com/other", endpoint().events())
        );
        assert_eq!(changed.headers(), endpoint().headers());
    }

    #[test]
    fn a_disabled_one_is_neither_tested_nor_delivered_to_again() {
        let off = endpoint().disable("person", moment().now);
        let delivery = Delivery::of(off.id, &event(1, EventKind::SmsReceived), moment());
        assert!(matches!(test(&off, moment()), Err(Error::Conflict(_))));
        assert!(
            matches!(redeliver(&off, delivery.clone(), moment()), Err(Error::Conflict(said)) if said.contains("disabled"))
        );
        assert!(
            matches!(redeliver(&endpoint(), delivery, moment()), Err(Error::Conflict(said)) if said.contains("on its way"))
        );
    }

    #[test]
    fn a_test_is_not_in_the_feed() {
        let decision = test(&endpoint(), moment()).expect("it is enabled");
        assert!(decision.batch.first_event().is_none());
        let [delivery] = &decision.batch.inserted::<Delivery>()[..] else {
            panic!("one delivery")
        };
        assert_eq!((delivery.event_seq, delivery.body.is_some()), (None, true));
    }

    #[test]
    fn a_rotation_keeps_the_old_secret_for_a_day() {
        let opened = Opened {
            webhook: endpoint(),
            secret: Secret::new("whsec_old".into()),
            header_names: vec!["x-team".into()],
        };
        let decision = rotate_secret(opened, &Plain, moment());
        let until = decision
            .answer
            .webhook
            .previous_secret()
            .map(|(_, until)| until);
        assert_eq!(until, Some(moment().now + ROTATION_OVERLAP));
        assert_eq!(decision.answer.header_names, ["x-team"]);
        assert_eq!(
            decision.batch.changed::<Webhook>(),
            [decision.answer.webhook]
        );
    }
}
