//! Webhooks and deliveries.

use std::{borrow::Cow, collections::BTreeSet};

use async_trait::async_trait;
use hum_core::{
    clock::Timestamp,
    event::EventKind,
    id::{DeliveryId, WebhookId},
    page::{Page, Paged},
    store::StoreError,
    webhook::{Attempt, Delivery, DeliveryState, Failing, Webhook, WebhookReads, WebhookState},
};

use super::{
    query::{OrgStore, after, sql},
    table::{Stored, Table, Type::*, column, fixed},
    value::{Row, Value},
};

pub(crate) static WEBHOOK: Table = Table::new(
    "webhook",
    &["org_id", "id"],
    &[
        fixed("org_id", Text),
        fixed("id", Text),
        column("url", Text),
        column("description", Text),
        column("events", Text),
        column("headers", Bytes),
        column("secret", Bytes),
        column("previous_secret", Bytes),
        column("previous_secret_until", Int),
        column("enabled", Bool),
        column("disabled_reason", Text),
        column("disabled_at", Int),
        column("delivered_seq", Int),
        column("failing_since", Int),
        column("failing_count", Int),
        fixed("created_at", Int),
        column("deleted_at", Int),
        column("version", Int),
    ],
);

impl Stored for Webhook {
    fn table() -> &'static Table {
        &WEBHOOK
    }

    fn to_row(&self) -> Vec<Value> {
        let events: Vec<&str> = self.events.iter().map(|kind| kind.as_str()).collect();
        let (enabled, reason, disabled_at) = match &self.state {
            WebhookState::Enabled => (true, None, None),
            WebhookState::Disabled { reason, at } => (false, Some(reason), Some(*at)),
        };
        vec![
            Value::text(self.org),
            Value::text(self.id),
            Value::text(&self.url),
            Value::text(&self.description),
            Value::json(&events),
            Value::Bytes(self.headers.clone()),
            Value::Bytes(self.secret.clone()),
            Value::opt_bytes(self.previous_secret.as_ref().map(|(secret, _)| secret.as_slice())),
            Value::opt_time(self.previous_secret.as_ref().map(|(_, until)| *until)),
            Value::Bool(enabled),
            Value::opt_text(reason),
            Value::opt_time(disabled_at),
            Value::Int(self.delivered_seq),
            Value::opt_time(self.failing.map(|failing| failing.since)),
            Value::opt_int(self.failing.map(|failing| failing.count)),
            Value::time(self.created_at),
            Value::opt_time(self.deleted_at),
            Value::Int(self.version),
        ]
    }

    fn from_row(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            org: row.parsed("org_id")?,
            id: row.parsed("id")?,
            url: row.text("url")?,
            description: row.text("description")?,
            events: {
                let names: Vec<String> = row.json("events")?;
                let kinds: Option<BTreeSet<EventKind>> = names.iter().map(|name| EventKind::parse(name)).collect();
                kinds.ok_or_else(|| row.corrupt("events", "unknown name"))?
            },
            headers: row.bytes("headers")?,
            secret: row.bytes("secret")?,
            previous_secret: row.opt_bytes("previous_secret")?.zip(row.opt_time("previous_secret_until")?),
            state: if row.bool("enabled")? {
                WebhookState::Enabled
            } else {
                WebhookState::Disabled { reason: row.text("disabled_reason")?, at: row.time("disabled_at")? }
            },
            delivered_seq: row.int("delivered_seq")?,
            failing: match (row.opt_time("failing_since")?, row.opt_int("failing_count")?) {
                (Some(since), Some(count)) => Some(Failing { since, count }),
                _ => None,
            },
            created_at: row.time("created_at")?,
            deleted_at: row.opt_time("deleted_at")?,
            version: row.int("version")?,
        })
    }
}

pub(crate) static DELIVERY: Table = Table::new(
    "delivery",
    &["org_id", "id"],
    &[
        fixed("org_id", Text),
        fixed("id", Text),
        fixed("webhook_id", Text),
        fixed("event_id", Text),
        fixed("event_seq", Int),
        fixed("event_type", Text),
        fixed("body", Text),
        column("state", Text),
        column("attempts", Text),
        column("tries", Int),
        fixed("created_at", Int),
        column("version", Int),
    ],
)
.unique(&[&["org_id", "webhook_id", "event_seq"]]);

/// A try as it is carried. Core's own JSON is for people and rounds times to milliseconds.
type Flat<'a> = (i64, Option<u16>, u64, Option<Cow<'a, str>>, Option<Cow<'a, str>>);

fn flat(attempt: &Attempt) -> Flat<'_> {
    let Attempt { at, status, duration_ms, error, response } = attempt;
    (at.as_micros(), *status, *duration_ms, error.as_deref().map(Cow::Borrowed), response.as_deref().map(Cow::Borrowed))
}

fn unflat((at, status, duration_ms, error, response): Flat<'static>) -> Attempt {
    let at = Timestamp::from_micros(at);
    Attempt { at, status, duration_ms, error: error.map(Cow::into_owned), response: response.map(Cow::into_owned) }
}

impl Stored for Delivery {
    fn table() -> &'static Table {
        &DELIVERY
    }

    fn to_row(&self) -> Vec<Value> {
        vec![
            Value::text(self.org),
            Value::text(self.id),
            Value::text(self.webhook),
            Value::text(self.event),
            Value::opt_int(self.event_seq),
            Value::text(&self.event_type),
            Value::opt_text(self.body.as_ref()),
            Value::text(self.state.as_str()),
            Value::json(&self.attempts.iter().map(flat).collect::<Vec<_>>()),
            Value::Int(self.tries),
            Value::time(self.created_at),
            Value::Int(self.version),
        ]
    }

    fn from_row(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            org: row.parsed("org_id")?,
            id: row.parsed("id")?,
            webhook: row.parsed("webhook_id")?,
            event: row.parsed("event_id")?,
            event_seq: row.opt_int("event_seq")?,
            event_type: row.text("event_type")?,
            body: row.opt_text("body")?,
            state: row.named("state", DeliveryState::parse)?,
            attempts: row.json::<Vec<_>>("attempts")?.into_iter().map(unflat).collect(),
            tries: row.int("tries")?,
            created_at: row.time("created_at")?,
            version: row.int("version")?,
        })
    }
}

#[async_trait]
impl WebhookReads for OrgStore {
    async fn webhook(&self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        let sql = sql!("SELECT {} FROM webhook WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL", WEBHOOK.columns());
        self.one(sql, [Value::text(id)]).await
    }

    async fn list_webhooks(&self, page: &Page) -> Result<Paged<Webhook>, StoreError> {
        let after: Option<WebhookId> = after(page)?;
        let older = if after.is_some() { " AND id < $2" } else { "" };
        let sql =
            format!("SELECT {} FROM webhook WHERE org_id = $1 AND deleted_at IS NULL{older} ORDER BY id DESC", WEBHOOK.columns());
        self.page(sql, after.map(Value::text).into_iter().collect(), page, |webhook: &Webhook| webhook.id.to_string()).await
    }

    async fn enabled_webhooks(&self) -> Result<Vec<Webhook>, StoreError> {
        let sql =
            sql!("SELECT {} FROM webhook WHERE org_id = $1 AND enabled AND deleted_at IS NULL ORDER BY id", WEBHOOK.columns());
        self.many(sql, []).await
    }

    async fn count_webhooks(&self) -> Result<i64, StoreError> {
        self.count(sql!("SELECT count(*) FROM webhook WHERE org_id = $1 AND deleted_at IS NULL"), []).await
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        self.one(sql!("SELECT {} FROM delivery WHERE org_id = $1 AND id = $2", DELIVERY.columns()), [Value::text(id)]).await
    }

    async fn list_deliveries(&self, webhook: WebhookId, page: &Page) -> Result<Paged<Delivery>, StoreError> {
        let after: Option<DeliveryId> = after(page)?;
        let older = if after.is_some() { " AND id < $3" } else { "" };
        let sql =
            format!("SELECT {} FROM delivery WHERE org_id = $1 AND webhook_id = $2{older} ORDER BY id DESC", DELIVERY.columns());
        let params = std::iter::once(Value::text(webhook)).chain(after.map(Value::text)).collect();
        self.page(sql, params, page, |delivery: &Delivery| delivery.id.to_string()).await
    }

    async fn held_deliveries(&self, webhook: WebhookId, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        let sql = sql!(
            "SELECT {} FROM delivery WHERE org_id = $1 AND webhook_id = $2 AND state = 'held' ORDER BY id LIMIT $3",
            DELIVERY.columns()
        );
        self.many(sql, [Value::text(webhook), Value::Int(limit.into())]).await
    }
}
