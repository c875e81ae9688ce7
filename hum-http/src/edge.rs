//! What surrounds routes, whatever they serve: an id, headers, a time limit, a net for panics. What is answered and who
//! watches is handed in.

use std::{
    any::Any,
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    BoxError, Router,
    error_handling::HandleErrorLayer,
    extract::Request,
    http::{HeaderName, HeaderValue, header},
    response::Response,
    routing::Route,
};
use tower::{Layer, Service, ServiceBuilder};
use tower_http::{
    catch_panic::CatchPanicLayer,
    request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    set_header::SetResponseHeaderLayer,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How a stack of routes answers what its handlers could not.
#[derive(Clone, Copy)]
pub(crate) struct Rescue {
    /// A handler panicked.
    pub panicked: fn() -> Response,
    /// A request took longer than it may.
    pub too_late: fn() -> Response,
}

/// Puts a time limit and a net for panics around routes and their fallback. Layers that render what was rescued come
/// around this.
pub(crate) fn rescued(routes: Router, timeout: Duration, rescue: Rescue) -> Router {
    let Rescue { panicked, too_late } = rescue;
    let panicked = move |_: Box<dyn Any + Send>| panicked();
    // tower-http's time limit answers without a body; this one leaves the answer to us.
    let too_late = move |_: BoxError| std::future::ready(too_late());
    routes.layer(
        ServiceBuilder::new().layer(CatchPanicLayer::custom(panicked)).layer(HandleErrorLayer::new(too_late)).timeout(timeout),
    )
}

/// Surrounds everything that is served, so that also what is not there has an id, headers and a watcher. The watcher
/// finds the request's id among its extensions.
pub(crate) fn surrounded<L>(routes: Router, ids: RequestIds, watcher: L) -> Router
where
    L: Layer<Route> + Clone + Send + Sync + 'static,
    L::Service: Service<Request, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    <L::Service as Service<Request>>::Future: Send + 'static,
{
    routes.layer(
        ServiceBuilder::new()
            .map_request(without_harmful_id)
            .layer(SetRequestIdLayer::new(REQUEST_ID, ids))
            .layer(PropagateRequestIdLayer::new(REQUEST_ID))
            .layer(SetResponseHeaderLayer::overriding(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
            .layer(SetResponseHeaderLayer::overriding(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")))
            .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
            .layer(watcher),
    )
}

/// A client's own id is kept when it can stand in a log as it is; otherwise the request gets one of ours.
fn without_harmful_id(mut request: Request) -> Request {
    let harmless = |value: &HeaderValue| {
        (1..=64).contains(&value.len())
            && value.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
    };
    if request.headers().get(&REQUEST_ID).is_some_and(|value| !harmless(value)) {
        request.headers_mut().remove(&REQUEST_ID);
    }
    request
}

/// Unlike each other, and unlike those of a process with another prefix.
#[derive(Clone)]
pub(crate) struct RequestIds {
    prefix: String,
    next: Arc<AtomicU64>,
}

impl RequestIds {
    pub fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), next: Arc::default() }
    }
}

impl MakeRequestId for RequestIds {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        let id = format!("{}-{:x}", self.prefix, self.next.fetch_add(1, Ordering::Relaxed));
        HeaderValue::try_from(id).ok().map(RequestId::new)
    }
}
