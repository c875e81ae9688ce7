//! The state that handlers share, and how the routes come together.

use std::{ops::Deref, sync::Arc};

use axum::{Router, middleware};
use hum_core::Hum;

use crate::{
    RouterOptions, api, carrier, dev, docs, edge, error, extract::InFlight, health, metrics::Metrics, openapi, openapi::Document,
    sessions,
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
    /// How often each token may use the address sessions.
    pub session_limit: sessions::RateLimit,
    /// See there.
    pub options: RouterOptions,
}

impl App {
    fn new(hum: Hum, options: RouterOptions) -> Self {
        let session_limit = sessions::RateLimit::new(&hum, options.session_requests_per_minute);
        let (in_flight, metrics, document) = (Arc::default(), Arc::default(), Arc::default());
        Self(Arc::new(Shared { hum, in_flight, metrics, document, session_limit, options }))
    }

    /// The same, with a document.
    fn describing(&self, document: Document) -> Self {
        Self(Arc::new(Shared { document: Arc::new(document), ..Shared::clone(self) }))
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
    finish(sessions::router(&app), app)
}

/// Only what the carrier calls, for a carrier in the same process.
pub(crate) fn carrier_only(hum: Hum) -> Router {
    carrier::router().with_state(App::new(hum, RouterOptions::default()))
}

pub(crate) fn router(hum: Hum, options: RouterOptions) -> Router {
    let app = App::new(hum, options.clone());
    let (api, document) = api::router(&app);
    let app = app.describing(Document::new(document, openapi::complete));
    let sessions = sessions::router(&app);
    let mut router =
        Router::new().merge(api).merge(sessions).merge(carrier::router()).merge(docs::router()).merge(health::router());
    if let Some(fake) = options.fake {
        router = router.merge(dev::router(app.hum.clone(), fake));
    }
    finish(router, app)
}

/// What surrounds every router.
fn finish(router: Router<App>, app: App) -> Router {
    let edge = Arc::new(edge::Edge::new(&app));
    router
        .fallback(error::no_such_path)
        .method_not_allowed_fallback(error::no_such_method)
        .with_state(app)
        .layer(middleware::from_fn_with_state(edge, edge::around))
}
