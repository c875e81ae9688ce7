use hum_core::{
    Hum,
    error::Error,
    webhook::{Attempt, CreatedWebhook, Delivery, Webhook, WebhookState},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::view::{Ref, Time};

/// An endpoint that gets events.
#[derive(Serialize, ToSchema)]
pub(super) struct WebhookView {
    id: Ref,
    url: String,
    description: String,
    events: Vec<&'static str>,
    /// The names of the additional headers. Their values are never shown.
    header_names: Vec<String>,
    enabled: bool,
    /// Why it is disabled: `person`, `gone` or `failing`.
    disabled_reason: Option<String>,
    disabled_at: Option<Time>,
    /// Since when every delivery failed.
    failing_since: Option<Time>,
    created_at: Time,
}

/// A webhook whose secret was just made.
#[derive(Serialize, ToSchema)]
pub(super) struct WebhookWithSecretView {
    #[serde(flatten)]
    webhook: WebhookView,
    /// What signs deliveries. It is shown this once.
    #[schema(example = "whsec_…")]
    secret: String,
    /// Until when deliveries are signed with the secret before this one too.
    previous_secret_until: Option<Time>,
}

/// One event on its way to one webhook.
#[derive(Serialize, ToSchema)]
pub(super) struct DeliveryView {
    id: Ref,
    webhook_id: Ref,
    /// Also the `webhook-id` header of every try.
    event_id: Ref,
    /// Its number in the feed; null for test deliveries.
    event_seq: Option<i64>,
    event_type: String,
    /// `pending`, `held` (the webhook is disabled), `delivered` or `exhausted`.
    state: &'static str,
    /// Every try so far, the oldest first.
    attempts: Vec<AttemptView>,
    created_at: Time,
}

/// One try of a delivery.
#[derive(Serialize, ToSchema)]
struct AttemptView {
    at: Time,
    /// The HTTP status, if there was an answer.
    status: Option<u16>,
    duration_ms: u64,
    /// Why it failed.
    error: Option<String>,
    /// The first 1,000 characters of the answer.
    response: Option<String>,
}

impl WebhookView {
    pub fn new(webhook: &Webhook, header_names: Vec<String>) -> Self {
        let (disabled_reason, disabled_at) = match webhook.state() {
            WebhookState::Enabled => (None, None),
            WebhookState::Disabled { reason, at } => (Some(reason.clone()), Some(Time(*at))),
        };
        Self {
            id: Ref::to(webhook.id),
            url: webhook.url().to_owned(),
            description: webhook.description().to_owned(),
            events: webhook
                .events()
                .iter()
                .map(|event| event.as_str())
                .collect(),
            header_names,
            enabled: webhook.is_enabled(),
            disabled_reason,
            disabled_at,
            failing_since: webhook.failing().map(|failing| Time(failing.since)),
            created_at: Time(webhook.created_at),
        }
    }

    /// The names of headers are sealed with their values.
    pub fn open(hum: &Hum, webhook: &Webhook) -> Result<Self, Error> {
        Ok(Self::new(
            webhook,
            hum.webhooks().headers_of(webhook)?.into_keys().collect(),
        ))
    }
}

impl From<&CreatedWebhook> for WebhookWithSecretView {
    fn from(created: &CreatedWebhook) -> Self {
        Self {
            webhook: WebhookView::new(&created.webhook, created.header_names.clone()),
            secret: created.secret.reveal().to_owned(),
            previous_secret_until: created
                .webhook
                .previous_secret()
                .map(|(_, until)| Time(until)),
        }
    }
}

impl From<&Delivery> for DeliveryView {
    fn from(delivery: &Delivery) -> Self {
        Self {
            id: Ref::to(delivery.id),
            webhook_id: Ref::to(delivery.webhook),
            event_id: Ref::to(delivery.event),
            event_seq: delivery.event_seq,
            event_type: delivery.event_type.clone(),
            state: delivery.state().as_str(),
            attempts: delivery.attempts().iter().map(Into::into).collect(),
            created_at: Time(delivery.created_at),
        }
    }
}

impl From<&Attempt> for AttemptView {
    fn from(attempt: &Attempt) -> Self {
        Self {
            at: Time(attempt.at),
            status: attempt.status,
            duration_ms: attempt.duration_ms,
            error: attempt.error.clone(),
            response: attempt.response.clone(),
        }
    }
}
