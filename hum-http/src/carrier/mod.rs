//! What the carrier calls.

pub(crate) mod twilio;

use axum::Router;

use crate::app::App;

pub(crate) fn router() -> Router<App> {
    twilio::router()
}
