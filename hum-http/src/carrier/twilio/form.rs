use axum::{
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use hum_core::telephony::CarrierForm;

use crate::{
    app::App,
    error::{ApiError, ErrorCode},
    extract::read,
};

/// Twilio's forms have a few kilobytes.
const MAX_BYTES: usize = 64 * 1024;
const SIGNATURE: &str = "x-twilio-signature";

/// A webhook as it arrived.
pub(super) struct Form(pub CarrierForm);

impl FromRequest<App> for Form {
    type Rejection = ApiError;
    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        if !is_form(&parts.headers) {
            return Err(ApiError::new(
                ErrorCode::UnsupportedMediaType,
                "the body must be a form",
            ));
        }
        // What was signed is the public address. It is configured: Host, X-Forwarded-… and the
        // authority of the request are the sender's to choose. Below a prefix the path is without
        // it, and the configured address ends with it.
        let received = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let url = format!("{}{received}", app.hum.settings().public_url);
        let signature = parts
            .headers
            .get(SIGNATURE)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let body = read(body, MAX_BYTES).await?;
        let params = form_urlencoded::parse(&body).into_owned().collect();
        Ok(Self(CarrierForm {
            url,
            params,
            signature,
        }))
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .eq_ignore_ascii_case("application/x-www-form-urlencoded")
}
