use axum::{Json, extract::State, http::StatusCode, response::Response};
use hum_core::{
    id::TemplateId,
    record::{get, newest},
    sms::{Template, TemplateDraft, TemplatePatch},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::UtoipaMethodRouter, routes};

use crate::{
    app::App,
    error::ApiError,
    extract::{Body, Caller, Command, Id, List, NoFilter, PageParams, PageView, Patch},
    view::{Ref, Time, json},
};

pub(super) fn routes() -> Vec<UtoipaMethodRouter<App>> {
    vec![routes!(list, create), routes!(show, update, delete)]
}

/// A text that is written once and sent often.
#[derive(Serialize, ToSchema)]
struct TemplateView {
    id: Ref,
    name: String,
    #[schema(example = "Hi {{first_name}}, see you at {{time}}.")]
    body: String,
    /// The names of the variables in the body, sorted.
    #[schema(example = json!(["first_name", "time"]))]
    variables: Vec<String>,
    created_at: Time,
    updated_at: Time,
}

impl From<&Template> for TemplateView {
    fn from(template: &Template) -> Self {
        Self {
            id: Ref::to(template.id),
            name: template.name.clone(),
            body: template.body.clone(),
            variables: template
                .variables()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            created_at: Time(template.created_at),
            updated_at: Time(template.updated_at),
        }
    }
}

/// A new template.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewTemplate {
    /// Unique in the organization.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// `{{first_name}}` stands for a variable: 1 to 40 of a-z, 0-9 and _, a letter first.
    #[schema(min_length = 1, max_length = 1600)]
    body: String,
}

/// Changes of a template. What is left out stays.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
struct TemplateChange {
    #[serde(default)]
    #[schema(value_type = String, min_length = 1, max_length = 100)]
    name: Patch<String>,
    #[serde(default)]
    #[schema(value_type = String, min_length = 1, max_length = 1600)]
    body: Patch<String>,
}

fn created(template: &Template) -> (u16, Value) {
    (201, json(TemplateView::from(template)))
}

/// List templates, the newest first.
#[utoipa::path(
    get,
    path = "/api/sms/templates",
    operation_id = "listTemplates",
    tag = "Templates",
    params(PageParams),
    responses((status = 200, body = PageView<TemplateView>)),
)]
async fn list(
    caller: Caller,
    State(app): State<App>,
    list: List<NoFilter>,
) -> Result<Json<PageView<TemplateView>>, ApiError> {
    let templates = newest::<Template>(&*app.hum.reads(caller.org), &list.page).await?;
    Ok(Json(PageView::of(templates, |template| {
        TemplateView::from(&template)
    })))
}

/// Make a template.
#[utoipa::path(
    post,
    path = "/api/sms/templates",
    operation_id = "createTemplate",
    tag = "Templates",
    request_body = NewTemplate,
    responses((status = 201, body = TemplateView)),
)]
async fn create(
    caller: Caller,
    State(app): State<App>,
    Command { body, once }: Command<NewTemplate>,
) -> Result<Response, ApiError> {
    let draft = TemplateDraft {
        name: body.name,
        body: body.body,
    };
    once.answer(created, |remember| {
        app.hum.sms().create_template(&caller, draft, remember)
    })
    .await
}

/// One template.
#[utoipa::path(
    get,
    path = "/api/sms/templates/{id}",
    operation_id = "getTemplate",
    tag = "Templates",
    responses((status = 200, body = TemplateView)),
)]
async fn show(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<TemplateId>,
) -> Result<Json<TemplateView>, ApiError> {
    let template = get::<Template>(&*app.hum.reads(caller.org), &id).await?;
    Ok(Json(TemplateView::from(
        &template.ok_or_else(|| ApiError::not_found("template"))?,
    )))
}

/// Change a template. Texts that were sent with it stay as they are.
#[utoipa::path(
    patch,
    path = "/api/sms/templates/{id}",
    operation_id = "updateTemplate",
    tag = "Templates",
    request_body = TemplateChange,
    responses((status = 200, body = TemplateView)),
)]
async fn update(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<TemplateId>,
    Body(change): Body<TemplateChange>,
) -> Result<Json<TemplateView>, ApiError> {
    let patch = TemplatePatch {
        name: change.name.0,
        body: change.body.0,
    };
    Ok(Json(TemplateView::from(
        &app.hum.sms().update_template(&caller, id, patch).await?,
    )))
}

/// Remove a template. Texts that were sent with it stay as they are.
#[utoipa::path(
    delete,
    path = "/api/sms/templates/{id}",
    operation_id = "deleteTemplate",
    tag = "Templates",
    responses((status = 204)),
)]
async fn delete(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<TemplateId>,
) -> Result<StatusCode, ApiError> {
    app.hum.sms().delete_template(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
