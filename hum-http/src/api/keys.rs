use axum::{Json, extract::State, http::StatusCode, response::Response};
use hum_core::{
    access::{ApiKey, CreatedApiKey, KeyMode, NewApiKey, Role},
    id::ApiKeyId,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::UtoipaMethodRouter, routes};

use crate::{
    app::App,
    error::ApiError,
    extract::{Caller, Command, Id, List, NoFilter, PageParams, PageView},
    view::{Ref, Time, json},
};

pub(super) fn routes() -> Vec<UtoipaMethodRouter<App>> {
    vec![routes!(list, create), routes!(revoke)]
}

/// What is kept of an API key: never the key itself.
#[derive(Serialize, ToSchema)]
struct ApiKeyView {
    id: Ref,
    name: String,
    /// `viewer`, `operator` or `admin`.
    role: &'static str,
    scopes: Vec<String>,
    /// The last four characters of the key.
    last_four: String,
    created_at: Time,
    /// To the minute.
    last_used_at: Option<Time>,
    /// Since when it is refused.
    revoked_at: Option<Time>,
}

/// A key that was just made.
#[derive(Serialize, ToSchema)]
struct CreatedApiKeyView {
    #[serde(flatten)]
    kept: ApiKeyView,
    /// The key itself. It is shown this once.
    #[schema(example = "hum_live_…")]
    key: String,
}

impl From<&ApiKey> for ApiKeyView {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: Ref::to(key.id),
            name: key.name.clone(),
            role: key.role.as_str(),
            scopes: key.scopes.clone(),
            last_four: key.last_four.clone(),
            created_at: Time(key.created_at),
            last_used_at: key.last_used_at.map(Time),
            revoked_at: key.revoked_at().map(Time),
        }
    }
}

/// A new key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewKey {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// At most the role of the key that asks.
    role: RoleName,
    /// What narrows the role; `["*"]` when it is left out.
    #[serde(default = "everything")]
    #[schema(min_items = 1)]
    scopes: Vec<String>,
    #[serde(default)]
    mode: ModeName,
}

fn everything() -> Vec<String> {
    vec!["*".into()]
}

/// What a caller may do; each role may do everything that the one before may.
#[derive(Deserialize, ToSchema, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum RoleName {
    Viewer,
    Operator,
    Admin,
}

/// The prefix of a key.
#[derive(Deserialize, ToSchema, Clone, Copy, Default)]
#[serde(rename_all = "snake_case")]
enum ModeName {
    #[default]
    Live,
    Test,
}

impl From<NewKey> for NewApiKey {
    fn from(new: NewKey) -> Self {
        Self {
            name: new.name,
            role: match new.role {
                RoleName::Viewer => Role::Viewer,
                RoleName::Operator => Role::Operator,
                RoleName::Admin => Role::Admin,
            },
            scopes: new.scopes,
            mode: match new.mode {
                ModeName::Live => KeyMode::Live,
                ModeName::Test => KeyMode::Test,
            },
        }
    }
}

fn created(created: &CreatedApiKey) -> (u16, Value) {
    (
        201,
        json(CreatedApiKeyView {
            kept: (&created.key).into(),
            key: created.secret.reveal().to_owned(),
        }),
    )
}

/// List keys, the newest first, revoked ones too.
#[utoipa::path(
    get,
    path = "/api/keys",
    operation_id = "listApiKeys",
    tag = "Access",
    params(PageParams),
    responses((status = 200, body = PageView<ApiKeyView>)),
)]
async fn list(
    caller: Caller,
    State(app): State<App>,
    list: List<NoFilter>,
) -> Result<Json<PageView<ApiKeyView>>, ApiError> {
    let keys = app.hum.reads(caller.org).list_api_keys(&list.page).await?;
    Ok(Json(PageView::of(keys, |key| ApiKeyView::from(&key))))
}

/// Make a key. The key itself is in this answer and nowhere else.
#[utoipa::path(
    post,
    path = "/api/keys",
    operation_id = "createApiKey",
    tag = "Access",
    request_body = NewKey,
    responses((status = 201, body = CreatedApiKeyView)),
)]
async fn create(
    caller: Caller,
    State(app): State<App>,
    Command { body, once }: Command<NewKey>,
) -> Result<Response, ApiError> {
    once.answer(created, |remember| {
        app.hum.api_keys().create(&caller, body.into(), remember)
    })
    .await
}

/// Revoke a key. It is refused from now on.
#[utoipa::path(
    delete,
    path = "/api/keys/{id}",
    operation_id = "revokeApiKey",
    tag = "Access",
    responses((status = 204)),
)]
async fn revoke(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<ApiKeyId>,
) -> Result<StatusCode, ApiError> {
    app.hum.api_keys().revoke(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
