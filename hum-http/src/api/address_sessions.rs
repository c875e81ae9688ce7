use axum::{Json, extract::State};
use hum_core::{address_session::AddressSession, clock::Timestamp, id::AddressSessionId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::UtoipaMethodRouter, routes};

use crate::{
    app::App,
    error::ApiError,
    extract::{Caller, Id, List, PageParams, PageView},
    sessions::{AgentStatus, LocationView, SessionParams, address_of, candidates, location},
    view::{Ref, Time, json},
};

pub(super) fn routes() -> Vec<UtoipaMethodRouter<App>> {
    vec![routes!(list), routes!(get)]
}

/// Which sessions to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SessionQuery {
    /// Only those of this campaign.
    #[param(min_length = 1, max_length = 100)]
    campaign_id: Option<String>,
}

/// An address session, for the organization that it belongs to. Its token is shown to nobody again.
#[derive(Serialize, ToSchema)]
#[schema(as = AddressSession)]
struct AddressSessionView<'a> {
    id: Ref,
    /// `open`, `closed` or `expired`.
    #[schema(example = "open")]
    session_status: &'static str,
    agent_status: AgentStatus,
    session_params: SessionParams<'a>,
    campaign_id: Option<&'a str>,
    service_address: Option<String>,
    location: Option<LocationView<'a>>,
    /// The addresses that may be meant, when there are several.
    candidates: Vec<String>,
    /// What went wrong on the way.
    problems: &'a [String],
    /// The providers' names, the best evidence first.
    providers: Vec<&'a str>,
    hum_data_set: Option<&'a str>,
    created_at: Time,
    updated_at: Time,
    expires_at: Time,
    closed_at: Option<Time>,
}

impl<'a> AddressSessionView<'a> {
    fn of(session: &'a AddressSession, now: Timestamp) -> Self {
        Self {
            id: Ref::to(session.id),
            session_status: session.status(now).as_str(),
            agent_status: session.into(),
            session_params: (&session.request).into(),
            campaign_id: session.request.campaign_id.as_deref(),
            service_address: address_of(session),
            location: location(session),
            candidates: candidates(session),
            problems: &session.found().problems,
            providers: session
                .found()
                .providers()
                .iter()
                .map(|provider| provider.provider_name.as_str())
                .collect(),
            hum_data_set: session.found().data_set(),
            created_at: Time(session.created_at),
            updated_at: Time(session.updated_at()),
            expires_at: Time(session.expires_at()),
            closed_at: session.closed_at().map(Time),
        }
    }
}

/// List address sessions, newest first.
#[utoipa::path(
    get,
    path = "/api/address-sessions",
    operation_id = "listAddressSessions",
    tag = "Address sessions",
    params(PageParams, SessionQuery),
    responses((status = 200, body = PageView<AddressSessionView<'static>>)),
)]
async fn list(
    caller: Caller,
    State(app): State<App>,
    list: List<SessionQuery>,
) -> Result<Json<PageView<serde_json::Value>>, ApiError> {
    let campaign = list.filter.campaign_id.as_deref();
    let sessions = app
        .hum
        .reads(caller.org)
        .list_address_sessions(campaign, &list.page)
        .await?;
    let now = app.hum.clock().now();
    Ok(Json(PageView::of(sessions, |session| {
        json(AddressSessionView::of(&session, now))
    })))
}

/// Get an address session.
#[utoipa::path(
    get,
    path = "/api/address-sessions/{id}",
    operation_id = "getAddressSession",
    tag = "Address sessions",
    responses((status = 200, body = AddressSessionView<'static>)),
)]
async fn get(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<AddressSessionId>,
) -> Result<Json<serde_json::Value>, ApiError> {
    let session = app.hum.reads(caller.org).address_session(id).await?;
    let session = session.ok_or_else(|| ApiError::not_found("address session"))?;
    Ok(Json(json(AddressSessionView::of(
        &session,
        app.hum.clock().now(),
    ))))
}
