//! Webhooks and deliveries.

use std::sync::LazyLock;

use async_trait::async_trait;
use hum_core::{
    event::Event,
    id::{DeliveryId, WebhookId},
    page::{Page, Paged},
    record::{Record as _, Value},
    store::StoreError,
    webhook::{Delivery, DeliveryToTry, Webhook, WebhookReads},
};

use super::{
    joined::JoinSql,
    list::{List, after},
    query::{OrgStore, sql},
    table::{self, columns},
};

static TO_TRY: LazyLock<JoinSql> = LazyLock::new(|| {
    JoinSql::new(|join| {
        format!(
            "SELECT {}, {}, {} FROM delivery d {} {} WHERE d.org_id = $1 AND d.id = $2",
            table::of(Delivery::table()).columns_of("d"),
            table::of(Webhook::table()).columns_of("w"),
            table::of(Event::table()).columns_of("e"),
            join(
                "webhook",
                "w",
                "w.org_id = d.org_id AND w.id = d.webhook_id AND w.deleted_at IS NULL"
            ),
            join("event", "e", "e.org_id = d.org_id AND e.seq = d.event_seq"),
        )
    })
});

#[async_trait]
impl WebhookReads for OrgStore {
    async fn webhook(&self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        let sql = sql!(
            "SELECT {} FROM webhook WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL",
            columns::<Webhook>()
        );
        self.one(sql, [Value::text(id)]).await
    }

    async fn list_webhooks(&self, page: &Page) -> Result<Paged<Webhook>, StoreError> {
        let after: Option<WebhookId> = after(page)?;
        let list = List::falling(&["id"])
            .by("webhook_living")
            .only("deleted_at IS NULL")
            .after(after.map(|id| [Value::text(id)]));
        self.page(list, page).await
    }

    async fn enabled_webhooks(&self) -> Result<Vec<Webhook>, StoreError> {
        let sql = sql!(
            "SELECT {} FROM webhook WHERE org_id = $1 AND enabled AND deleted_at IS NULL ORDER BY id",
            columns::<Webhook>()
        );
        self.many(sql, []).await
    }

    async fn count_webhooks(&self) -> Result<i64, StoreError> {
        self.count(
            sql!("SELECT count(*) FROM webhook WHERE org_id = $1 AND deleted_at IS NULL"),
            [],
        )
        .await
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        self.one(
            sql!(
                "SELECT {} FROM delivery WHERE org_id = $1 AND id = $2",
                columns::<Delivery>()
            ),
            [Value::text(id)],
        )
        .await
    }

    async fn delivery_to_try(&self, id: DeliveryId) -> Result<Option<DeliveryToTry>, StoreError> {
        let Some(mut row) = self.joined(&TO_TRY, [Value::text(id)]).await? else {
            return Ok(None);
        };
        let Some(delivery) = row.record()? else {
            return Ok(None);
        };
        Ok(Some(DeliveryToTry {
            delivery,
            webhook: row.record()?,
            event: row.record()?,
        }))
    }

    async fn list_deliveries(
        &self,
        webhook: WebhookId,
        page: &Page,
    ) -> Result<Paged<Delivery>, StoreError> {
        let after: Option<DeliveryId> = after(page)?;
        let list = List::falling(&["id"])
            .led_by("delivery_webhook", "webhook_id", Value::text(webhook))
            .after(after.map(|id| [Value::text(id)]));
        self.page(list, page).await
    }

    async fn held_deliveries(
        &self,
        webhook: WebhookId,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let sql = sql!(
            "SELECT {} FROM delivery WHERE org_id = $1 AND webhook_id = $2 AND state = 'held' ORDER BY id LIMIT $3",
            columns::<Delivery>()
        );
        self.many(sql, [Value::text(webhook), Value::Int(limit.into())])
            .await
    }
}
