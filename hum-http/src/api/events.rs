use std::ops::RangeInclusive;

use axum::{Json, extract::State};
use hum_core::page::Page;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::UtoipaMethodRouter, routes};

use crate::{
    app::App,
    error::ApiError,
    extract::{Caller, Filter},
};

pub(super) fn routes() -> Vec<UtoipaMethodRouter<App>> {
    vec![routes!(list)]
}

/// Which events to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EventQuery {
    /// Only events with a higher number; 0, or nothing, from the start.
    #[param(value_type = Option<i64>, minimum = 0)]
    after: Option<String>,
    /// How many at most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
}

/// A piece of the feed.
#[derive(Serialize, ToSchema)]
struct EventsView {
    /// Lowest number first. The numbers of an organization's events have no gaps.
    #[schema(value_type = Vec<EventView>)]
    data: Vec<Value>,
    /// What to ask for next; the same as before when there is nothing new.
    next_after: i64,
}

/// What happened: the same JSON that webhooks get.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes what the core renders")]
struct EventView {
    /// Also the `webhook-id` of deliveries.
    id: crate::view::Ref,
    /// Such as `sms.received`.
    r#type: String,
    timestamp: crate::view::Time,
    organization_id: crate::view::Ref,
    /// Gap-free per organization, from 1.
    seq: i64,
    conversation_id: Option<crate::view::Ref>,
    /// Gap-free per conversation, from 1.
    conversation_seq: Option<i64>,
    /// The entities, as they were.
    #[schema(value_type = Object)]
    data: Value,
}

fn number(
    name: &str,
    text: Option<String>,
    default: i64,
    range: RangeInclusive<i64>,
) -> Result<i64, ApiError> {
    let Some(text) = text else { return Ok(default) };
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| {
        ApiError::invalid(
            name,
            format!("must be a number from {} to {}", range.start(), range.end()),
        )
    })
}

/// Read the feed of events.
#[utoipa::path(
    get,
    path = "/api/events",
    operation_id = "listEvents",
    tag = "Events",
    params(EventQuery),
    responses((status = 200, body = EventsView)),
)]
async fn list(
    caller: Caller,
    State(app): State<App>,
    Filter(query): Filter<EventQuery>,
) -> Result<Json<EventsView>, ApiError> {
    let after = number("after", query.after, 0, 0..=i64::MAX)?;
    let limit = number(
        "limit",
        query.limit,
        Page::DEFAULT_LIMIT.into(),
        1..=Page::MAX_LIMIT.into(),
    )?;
    let events = app
        .hum
        .reads(caller.org)
        .events_after(after, u32::try_from(limit).unwrap_or(Page::MAX_LIMIT))
        .await?;
    let next_after = events.last().map_or(after, |event| event.seq);
    Ok(Json(EventsView {
        data: events.iter().map(|event| event.to_json()).collect(),
        next_after,
    }))
}
