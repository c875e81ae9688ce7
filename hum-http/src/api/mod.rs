//! The API: one file per resource. [`guard`] stands before every operation.

mod address_sessions;
mod conversations;
mod event_stream;
mod events;
mod flows;
pub(crate) mod guard;
mod keys;
mod me;
mod messages;
mod numbers;
mod opt_outs;
mod organization;
mod rate_limit;
mod templates;
mod usage;
mod webhooks;

use axum::Router;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::UtoipaMethodRouter;

use crate::{app::App, openapi};

/// The routes of the API and their raw description.
pub(crate) fn router(app: &App) -> (Router<App>, OpenApi) {
    let guarded = operations()
        .into_iter()
        .map(|routes| guard::guarded(app, routes));
    let routes = guarded.fold(openapi::skeleton(), |router, routes| router.routes(routes));
    routes.split_for_parts()
}

/// Every operation, in the order of the document.
fn operations() -> Vec<UtoipaMethodRouter<App>> {
    [
        me::routes(),
        organization::routes(),
        flows::routes(),
        numbers::routes(),
        conversations::routes(),
        messages::routes(),
        opt_outs::routes(),
        templates::routes(),
        webhooks::routes(),
        events::routes(),
        event_stream::routes(),
        usage::routes(),
        address_sessions::routes(),
        keys::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
