use std::str::FromStr;

use axum::{Json, extract::State, http::StatusCode, response::Response};
use hum_core::{
    consent::{Consent, ConsentState},
    number::{E164, NotE164},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::UtoipaMethodRouter, routes};

use crate::{
    app::App,
    error::ApiError,
    extract::{Caller, Command, Id, List, NoFilter, PageParams, PageView},
    view::{Phone, Time, json},
};

pub(super) fn routes() -> Vec<UtoipaMethodRouter<App>> {
    vec![routes!(list, add), routes!(remove)]
}

/// A contact to whom nothing is sent.
#[derive(Serialize, ToSchema)]
struct OptOutView {
    contact_e164: Phone,
    /// How hum learnt it: `keyword`, `api` or `carrier`.
    source: Option<&'static str>,
    /// Since when.
    opted_out_at: Option<Time>,
}

impl From<&Consent> for OptOutView {
    fn from(consent: &Consent) -> Self {
        let (source, at) = match *consent.state() {
            ConsentState::OptedOut { at, source } => (Some(source.as_str()), Some(Time(at))),
            ConsentState::Unsaid | ConsentState::OptedIn { .. } => (None, None),
        };
        Self {
            contact_e164: Phone(consent.contact.clone()),
            source,
            opted_out_at: at,
        }
    }
}

/// A contact in a path: opt-outs have no other id.
struct Contact(E164);

impl FromStr for Contact {
    type Err = NotE164;
    fn from_str(text: &str) -> Result<Self, NotE164> {
        text.parse().map(Self)
    }
}

impl hum_core::id::Id for Contact {
    const KIND: &'static str = "opt-out";
}

/// A contact to whom nothing is to be sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewOptOut {
    #[schema(value_type = Phone)]
    contact_e164: E164,
}

fn added(consent: &Consent) -> (u16, Value) {
    (201, json(OptOutView::from(consent)))
}

/// List the contacts who are opted out, by number.
#[utoipa::path(
    get,
    path = "/api/sms/opt-outs",
    operation_id = "listOptOuts",
    tag = "Opt-outs",
    params(PageParams),
    responses((status = 200, body = PageView<OptOutView>)),
)]
async fn list(
    caller: Caller,
    State(app): State<App>,
    list: List<NoFilter>,
) -> Result<Json<PageView<OptOutView>>, ApiError> {
    let opted_out = app.hum.reads(caller.org).list_opted_out(&list.page).await?;
    Ok(Json(PageView::of(opted_out, |consent| {
        OptOutView::from(&consent)
    })))
}

/// Opt a contact out.
#[utoipa::path(
    post,
    path = "/api/sms/opt-outs",
    operation_id = "addOptOut",
    tag = "Opt-outs",
    request_body = NewOptOut,
    responses((status = 201, body = OptOutView)),
)]
async fn add(
    caller: Caller,
    State(app): State<App>,
    Command { body, once }: Command<NewOptOut>,
) -> Result<Response, ApiError> {
    once.answer(added, |remember| {
        app.hum.opt_outs().add(&caller, body.contact_e164, remember)
    })
    .await
}

/// Opt a contact in again. The caller vouches that the contact wants it.
#[utoipa::path(
    delete,
    path = "/api/sms/opt-outs/{e164}",
    operation_id = "removeOptOut",
    tag = "Opt-outs",
    responses((status = 204)),
)]
async fn remove(
    caller: Caller,
    State(app): State<App>,
    Id(Contact(contact)): Id<Contact>,
) -> Result<StatusCode, ApiError> {
    app.hum.opt_outs().remove(&caller, &contact).await?;
    Ok(StatusCode::NO_CONTENT)
}
