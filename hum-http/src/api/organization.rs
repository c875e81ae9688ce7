use axum::{Json, extract::State};
use hum_core::{
    cipher::Secret,
    organization::{
        CarrierAccount, KeywordReplies, Organization, OrganizationPatch, SetCarrierAccount,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::UtoipaMethodRouter, routes};

use crate::{
    app::App,
    error::ApiError,
    extract::{Body, Caller, Patch},
    view::{Ref, Time},
};

pub(super) fn routes() -> Vec<UtoipaMethodRouter<App>> {
    vec![routes!(show, update), routes!(show_carrier, set_carrier)]
}

/// A tenant.
#[derive(Serialize, ToSchema)]
pub(super) struct OrganizationView {
    id: Ref,
    /// The unique short name.
    slug: String,
    name: String,
    /// Who confirms STOP, START and HELP: `carrier` or `hum`.
    keyword_replies: &'static str,
    created_at: Time,
}

impl From<Organization> for OrganizationView {
    fn from(organization: Organization) -> Self {
        Self {
            id: Ref::to(organization.id),
            slug: organization.slug,
            name: organization.name,
            keyword_replies: organization.keyword_replies.as_str(),
            created_at: Time(organization.created_at),
        }
    }
}

/// Changes of an organization.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
struct OrganizationChange {
    #[serde(default)]
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    name: Patch<String>,
    /// Who confirms STOP, START and HELP. Exactly one of the two must.
    #[serde(default)]
    #[schema(value_type = KeywordRepliesName)]
    keyword_replies: Patch<KeywordRepliesName>,
}

/// Who confirms keywords.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum KeywordRepliesName {
    Carrier,
    Hum,
}

impl From<KeywordRepliesName> for KeywordReplies {
    fn from(name: KeywordRepliesName) -> Self {
        match name {
            KeywordRepliesName::Carrier => Self::Carrier,
            KeywordRepliesName::Hum => Self::Hum,
        }
    }
}

/// An organization's own account at the carrier. Tokens are never shown.
#[derive(Serialize, ToSchema)]
struct CarrierAccountView {
    account_sid: String,
    /// Whether a secondary token is accepted too.
    has_secondary_auth_token: bool,
    updated_at: Time,
}

impl From<CarrierAccount> for CarrierAccountView {
    fn from(account: CarrierAccount) -> Self {
        Self {
            account_sid: account.account_sid,
            has_secondary_auth_token: account.secondary_auth_token.is_some(),
            updated_at: Time(account.updated_at),
        }
    }
}

/// An account at the carrier. Its tokens are sealed at rest and never shown.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CarrierAccountChange {
    #[schema(min_length = 1, max_length = 128, pattern = "^[!-~]+$")]
    account_sid: String,
    #[schema(min_length = 1, max_length = 128, pattern = "^[!-~]+$")]
    auth_token: String,
    /// Accepted on the carrier's webhooks too, while tokens are rotated.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 128, pattern = "^[!-~]+$")]
    secondary_auth_token: Option<String>,
}

/// The organization of this key.
#[utoipa::path(
    get,
    path = "/api/organization",
    operation_id = "getOrganization",
    tag = "Organization",
    responses((status = 200, body = OrganizationView)),
)]
async fn show(caller: Caller, State(app): State<App>) -> Result<Json<OrganizationView>, ApiError> {
    let organization = app
        .hum
        .reads(caller.org)
        .organization()
        .await?
        .ok_or_else(|| ApiError::not_found("organization"))?;
    Ok(Json(organization.into()))
}

/// Change the organization's settings.
#[utoipa::path(
    patch,
    path = "/api/organization",
    operation_id = "updateOrganization",
    tag = "Organization",
    request_body = OrganizationChange,
    responses((status = 200, body = OrganizationView)),
)]
async fn update(
    caller: Caller,
    State(app): State<App>,
    Body(change): Body<OrganizationChange>,
) -> Result<Json<OrganizationView>, ApiError> {
    let patch = OrganizationPatch {
        name: change.name.0,
        keyword_replies: change.keyword_replies.0.map(Into::into),
    };
    Ok(Json(
        app.hum.organizations().update(&caller, patch).await?.into(),
    ))
}

/// The organization's own carrier account.
#[utoipa::path(
    get,
    path = "/api/organization/carrier",
    operation_id = "getCarrierAccount",
    tag = "Organization",
    responses((status = 200, body = CarrierAccountView)),
)]
async fn show_carrier(
    caller: Caller,
    State(app): State<App>,
) -> Result<Json<CarrierAccountView>, ApiError> {
    let account = app
        .hum
        .reads(caller.org)
        .carrier_account()
        .await?
        .ok_or_else(|| ApiError::not_found("carrier account"))?;
    Ok(Json(account.into()))
}

/// Set the organization's own carrier account.
#[utoipa::path(
    put,
    path = "/api/organization/carrier",
    operation_id = "setCarrierAccount",
    tag = "Organization",
    request_body = CarrierAccountChange,
    responses((status = 200, body = CarrierAccountView)),
)]
async fn set_carrier(
    caller: Caller,
    State(app): State<App>,
    Body(change): Body<CarrierAccountChange>,
) -> Result<Json<CarrierAccountView>, ApiError> {
    let set = SetCarrierAccount {
        account_sid: change.account_sid,
        auth_token: Secret::new(change.auth_token),
        secondary_auth_token: change.secondary_auth_token.map(Secret::new),
    };
    Ok(Json(
        app.hum
            .organizations()
            .set_carrier_account(&caller, set)
            .await?
            .into(),
    ))
}
