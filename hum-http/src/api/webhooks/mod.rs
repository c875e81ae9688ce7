mod view;
mod wire;

use axum::{Json, extract::State, http::StatusCode, response::Response};
use hum_core::{
    id::{DeliveryId, WebhookId},
    page::Paged,
    webhook::{CreatedWebhook, Delivery, Webhook},
};
use serde_json::Value;
use utoipa_axum::{router::UtoipaMethodRouter, routes};

use crate::{
    app::App,
    error::ApiError,
    extract::{Body, Caller, Command, Id, Id2, List, NoBody, NoFilter, PageParams, PageView},
    view::json,
};

use view::{DeliveryView, WebhookView, WebhookWithSecretView};
use wire::{EndpointChange, NewEndpoint};

pub(super) fn routes() -> Vec<UtoipaMethodRouter<App>> {
    vec![
        routes!(list, create),
        routes!(show, update, delete),
        routes!(test),
        routes!(rotate),
        routes!(deliveries),
        routes!(redeliver),
    ]
}

fn created(created: &CreatedWebhook) -> (u16, Value) {
    (201, json(WebhookWithSecretView::from(created)))
}

fn rotated(created: &CreatedWebhook) -> (u16, Value) {
    (200, json(WebhookWithSecretView::from(created)))
}

fn queued(delivery: &Delivery) -> (u16, Value) {
    (202, json(DeliveryView::from(delivery)))
}

/// List webhooks, the newest first.
#[utoipa::path(
    get,
    path = "/api/webhooks",
    operation_id = "listWebhooks",
    tag = "Webhooks",
    params(PageParams),
    responses((status = 200, body = PageView<WebhookView>)),
)]
async fn list(
    caller: Caller,
    State(app): State<App>,
    list: List<NoFilter>,
) -> Result<Json<PageView<WebhookView>>, ApiError> {
    let Paged { items, next } = app.hum.reads(caller.org).list_webhooks(&list.page).await?;
    let items = items
        .iter()
        .map(|webhook| WebhookView::open(&app.hum, webhook))
        .collect::<Result<_, _>>()?;
    Ok(Json(PageView::of(Paged { items, next }, |view| view)))
}

/// Make a webhook. It gets the events from now on; its secret is in this answer and nowhere else.
#[utoipa::path(
    post,
    path = "/api/webhooks",
    operation_id = "createWebhook",
    tag = "Webhooks",
    request_body = NewEndpoint,
    responses((status = 201, body = WebhookWithSecretView)),
)]
async fn create(
    caller: Caller,
    State(app): State<App>,
    Command { body, once }: Command<NewEndpoint>,
) -> Result<Response, ApiError> {
    once.answer(created, |remember| {
        app.hum.webhooks().create(&caller, body.into(), remember)
    })
    .await
}

/// One webhook.
#[utoipa::path(
    get,
    path = "/api/webhooks/{id}",
    operation_id = "getWebhook",
    tag = "Webhooks",
    responses((status = 200, body = WebhookView)),
)]
async fn show(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<WebhookId>,
) -> Result<Json<WebhookView>, ApiError> {
    Ok(Json(WebhookView::open(
        &app.hum,
        &find(&app, &caller, id).await?,
    )?))
}

/// Change a webhook.
#[utoipa::path(
    patch,
    path = "/api/webhooks/{id}",
    operation_id = "updateWebhook",
    tag = "Webhooks",
    request_body = EndpointChange,
    responses((status = 200, body = WebhookView)),
)]
async fn update(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<WebhookId>,
    Body(change): Body<EndpointChange>,
) -> Result<Json<WebhookView>, ApiError> {
    let webhook = app
        .hum
        .webhooks()
        .update(&caller, id, change.into())
        .await?;
    Ok(Json(WebhookView::open(&app.hum, &webhook)?))
}

/// Remove a webhook. Nothing more is delivered to it.
#[utoipa::path(
    delete,
    path = "/api/webhooks/{id}",
    operation_id = "deleteWebhook",
    tag = "Webhooks",
    responses((status = 204)),
)]
async fn delete(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<WebhookId>,
) -> Result<StatusCode, ApiError> {
    app.hum.webhooks().delete(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Send a `webhook.test` event, outside the feed.
#[utoipa::path(
    post,
    path = "/api/webhooks/{id}/test",
    operation_id = "testWebhook",
    tag = "Webhooks",
    responses((status = 202, body = DeliveryView)),
)]
async fn test(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<WebhookId>,
    Command { once, .. }: Command<NoBody>,
) -> Result<Response, ApiError> {
    once.answer(queued, |remember| {
        app.hum.webhooks().test(&caller, id, remember)
    })
    .await
}

/// Make a new secret. For 24 hours deliveries are signed with the old one too.
#[utoipa::path(
    post,
    path = "/api/webhooks/{id}/rotate",
    operation_id = "rotateWebhookSecret",
    tag = "Webhooks",
    responses((status = 200, body = WebhookWithSecretView)),
)]
async fn rotate(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<WebhookId>,
    Command { once, .. }: Command<NoBody>,
) -> Result<Response, ApiError> {
    once.answer(rotated, |remember| {
        app.hum.webhooks().rotate_secret(&caller, id, remember)
    })
    .await
}

/// List a webhook's deliveries, the newest first.
#[utoipa::path(
    get,
    path = "/api/webhooks/{id}/deliveries",
    operation_id = "listWebhookDeliveries",
    tag = "Webhooks",
    params(PageParams),
    responses((status = 200, body = PageView<DeliveryView>)),
)]
async fn deliveries(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<WebhookId>,
    list: List<NoFilter>,
) -> Result<Json<PageView<DeliveryView>>, ApiError> {
    find(&app, &caller, id).await?;
    let deliveries = app
        .hum
        .reads(caller.org)
        .list_deliveries(id, &list.page)
        .await?;
    Ok(Json(PageView::of(deliveries, |delivery| {
        DeliveryView::from(&delivery)
    })))
}

/// Deliver again, with the same `webhook-id`, from the start of the schedule.
#[utoipa::path(
    post,
    path = "/api/webhooks/{id}/deliveries/{delivery_id}/redeliver",
    operation_id = "redeliverWebhook",
    tag = "Webhooks",
    responses((status = 202, body = DeliveryView)),
)]
async fn redeliver(
    caller: Caller,
    State(app): State<App>,
    Id2(webhook, delivery): Id2<WebhookId, DeliveryId>,
    Command { once, .. }: Command<NoBody>,
) -> Result<Response, ApiError> {
    once.answer(queued, |remember| {
        app.hum
            .webhooks()
            .redeliver(&caller, webhook, delivery, remember)
    })
    .await
}

async fn find(app: &App, caller: &Caller, id: WebhookId) -> Result<Webhook, ApiError> {
    app.hum
        .reads(caller.org)
        .webhook(id)
        .await?
        .ok_or_else(|| ApiError::not_found("webhook"))
}
