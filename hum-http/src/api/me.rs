use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::UtoipaMethodRouter, routes};

use crate::{app::App, error::ApiError, extract::Caller, view::Ref};

use super::organization::OrganizationView;

pub(super) fn routes() -> Vec<UtoipaMethodRouter<App>> {
    vec![routes!(show)]
}

/// Who calls, and what they may do.
#[derive(Serialize, ToSchema)]
struct MeView {
    /// The API key that was presented.
    api_key_id: Option<Ref>,
    /// `viewer`, `operator` or `admin`.
    role: &'static str,
    /// What narrows the role; `*` is everything that it allows.
    scopes: Vec<String>,
    organization: OrganizationView,
}

/// Who am I?
#[utoipa::path(
    get,
    path = "/api/me",
    operation_id = "getMe",
    tag = "Access",
    responses((status = 200, body = MeView)),
)]
async fn show(caller: Caller, State(app): State<App>) -> Result<Json<MeView>, ApiError> {
    let organization = app
        .hum
        .reads(caller.org)
        .organization()
        .await?
        .ok_or_else(|| ApiError::not_found("organization"))?;
    Ok(Json(MeView {
        api_key_id: caller.actor.key().map(Ref::to),
        role: caller.role.as_str(),
        scopes: caller.scopes.clone(),
        organization: organization.into(),
    }))
}
