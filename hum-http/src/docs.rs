//! The API's description: machine-readable, and as a page that works offline and executes nothing.

use axum::{
    Router,
    extract::State,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::app::App;

/// Redoc 2.5.4 (MIT; its licence lies beside it). It shows the document and cannot send a request.
const REDOC: &[u8] = include_bytes!("../assets/redoc.standalone.js");
const PAGE: &str = include_str!("../assets/docs.html");
const LLMS: &str = include_str!("../assets/llms.txt");

/// Only our own files; styles are made by the script.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; \
                      img-src 'self' data:; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/openapi.json", get(json))
        .route("/openapi.yaml", get(yaml))
        .route("/docs", get(page))
        .route("/docs/redoc.standalone.js", get(redoc))
        .route("/llms.txt", get(llms))
}

fn text(content_type: &'static str, body: impl IntoResponse) -> Response {
    let headers: [(HeaderName, HeaderValue); 2] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, body).into_response()
}

async fn json(State(app): State<App>) -> Response {
    text("application/json", app.document.json().to_owned())
}

async fn yaml(State(app): State<App>) -> Response {
    text("application/yaml", app.document.yaml().to_owned())
}

async fn page() -> Response {
    let mut response = text("text/html; charset=utf-8", PAGE);
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    response
}

async fn redoc() -> Response {
    let mut response = text("text/javascript; charset=utf-8", REDOC);
    response.headers_mut().insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=86400"),
    );
    response
}

async fn llms() -> Response {
    text("text/plain; charset=utf-8", LLMS)
}
