use axum::{Json, extract::State};
use hum_core::usage::{Day, DayUsage, Usage};
use serde::{Deserialize, Serialize};
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

/// Which days.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct UsageQuery {
    /// The first day, UTC; without it, 29 days before `to`.
    #[param(value_type = Option<String>, format = Date, example = "2026-11-01")]
    from: Option<String>,
    /// The last day, UTC, at most 366 days from the first one; without it, today.
    #[param(value_type = Option<String>, format = Date, example = "2026-11-30")]
    to: Option<String>,
}

/// What was used, by day.
#[derive(Serialize, ToSchema)]
struct UsageView {
    /// The first day that was asked for.
    #[schema(format = Date)]
    from: String,
    /// The last one.
    #[schema(format = Date)]
    to: String,
    /// The first day first. Days on which nothing was used are left out.
    data: Vec<DayUsageView>,
}

/// What was used on one day.
#[derive(Serialize, ToSchema)]
struct DayUsageView {
    /// UTC.
    #[schema(format = Date)]
    day: String,
    /// Texts that contacts sent.
    texts_received: i64,
    /// Texts that the carrier took.
    texts_sent: i64,
    /// Segments of them, as far as the carrier said.
    segments_sent: i64,
    /// Events that webhooks took.
    deliveries: i64,
    /// Turns that agents began.
    ai_turns: i64,
}

impl From<DayUsage> for DayUsageView {
    fn from(used: DayUsage) -> Self {
        Self {
            day: used.day.to_string(),
            texts_received: used.amount(Usage::TextsReceived),
            texts_sent: used.amount(Usage::TextsSent),
            segments_sent: used.amount(Usage::SegmentsSent),
            deliveries: used.amount(Usage::Deliveries),
            ai_turns: used.amount(Usage::AiTurns),
        }
    }
}

fn day(name: &str, text: Option<String>) -> Result<Option<Day>, ApiError> {
    let day = text.map(|text| text.parse::<Day>()).transpose();
    day.map_err(|error| ApiError::invalid(name, error.to_string()))
}

/// What was used, by day.
///
/// Exact: each use is counted in the commit of what was used.
#[utoipa::path(
    get,
    path = "/api/usage",
    operation_id = "listUsage",
    tag = "Usage",
    params(UsageQuery),
    responses((status = 200, body = UsageView)),
)]
async fn list(
    caller: Caller,
    State(app): State<App>,
    Filter(query): Filter<UsageQuery>,
) -> Result<Json<UsageView>, ApiError> {
    let (from, to) = (day("from", query.from)?, day("to", query.to)?);
    let (days, used) = app.hum.usage().days(caller.org, from, to).await?;
    Ok(Json(UsageView {
        from: days.from.to_string(),
        to: days.to.to_string(),
        data: used.into_iter().map(DayUsageView::from).collect(),
    }))
}
