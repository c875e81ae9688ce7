use axum::{Json, extract::State, response::Response};
use hum_core::{
    id::{FlowId, NumberId},
    number::{E164, NewNumber, Number, NumberPatch},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::UtoipaMethodRouter, routes};

use crate::{
    app::App,
    error::ApiError,
    extract::{Body, Caller, Command, Flag, Id, List, NoFilter, PageParams, PageView, Patch},
    view::{Phone, Ref, Time, json},
};

pub(super) fn routes() -> Vec<UtoipaMethodRouter<App>> {
    vec![routes!(list, register), routes!(show, update)]
}

/// A phone number of the organization.
#[derive(Serialize, ToSchema)]
struct NumberView {
    id: Ref,
    e164: Phone,
    friendly_name: String,
    /// Answers calls.
    flow_id: Option<Ref>,
    /// Answers texts.
    sms_flow_id: Option<Ref>,
    /// Whether the agent answers texts. Incoming texts are stored either way.
    sms_enabled: bool,
    /// The carrier account that the number is on.
    carrier_account: String,
    created_at: Time,
}

impl From<&Number> for NumberView {
    fn from(number: &Number) -> Self {
        Self {
            id: Ref::to(number.id),
            e164: Phone(number.e164.clone()),
            friendly_name: number.friendly_name.clone(),
            flow_id: number.flow_id.map(Ref::to),
            sms_flow_id: number.sms_flow_id.map(Ref::to),
            sms_enabled: number.sms_enabled,
            carrier_account: number.carrier_account.clone(),
            created_at: Time(number.created_at),
        }
    }
}

/// A number that the organization has at its carrier.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RegisterNumber {
    #[schema(value_type = Phone)]
    e164: E164,
    #[serde(default)]
    #[schema(max_length = 100)]
    friendly_name: String,
    #[serde(default)]
    #[schema(value_type = Option<Ref>)]
    sms_flow_id: Option<FlowId>,
    /// Whether the agent answers texts; true when it is left out.
    #[serde(default)]
    #[schema(value_type = Flag, required = false)]
    sms_enabled: Patch<Flag>,
}

/// Changes of a number. What is left out stays.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
struct NumberChange {
    #[serde(default)]
    #[schema(value_type = String, max_length = 100)]
    friendly_name: Patch<String>,
    /// Answers calls; null for nobody.
    #[serde(default)]
    #[schema(value_type = Option<Ref>)]
    flow_id: Patch<Option<FlowId>>,
    /// Answers texts; null for nobody.
    #[serde(default)]
    #[schema(value_type = Option<Ref>)]
    sms_flow_id: Patch<Option<FlowId>>,
    #[serde(default)]
    #[schema(value_type = Flag)]
    sms_enabled: Patch<Flag>,
}

fn created(number: &Number) -> (u16, Value) {
    (201, json(NumberView::from(number)))
}

/// List numbers, the newest first.
#[utoipa::path(
    get,
    path = "/api/numbers",
    operation_id = "listNumbers",
    tag = "Numbers",
    params(PageParams),
    responses((status = 200, body = PageView<NumberView>)),
)]
async fn list(
    caller: Caller,
    State(app): State<App>,
    list: List<NoFilter>,
) -> Result<Json<PageView<NumberView>>, ApiError> {
    let numbers = app.hum.reads(caller.org).list_numbers(&list.page).await?;
    Ok(Json(PageView::of(numbers, |number| {
        NumberView::from(&number)
    })))
}

/// Register a number that the organization has at its carrier.
#[utoipa::path(
    post,
    path = "/api/numbers",
    operation_id = "registerNumber",
    tag = "Numbers",
    request_body = RegisterNumber,
    responses((status = 201, body = NumberView)),
)]
async fn register(
    caller: Caller,
    State(app): State<App>,
    Command { body, once }: Command<RegisterNumber>,
) -> Result<Response, ApiError> {
    let new = NewNumber {
        e164: body.e164,
        friendly_name: body.friendly_name,
        sms_flow_id: body.sms_flow_id,
        sms_enabled: body.sms_enabled.0.is_none_or(|flag| flag.0),
    };
    once.answer(created, |remember| {
        app.hum.numbers().register(&caller, new, remember)
    })
    .await
}

/// One number.
#[utoipa::path(
    get,
    path = "/api/numbers/{id}",
    operation_id = "getNumber",
    tag = "Numbers",
    responses((status = 200, body = NumberView)),
)]
async fn show(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<NumberId>,
) -> Result<Json<NumberView>, ApiError> {
    let number = app
        .hum
        .reads(caller.org)
        .number(id)
        .await?
        .ok_or_else(|| ApiError::not_found("number"))?;
    Ok(Json(NumberView::from(&number)))
}

/// Change a number's name or agents.
#[utoipa::path(
    patch,
    path = "/api/numbers/{id}",
    operation_id = "updateNumber",
    tag = "Numbers",
    request_body = NumberChange,
    responses((status = 200, body = NumberView)),
)]
async fn update(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<NumberId>,
    Body(change): Body<NumberChange>,
) -> Result<Json<NumberView>, ApiError> {
    let patch = NumberPatch {
        friendly_name: change.friendly_name.0,
        flow_id: change.flow_id.0,
        sms_flow_id: change.sms_flow_id.0,
        sms_enabled: change.sms_enabled.0.map(|flag| flag.0),
    };
    Ok(Json(NumberView::from(
        &app.hum.numbers().update(&caller, id, patch).await?,
    )))
}
