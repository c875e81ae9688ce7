//! The shape of this API's answers, also of its refusals.

use axum::{
    Json,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use hum_core::clock::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    error::{ApiError, ErrorCode},
    view::Time,
};

/// Nothing more to say.
#[derive(Serialize, ToSchema)]
pub(super) struct Empty {}

/// About a request that was refused.
#[derive(Serialize, ToSchema)]
pub(super) struct RefusedMeta {
    responded_at: Time,
}

/// Why a request was refused.
#[derive(Serialize, ToSchema)]
pub(super) struct Refusal {
    /// For programs.
    #[schema(example = "invalid")]
    code: &'static str,
    /// Every component that cannot be used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ComponentError>,
}

/// One component that cannot be used.
#[derive(Serialize, ToSchema)]
pub(super) struct ComponentError {
    /// The field of the request, or the name of a header.
    #[schema(example = "zip")]
    field: String,
    /// What is wrong and what would be right.
    #[schema(example = "must be five digits, or nine as in 12345-6789")]
    detail: String,
}

/// A refusal as this API documents it.
#[derive(Serialize, ToSchema)]
pub(super) struct Refused {
    /// What was wrong, for a person.
    #[schema(example = "The address cannot be used; data.errors says why.")]
    message: String,
    /// `error`.
    #[schema(example = "error")]
    request_status: &'static str,
    data: Refusal,
    meta: RefusedMeta,
}

/// The answer, or its refusal in the envelope, whoever refused.
pub(super) fn render(mut response: Response, app: &App) -> Response {
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        refuse(&error, &mut response, app.hum.clock().now());
    }
    response
}

/// Puts a refusal into the envelope; status and headers stay.
fn refuse(error: &ApiError, response: &mut Response, now: Timestamp) {
    let errors = error.errors().iter().map(|wrong| ComponentError {
        field: wrong.pointer.trim_start_matches('/').to_owned(),
        detail: wrong.detail.clone(),
    });
    let code = error.code();
    let refused = Refused {
        message: match code {
            ErrorCode::Gone => {
                "The session is expired or closed, or there never was one.".to_owned()
            }
            ErrorCode::Invalid => "The address cannot be used; data.errors says why.".to_owned(),
            _ => sentence(error.detail()),
        },
        request_status: "error",
        data: Refusal {
            code: code.as_str(),
            errors: errors.collect(),
        },
        meta: RefusedMeta {
            responded_at: Time(now),
        },
    };
    let body = Json(refused).into_response().into_body();
    *response.body_mut() = body;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.remove(header::CONTENT_LENGTH);
}

fn sentence(detail: &str) -> String {
    let mut chars = detail.chars();
    let first = chars
        .next()
        .map(|first| first.to_uppercase().to_string())
        .unwrap_or_default();
    format!("{first}{}.", chars.as_str().trim_end_matches('.'))
}
