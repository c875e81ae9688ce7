//! hum over HTTP: the API, the carrier's webhooks, documentation, health and metrics, as one axum
//! router.
//!
//! ```no_run
//! # fn hum() -> hum_core::Hum { unimplemented!() }
//! let app: axum::Router = axum::Router::new().nest("/hum", hum_http::router(hum()));
//! ```
//!
//! When it is nested, `Settings::public_url` ends with the same prefix: it is what the carrier
//! calls and signs.

#![forbid(unsafe_code)]

mod api;
mod app;
mod carrier;
pub mod dev;
mod docs;
mod edge;
pub mod error;
mod event_streams;
mod extract;
mod health;
mod metrics;
mod openapi;
mod sessions;
mod view;

use std::{sync::Arc, time::Duration};

use axum::Router;
use hum_adapters::telephony::fake::FakeCarrier;
use hum_core::Hum;

pub use event_streams::{EventStreams, StreamLimits};

/// What the router offers besides the API.
#[derive(Clone)]
pub struct RouterOptions {
    /// With the fake carrier there are handsets to read and write under `/dev`.
    pub fake: Option<Arc<FakeCarrier>>,
    /// How long one request may take.
    pub timeout: Duration,
    /// The open streams of events. None of them ends by itself: a server that stops keeps a clone
    /// and ends them.
    pub event_streams: EventStreams,
}

impl Default for RouterOptions {
    fn default() -> Self {
        Self {
            fake: None,
            timeout: Duration::from_secs(30),
            event_streams: EventStreams::default(),
        }
    }
}

/// Everything that hum serves, to be served or nested.
pub fn router(hum: Hum) -> Router {
    router_with(hum, RouterOptions::default())
}

/// Only the address sessions, `/sessions` and `/ping`, for a service that embeds nothing else of
/// hum.
pub fn sessions_router(hum: Hum, options: RouterOptions) -> Router {
    app::sessions_only(hum, options)
}

/// The same with options.
pub fn router_with(hum: Hum, options: RouterOptions) -> Router {
    app::router(hum, options)
}
