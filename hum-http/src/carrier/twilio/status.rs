use axum::{
    extract::{RawPathParams, State},
    response::Response,
};

use crate::app::App;

use super::form::Form;

/// News about a text that was sent. The token in the path binds it to one attempt.
pub(super) async fn receive(
    State(app): State<App>,
    params: RawPathParams,
    Form(form): Form,
) -> Response {
    let token = params.iter().last().map_or("", |(_, token)| token);
    super::answer(app.hum.sms().receive_status(token, &form).await)
}
