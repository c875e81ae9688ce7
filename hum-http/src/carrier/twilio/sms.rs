use axum::{extract::State, response::Response};

use crate::app::App;

use super::form::Form;

/// A text came in. The answer comes after the commit.
pub(super) async fn receive(State(app): State<App>, Form(form): Form) -> Response {
    super::answer(app.hum.sms().receive(&form).await)
}
