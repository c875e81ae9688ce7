mod view;
mod wire;

use axum::{Json, extract::State, http::StatusCode};
use hum_core::{flow::Flow, id::FlowId};
use serde_json::Value;
use utoipa_axum::{router::UtoipaMethodRouter, routes};

use crate::{
    app::App,
    error::ApiError,
    extract::{Body, Caller, Command, Id, List, NoBody, NoFilter, PageParams, PageView},
    view::json,
};

use view::{FlowVersionView, FlowView};
use wire::{FlowChange, NewFlow};

pub(super) fn routes() -> Vec<UtoipaMethodRouter<App>> {
    vec![
        routes!(list, create),
        routes!(show, update, delete),
        routes!(duplicate),
        routes!(versions),
    ]
}

fn created(flow: &Flow) -> (u16, Value) {
    (201, json(FlowView::from(flow)))
}

/// List flows, the newest first.
#[utoipa::path(
    get,
    path = "/api/flows",
    operation_id = "listFlows",
    tag = "Flows",
    params(PageParams),
    responses((status = 200, body = PageView<FlowView>)),
)]
async fn list(
    caller: Caller,
    State(app): State<App>,
    list: List<NoFilter>,
) -> Result<Json<PageView<FlowView>>, ApiError> {
    let flows = app.hum.reads(caller.org).list_flows(&list.page).await?;
    Ok(Json(PageView::of(flows, |flow| FlowView::from(&flow))))
}

/// Make a flow.
#[utoipa::path(
    post,
    path = "/api/flows",
    operation_id = "createFlow",
    tag = "Flows",
    request_body = NewFlow,
    responses((status = 201, body = FlowView)),
)]
async fn create(
    caller: Caller,
    State(app): State<App>,
    Command { body, once }: Command<NewFlow>,
) -> Result<axum::response::Response, ApiError> {
    once.answer(created, |remember| {
        app.hum.flows().create(&caller, body.into(), remember)
    })
    .await
}

/// One flow, in its newest version.
#[utoipa::path(
    get,
    path = "/api/flows/{id}",
    operation_id = "getFlow",
    tag = "Flows",
    responses((status = 200, body = FlowView)),
)]
async fn show(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<FlowId>,
) -> Result<Json<FlowView>, ApiError> {
    let flow = app
        .hum
        .reads(caller.org)
        .flow(id)
        .await?
        .ok_or_else(|| ApiError::not_found("flow"))?;
    Ok(Json(FlowView::from(&flow)))
}

/// Change a flow. What changes something makes a new version; turns that run keep the version they
/// began with.
#[utoipa::path(
    patch,
    path = "/api/flows/{id}",
    operation_id = "updateFlow",
    tag = "Flows",
    request_body = FlowChange,
    responses((status = 200, body = FlowView)),
)]
async fn update(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<FlowId>,
    Body(change): Body<FlowChange>,
) -> Result<Json<FlowView>, ApiError> {
    let flow = app
        .hum
        .flows()
        .update(&caller, id, &|definition| {
            Ok(change.clone().applied_to(definition))
        })
        .await?;
    Ok(Json(FlowView::from(&flow)))
}

/// Remove a flow. Numbers that point to it have no agent from now on.
#[utoipa::path(
    delete,
    path = "/api/flows/{id}",
    operation_id = "deleteFlow",
    tag = "Flows",
    responses((status = 204)),
)]
async fn delete(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<FlowId>,
) -> Result<StatusCode, ApiError> {
    app.hum.flows().delete(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Copy a flow's newest version into a new flow.
#[utoipa::path(
    post,
    path = "/api/flows/{id}/duplicate",
    operation_id = "duplicateFlow",
    tag = "Flows",
    responses((status = 201, body = FlowView)),
)]
async fn duplicate(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<FlowId>,
    Command { once, .. }: Command<NoBody>,
) -> Result<axum::response::Response, ApiError> {
    once.answer(created, |remember| {
        app.hum.flows().duplicate(&caller, id, remember)
    })
    .await
}

/// List a flow's versions, the newest first.
#[utoipa::path(
    get,
    path = "/api/flows/{id}/versions",
    operation_id = "listFlowVersions",
    tag = "Flows",
    params(PageParams),
    responses((status = 200, body = PageView<FlowVersionView>)),
)]
async fn versions(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<FlowId>,
    list: List<NoFilter>,
) -> Result<Json<PageView<FlowVersionView>>, ApiError> {
    let reads = app.hum.reads(caller.org);
    reads
        .flow(id)
        .await?
        .ok_or_else(|| ApiError::not_found("flow"))?;
    let versions = reads.list_flow_versions(id, &list.page).await?;
    Ok(Json(PageView::of(versions, FlowVersionView::from)))
}
