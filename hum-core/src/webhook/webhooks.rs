//! Making, changing, testing and rotating webhooks.

use std::{collections::BTreeSet, time::Duration};

use serde_json::json;

use crate::{
    access::Caller,
    app::Hum,
    kernel::{
        audit::AuditRow,
        batch::Batch,
        clock::Timestamp,
        error::{Error, FieldError, Tries},
        event::{Event, EventKind},
        id::{DeliveryId, WebhookId},
        idempotency::{Answer, Remember},
        job::NewJob,
        store::StoreError,
    },
};

use super::{Delivery, DeliveryState, Headers, Webhook, WebhookSecret, WebhookState, header};

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

impl Hum {
    fn check_webhook(
        &self,
        url: Option<&str>,
        description: Option<&str>,
        events: Option<&BTreeSet<EventKind>>,
        headers: Option<&Headers>,
    ) -> Result<(), Error> {
        let mut problems = Vec::new();
        if let Some(url) = url {
            if url.len() > 2000 {
                problems.push(FieldError::new("/url", "must have at most 2,000 characters"));
            } else if let Err(why) = self.egress.check(url) {
                problems.push(FieldError::new("/url", why));
            }
        }
        if description.is_some_and(|text| text.chars().count() > 200 || text.contains('\0')) {
            problems.push(FieldError::new("/description", "must have at most 200 characters"));
        }
        if events.is_some_and(BTreeSet::is_empty) {
            problems.push(FieldError::new("/events", "must have at least one event"));
        }
        if let Some(headers) = headers {
            problems.extend(header::problems(headers));
        }
        if problems.is_empty() { Ok(()) } else { Err(Error::Invalid(problems)) }
    }

    fn seal_webhook(&self, caller: &Caller, id: WebhookId, column: &str, plain: &str) -> Vec<u8> {
        self.cipher.seal(&Webhook::context(caller.org, id, column), plain.as_bytes())
    }

    /// The additional headers of a webhook, opened.
    ///
    /// # Errors
    /// `Store` when they do not open.
    pub fn webhook_headers(&self, webhook: &Webhook) -> Result<Headers, Error> {
        let text = self.open(&Webhook::context(webhook.org, webhook.id, "headers"), &webhook.headers, "webhook", "headers")?;
        serde_json::from_str(text.reveal())
            .map_err(|error| Error::Store(StoreError::Corrupt { table: "webhook", column: "headers", detail: error.to_string() }))
    }

    /// Makes a webhook. It gets the events from now on.
    ///
    /// # Errors
    /// `Invalid`; `Conflict` when there are 100 already.
    pub async fn create_webhook(
        &self,
        caller: &Caller,
        new: NewWebhook,
        remember: Remember<CreatedWebhook>,
    ) -> Result<Answer<CreatedWebhook>, Error> {
        self.check_webhook(Some(&new.url), Some(&new.description), Some(&new.events), Some(&new.headers))?;
        let mut tries = Tries::new();
        loop {
            let now = self.clock.now();
            let reads = self.reads(caller.org);
            if let Some(replayed) = remember.replay(&*reads, &*self.cipher, now).await? {
                return Ok(replayed);
            }
            if reads.count_webhooks().await? >= MAX_WEBHOOKS {
                return Err(Error::Conflict(format!("there are {MAX_WEBHOOKS} webhooks already; delete one first")));
            }
            let id = WebhookId::new(now, &*self.entropy);
            let secret = WebhookSecret::draw(&*self.entropy);
            let headers = serde_json::to_string(&new.headers).unwrap_or_default();
            let webhook = Webhook {
                id,
                org: caller.org,
                url: new.url.clone(),
                description: new.description.clone(),
                events: new.events.clone(),
                headers: self.seal_webhook(caller, id, "headers", &headers),
                secret: self.seal_webhook(caller, id, "secret", secret.reveal()),
                previous_secret: None,
                state: WebhookState::Enabled,
                delivered_seq: reads.last_event_seq().await?,
                failing: None,
                created_at: now,
                deleted_at: None,
                version: 0,
            };
            let mut batch = Batch::for_org(caller.org);
            batch.insert(webhook.clone());
            batch.insert(AuditRow::by(caller, "webhook.create", id, now, &*self.entropy));
            let created = CreatedWebhook { webhook, secret, header_names: new.headers.keys().cloned().collect() };
            remember.record(&mut batch, &created, &*self.cipher, now);
            match self.commit(batch).await {
                Ok(_) => return Ok(Answer::Fresh(created)),
                Err(error) => tries.again(error)?,
            }
        }
    }

    async fn change_webhook(
        &self,
        caller: &Caller,
        id: WebhookId,
        action: &'static str,
        change: &(dyn Fn(&mut Webhook, &mut Batch, Timestamp) -> Result<(), Error> + Sync),
    ) -> Result<Webhook, Error> {
        let mut tries = Tries::new();
        loop {
            let mut webhook = self.reads(caller.org).webhook(id).await?.ok_or(Error::NotFound("webhook"))?;
            let now = self.clock.now();
            let mut batch = Batch::for_org(caller.org);
            change(&mut webhook, &mut batch, now)?;
            batch.put(webhook.clone());
            batch.insert(AuditRow::by(caller, action, id, now, &*self.entropy));
            match self.commit(batch).await {
                Ok(_) => return Ok(webhook),
                Err(error) => tries.again(error)?,
            }
        }
    }

    /// Changes a webhook.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`.
    pub async fn update_webhook(&self, caller: &Caller, id: WebhookId, patch: WebhookPatch) -> Result<Webhook, Error> {
        self.check_webhook(patch.url.as_deref(), patch.description.as_deref(), patch.events.as_ref(), patch.headers.as_ref())?;
        let change = |webhook: &mut Webhook, batch: &mut Batch, now: Timestamp| {
            if let Some(url) = &patch.url {
                webhook.url.clone_from(url);
            }
            if let Some(description) = &patch.description {
                webhook.description.clone_from(description);
            }
            if let Some(events) = &patch.events {
                webhook.events.clone_from(events);
            }
            if let Some(headers) = &patch.headers {
                let text = serde_json::to_string(headers).unwrap_or_default();
                webhook.headers = self.seal_webhook(caller, id, "headers", &text);
            }
            match patch.enabled {
                Some(true) if !webhook.is_enabled() => {
                    webhook.state = WebhookState::Enabled;
                    webhook.failing = None;
                    // Takes up the feed and the held deliveries where they stopped.
                    batch.enqueue(NewJob::fan_out_now(caller.org, now, &*self.entropy));
                }
                Some(false) if webhook.is_enabled() => {
                    webhook.state = WebhookState::Disabled { reason: "person".into(), at: now }
                }
                _ => {}
            }
            Ok(())
        };
        self.change_webhook(caller, id, "webhook.update", &change).await
    }

    /// Removes a webhook; nothing more is delivered to it.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete_webhook(&self, caller: &Caller, id: WebhookId) -> Result<(), Error> {
        let change = |webhook: &mut Webhook, _: &mut Batch, now: Timestamp| {
            webhook.deleted_at = Some(now);
            webhook.state = WebhookState::Disabled { reason: "deleted".into(), at: now };
            Ok(())
        };
        self.change_webhook(caller, id, "webhook.delete", &change).await?;
        Ok(())
    }

    /// Makes a new secret. For 24 hours deliveries are signed with the old one too. Rotating again within that time ends
    /// the older overlap.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn rotate_webhook_secret(
        &self,
        caller: &Caller,
        id: WebhookId,
        remember: Remember<CreatedWebhook>,
    ) -> Result<Answer<CreatedWebhook>, Error> {
        let mut tries = Tries::new();
        loop {
            let now = self.clock.now();
            let reads = self.reads(caller.org);
            if let Some(replayed) = remember.replay(&*reads, &*self.cipher, now).await? {
                return Ok(replayed);
            }
            let mut webhook = reads.webhook(id).await?.ok_or(Error::NotFound("webhook"))?;
            let current = self.open(&Webhook::context(caller.org, id, "secret"), &webhook.secret, "webhook", "secret")?;
            let secret = WebhookSecret::draw(&*self.entropy);
            // A sealed value is bound to its column, so the old secret is sealed again for its new one.
            let sealed = self.seal_webhook(caller, id, "previous_secret", current.reveal());
            webhook.previous_secret = Some((sealed, now + ROTATION_OVERLAP));
            webhook.secret = self.seal_webhook(caller, id, "secret", secret.reveal());
            let header_names = self.webhook_headers(&webhook)?.into_keys().collect();
            let mut batch = Batch::for_org(caller.org);
            batch.put(webhook.clone());
            batch.insert(AuditRow::by(caller, "webhook.rotate", id, now, &*self.entropy));
            let created = CreatedWebhook { webhook, secret, header_names };
            remember.record(&mut batch, &created, &*self.cipher, now);
            match self.commit(batch).await {
                Ok(_) => return Ok(Answer::Fresh(created)),
                Err(error) => tries.again(error)?,
            }
        }
    }

    /// Sends one `webhook.test` event, outside the feed. It is tried like any other delivery.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when the webhook is disabled.
    pub async fn test_webhook(
        &self,
        caller: &Caller,
        id: WebhookId,
        remember: Remember<Delivery>,
    ) -> Result<Answer<Delivery>, Error> {
        let mut tries = Tries::new();
        loop {
            let now = self.clock.now();
            let reads = self.reads(caller.org);
            if let Some(replayed) = remember.replay(&*reads, &*self.cipher, now).await? {
                return Ok(replayed);
            }
            let webhook = reads.webhook(id).await?.ok_or(Error::NotFound("webhook"))?;
            if !webhook.is_enabled() {
                return Err(Error::Conflict("the webhook is disabled; enable it first".into()));
            }
            let event = Event::new(caller.org, EventKind::WebhookTest, json!({ "webhook_id": id }), now, &*self.entropy);
            let delivery = Delivery::test(id, &event, now, &*self.entropy);
            let mut batch = Batch::for_org(caller.org);
            batch.enqueue(NewJob::deliver(delivery.id, caller.org, now, now, &*self.entropy));
            batch.insert(delivery.clone());
            remember.record(&mut batch, &delivery, &*self.cipher, now);
            match self.commit(batch).await {
                Ok(_) => return Ok(Answer::Fresh(delivery)),
                Err(error) => tries.again(error)?,
            }
        }
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
        let mut tries = Tries::new();
        loop {
            let now = self.clock.now();
            let reads = self.reads(caller.org);
            if let Some(replayed) = remember.replay(&*reads, &*self.cipher, now).await? {
                return Ok(replayed);
            }
            let found = reads.webhook(webhook).await?.ok_or(Error::NotFound("webhook"))?;
            let delivery = reads.delivery(id).await?.filter(|delivery| delivery.webhook == webhook);
            let mut delivery = delivery.ok_or(Error::NotFound("delivery"))?;
            if !found.is_enabled() {
                return Err(Error::Conflict("the webhook is disabled; enable it first".into()));
            }
            if matches!(delivery.state, DeliveryState::Pending | DeliveryState::Held) {
                return Err(Error::Conflict("it is on its way already".into()));
            }
            delivery.state = DeliveryState::Pending;
            delivery.tries = 0;
            let mut batch = Batch::for_org(caller.org);
            batch.enqueue(NewJob::deliver(id, caller.org, now, now, &*self.entropy));
            batch.put(delivery.clone());
            remember.record(&mut batch, &delivery, &*self.cipher, now);
            match self.commit(batch).await {
                Ok(_) => return Ok(Answer::Fresh(delivery)),
                Err(error) => tries.again(error)?,
            }
        }
    }
}
