//! What surrounds routes, whatever they serve: an id, headers, a time limit, a net for panics. What
//! is answered and who watches is handed in.

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
    body::Body,
    error_handling::HandleErrorLayer,
    extract::Request,
    http::{HeaderName, HeaderValue, header},
    response::Response,
};
use tower::{Layer, Service, ServiceBuilder};
use tower_http::{
    catch_panic::CatchPanicLayer,
    request_id::{
        MakeRequestId, PropagateRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer,
    },
    set_header::SetResponseHeaderLayer,
};

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How a stack of routes answers what its handlers could not.
#[derive(Clone, Copy)]
pub(crate) struct Rescue {
    /// A handler panicked.
    pub panicked: fn() -> Response,
    /// A request took longer than it may.
    pub too_late: fn() -> Response,
}

/// Puts a time limit and a net for panics around routes and their fallback. Whatever is answered,
/// rescued or not, goes through `render`.
pub(crate) fn rescued(
    routes: Router,
    timeout: Duration,
    rescue: Rescue,
    render: impl Fn(Response) -> Response + Clone + Send + Sync + 'static,
) -> Router {
    let Rescue { panicked, too_late } = rescue;
    let panicked = move |_: Box<dyn Any + Send>| panicked();
    // tower-http's time limit answers without a body; this one leaves the answer to us.
    let too_late = move |_: BoxError| std::future::ready(too_late());
    routes.layer(
        ServiceBuilder::new()
            .map_response(move |response: Response<_>| render(response.map(Body::new)))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(HandleErrorLayer::new(too_late))
            .timeout(timeout),
    )
}

/// Surrounds everything that is served, so that also what is not there has an id, headers and a
/// watcher. The watcher finds the request's id in the head of the answer.
///
/// The routes are one service within: a layer of each route would be cloned with every request.
pub(crate) fn surrounded<L>(routes: Router, ids: RequestIds, watcher: L) -> Router
where
    L: Layer<PropagateRequestId<Router>>,
    L::Service:
        Service<Request, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    <L::Service as Service<Request>>::Future: Send + 'static,
{
    let within = ServiceBuilder::new()
        .map_request(without_harmful_id)
        .layer(SetRequestIdLayer::new(REQUEST_ID, ids))
        .layer(SetResponseHeaderLayer::overriding(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(SetResponseHeaderLayer::overriding(
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        ))
        .layer(watcher)
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .service(routes);
    Router::new().fallback_service(within)
}

/// A client's own id is kept when it can stand in a log as it is; otherwise the request gets one of
/// ours.
fn without_harmful_id(mut request: Request) -> Request {
    let harmless = |value: &HeaderValue| {
        (1..=64).contains(&value.len())
            && value
                .as_bytes()
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
    };
    if request
        .headers()
        .get(&REQUEST_ID)
        .is_some_and(|value| !harmless(value))
    {
        request.headers_mut().remove(&REQUEST_ID);
    }
    request
}

/// Unlike each other, and unlike those of a process with another prefix.
#[derive(Clone)]
pub(crate) struct RequestIds {
    prefix: Arc<str>,
    next: Arc<AtomicU64>,
}

impl RequestIds {
    pub fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.into(),
            next: Arc::default(),
        }
    }
}

impl MakeRequestId for RequestIds {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        let id = format!(
            "{}-{:x}",
            self.prefix,
            self.next.fetch_add(1, Ordering::Relaxed)
        );
        HeaderValue::try_from(id).ok().map(RequestId::new)
    }
}

#[cfg(test)]
mod tests {
    use axum::{
        body::to_bytes,
        http::StatusCode,
        middleware::{Next, from_fn},
        response::IntoResponse as _,
        routing::get,
    };
    use tower::ServiceExt as _;

    use super::*;

    async fn panics() -> StatusCode {
        panic!("a bug")
    }

    async fn watch(request: Request, next: Next) -> Response {
        let mut response = next.run(request).await;
        assert!(
            response.headers().contains_key(REQUEST_ID),
            "the watcher can name the request"
        );
        response
            .headers_mut()
            .insert("watched", HeaderValue::from_static("yes"));
        response
    }

    /// Two stacks in one router, one of which renders what was rescued.
    fn router() -> Router {
        let rescue = Rescue {
            panicked: || (StatusCode::INTERNAL_SERVER_ERROR, "panicked").into_response(),
            too_late: || (StatusCode::SERVICE_UNAVAILABLE, "too late").into_response(),
        };
        let routes = |prefix: &str| {
            Router::new()
                .route(&format!("{prefix}/panics"), get(panics))
                .route(&format!("{prefix}/hangs"), get(std::future::pending::<()>))
        };
        let limit = Duration::from_millis(20);
        let one = routes("/one")
            .route("/one/kept", get([("cache-control", "max-age=1")]))
            .fallback(async || (StatusCode::NOT_FOUND, "nothing"));
        let one = rescued(one, limit, rescue, |response| response);
        let two = rescued(routes("/two"), limit, rescue, |response| {
            (
                response.status(),
                [("rendered", "yes")],
                response.into_body(),
            )
                .into_response()
        });
        surrounded(one.merge(two), RequestIds::new("prefix"), from_fn(watch))
    }

    #[tokio::test]
    async fn every_answer_is_surrounded_and_rescued_by_its_own_stack() {
        let router = router();
        for (path, status, body, rendered) in [
            ("/one/panics", 500, "panicked", false),
            ("/one/hangs", 503, "too late", false),
            ("/two/panics", 500, "panicked", true),
            ("/two/hangs", 503, "too late", true),
            ("/nothing", 404, "nothing", false),
        ] {
            let response = router
                .clone()
                .oneshot(Request::get(path).body(Body::empty()).unwrap())
                .await
                .unwrap();
            let headers = response.headers().clone();
            assert_eq!(
                (response.status().as_u16(), headers.contains_key("rendered")),
                (status, rendered),
                "{path}"
            );
            assert!(
                headers["x-request-id"]
                    .to_str()
                    .unwrap()
                    .starts_with("prefix-"),
                "{path}"
            );
            for (name, value) in [
                ("watched", "yes"),
                ("cache-control", "no-store"),
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
            ] {
                assert_eq!(headers[name], value, "{path}");
            }
            assert_eq!(
                to_bytes(response.into_body(), 100).await.unwrap(),
                body,
                "{path}"
            );
        }
        let kept = router
            .oneshot(Request::get("/one/kept").body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert_eq!(kept.headers()["cache-control"], "max-age=1");
    }
}
