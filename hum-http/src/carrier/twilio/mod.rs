//! Twilio's webhooks. Nothing of a request is believed, stored or logged before its signature was
//! checked.

mod form;
mod sms;
mod status;

use axum::{
    Router,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::post,
};
use hum_core::{error::Error, sms::Received};

use crate::{
    app::App,
    error::{ApiError, ErrorCode},
    metrics::named,
};

pub(crate) fn router() -> Router<App> {
    Router::new()
        .route(
            "/carrier/twilio/sms",
            post(sms::receive).route_layer(named("carrierSms")),
        )
        .route(
            "/carrier/twilio/status/{token}",
            post(status::receive).route_layer(named("carrierStatus")),
        )
}

/// Tells the carrier what became of its webhook. Whatever is not 200 it may deliver again.
fn answer(received: Result<Received, Error>) -> Response {
    match received {
        Ok(Received::Taken) => {
            let xml = r#"<?xml version="1.0" encoding="UTF-8"?><Response/>"#;
            (
                StatusCode::OK,
                [(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"))],
                xml,
            )
                .into_response()
        }
        Ok(Received::Refused) => ApiError::new(
            ErrorCode::Forbidden,
            "not a webhook of a known carrier account",
        )
        .into_response(),
        Ok(Received::Malformed(form)) => {
            ApiError::new(ErrorCode::MalformedForm, form.to_string()).into_response()
        }
        Err(error) => match ApiError::from(error) {
            // A state that kept moving is worth another delivery too.
            error if error.code() == ErrorCode::Conflict => {
                ApiError::new(ErrorCode::Unavailable, "deliver this again").into_response()
            }
            error => error.into_response(),
        },
    }
}
