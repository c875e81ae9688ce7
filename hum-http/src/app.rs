//! The state that handlers share, and how the routes come together.

use std::{ops::Deref, sync::Arc};

use axum::{Router, response::Response};
use hum_core::Hum;

use crate::{
    RouterOptions, api, carrier, dev, docs, edge, error, extract::InFlight, health, metrics,
    metrics::Metrics, openapi, openapi::Document, sessions,
};

/// What handlers share. One pointer: it is cloned several times for each request.
#[derive(Clone)]
pub(crate) struct App(Arc<Shared>);

/// See [`App`].
#[derive(Clone)]
pub(crate) struct Shared {
    /// The application.
    pub hum: Hum,
    /// Idempotency keys that are being handled.
    pub in_flight: Arc<InFlight>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What `/openapi.json` says.
    pub document: Arc<Document>,
    /// See there.
    pub options: RouterOptions,
}

impl App {
    fn new(hum: Hum, options: RouterOptions) -> Self {
        let (in_flight, metrics, document) = (Arc::default(), Arc::default(), Arc::default());
        Self(Arc::new(Shared {
            hum,
            in_flight,
            metrics,
            document,
            options,
        }))
    }

    /// The same, with a document.
    fn describing(&self, document: Document) -> Self {
        Self(Arc::new(Shared {
            document: Arc::new(document),
            ..Shared::clone(self)
        }))
    }
}

impl Deref for App {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// Only the address sessions.
pub(crate) fn sessions_only(hum: Hum, options: RouterOptions) -> Router {
    let app = App::new(hum, options);
    finish(Router::new(), &app)
}

/// Only what the carrier calls, for a carrier in the same process.
pub(crate) fn carrier_only(hum: Hum) -> Router {
    carrier::router().with_state(App::new(hum, RouterOptions::default()))
}

pub(crate) fn router(hum: Hum, options: RouterOptions) -> Router {
    let app = App::new(hum, options.clone());
    let (api, document) = api::router(&app);
    let app = app.describing(Document::new(document, openapi::complete));
    let mut routes = Router::new()
        .merge(api)
        .merge(carrier::router())
        .merge(docs::router())
        .merge(health::router());
    if let Some(fake) = options.fake {
        routes = routes.merge(dev::router(app.hum.clone(), fake));
    }
    finish(routes, &app)
}

/// Two stacks, each with its own way of refusing: problems of RFC 9457, and the envelope of the
/// address sessions.
fn finish(routes: Router<App>, app: &App) -> Router {
    let problems = stack(routes.fallback(error::no_such_path), app, |problem| problem);
    let sessions = stack(sessions::router(app), app, sessions::in_envelopes(app));
    let ids = edge::RequestIds::new(&app.hum.entropy().token()[..12]);
    edge::surrounded(problems.merge(sessions), ids, metrics::Watcher(app.clone()))
}

/// Routes that answer whatever happens with an [`error::ApiError`], rendered as their API does.
fn stack(
    routes: Router<App>,
    app: &App,
    render: impl Fn(Response) -> Response + Clone + Send + Sync + 'static,
) -> Router {
    let rescue = edge::Rescue {
        panicked: error::panicked,
        too_late: error::too_late,
    };
    let routes = routes
        .method_not_allowed_fallback(error::no_such_method)
        .with_state(app.clone());
    edge::rescued(routes, app.options.timeout, rescue, render)
}
