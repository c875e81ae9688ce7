use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use hum_adapters::telephony::fake::{Direction, HandsetText};
use hum_core::number::E164;
use serde::{Deserialize, Serialize};

use crate::{
    error::ApiError,
    extract::{Body, Id},
    view::{Phone, Time},
};

use super::Pump;

/// What is on a handset.
#[derive(Serialize)]
pub(super) struct HandsetView {
    data: Vec<TextView>,
}

#[derive(Serialize)]
struct TextView {
    at: Time,
    from: Phone,
    to: Phone,
    body: String,
    /// Seen from the handset: `received` or `written`.
    direction: &'static str,
    sid: String,
    /// The carrier wrote it by itself, in answer to a keyword.
    automatic: bool,
}

impl From<HandsetText> for TextView {
    fn from(text: HandsetText) -> Self {
        Self {
            at: Time(text.at),
            from: Phone(text.from),
            to: Phone(text.to),
            body: text.body,
            direction: match text.direction {
                Direction::Received => "received",
                Direction::Written => "written",
            },
            sid: text.sid,
            automatic: text.automatic,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WriteText {
    to: E164,
    body: String,
}

#[derive(Serialize)]
pub(super) struct WrittenView {
    sid: String,
}

/// Every text on a handset, the oldest first.
pub(super) async fn show(State(pump): State<Arc<Pump>>, Id(number): Id<E164>) -> Json<HandsetView> {
    Json(HandsetView {
        data: pump
            .carrier()
            .handset(&number)
            .into_iter()
            .map(Into::into)
            .collect(),
    })
}

/// Writes a text on a handset. When this answers, hum has taken it.
pub(super) async fn write(
    State(pump): State<Arc<Pump>>,
    Id(number): Id<E164>,
    Body(text): Body<WriteText>,
) -> Result<(StatusCode, Json<WrittenView>), ApiError> {
    let sid = pump.carrier().text(number, text.to, &text.body);
    pump.deliver_due().await;
    Ok((StatusCode::CREATED, Json(WrittenView { sid })))
}
