//! Handsets of the fake carrier: to read and write texts while developing. Not there with a real
//! carrier.

mod handset;
mod pump;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};
use hum_adapters::telephony::fake::FakeCarrier;
use hum_core::Hum;

use crate::app::App;

pub use pump::Pump;

pub(crate) fn router(hum: Hum, fake: Arc<FakeCarrier>) -> Router<App> {
    let pump = Arc::new(Pump::new(hum, fake));
    Router::new()
        .route("/dev/handset/{e164}", get(handset::show))
        .route("/dev/handset/{e164}/messages", post(handset::write))
        .with_state(pump)
}
