//! Is the process alive, and can it work?

use axum::{Router, extract::State, routing::get};

use crate::{app::App, error::ApiError, metrics};

pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics::show))
}

/// The process answers. Nothing else is checked, so that a failing store does not get the process
/// killed.
async fn alive() -> &'static str {
    "alive\n"
}

/// The store answers, with the schema of this build.
async fn ready(State(app): State<App>) -> Result<&'static str, ApiError> {
    app.hum.ready().await?;
    Ok("ready\n")
}
