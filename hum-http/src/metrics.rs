//! What is counted, as Prometheus text. Whoever looks sees the store's counts of the last seconds:
//! however many look, the store is asked by one at a time.

use std::{
    convert::Infallible,
    fmt,
    sync::{Arc, OnceLock, atomic::AtomicI64},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::{Request, State},
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::future::BoxFuture;
use hum_core::{Counts, Hum, store::StoreError};
use prometheus_client::{
    encoding::{EncodeLabelSet, prometheus_text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use tokio::sync::Mutex;
use tower::{Layer, Service, util::MapRequestLayer};

use crate::{
    app::App,
    edge::REQUEST_ID,
    error::{ApiError, ErrorCode},
};

/// Ends of buckets, in seconds: from an answer without the store to the default time limit.
const SECONDS: [f64; 15] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// Requests by operation and status: how many, and how long they took.
pub(crate) struct Metrics {
    requests: Family<Labels, Counter>,
    seconds: Family<Labels, Histogram, fn() -> Histogram>,
    registry: Registry,
    /// What the store counted, and when. Held while it counts.
    counted: Mutex<Option<(Duration, Counts)>>,
}

/// How long a count is shown.
const SHOWN: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    operation: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobLabels {
    kind: String,
    state: String,
}

impl Default for Metrics {
    fn default() -> Self {
        let requests = Family::default();
        let seconds =
            Family::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> Histogram);
        let mut registry = Registry::default();
        // The names get their ends, `_total` and `_seconds`, when they are written.
        registry.register(
            "hum_http_requests",
            "Requests by operation and status",
            requests.clone(),
        );
        let help = "Seconds that requests took, by operation and status";
        registry.register_with_unit("hum_http_request", help, Unit::Seconds, seconds.clone());
        Self {
            requests,
            seconds,
            registry,
            counted: Mutex::default(),
        }
    }
}

impl Metrics {
    fn count(&self, operation: &'static str, status: u16, took: Duration) {
        let labels = Labels { operation, status };
        self.requests.get_or_create(&labels).inc();
        self.seconds
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
    }

    /// What the store counts, at most [`SHOWN`] ago.
    async fn counts(&self, hum: &Hum) -> Result<Counts, StoreError> {
        let mut counted = self.counted.lock().await;
        if let Some((at, counts)) = &*counted
            && hum.clock().monotonic().saturating_sub(*at) < SHOWN
        {
            return Ok(counts.clone());
        }
        let counts = hum.system().counts().await?;
        *counted = Some((hum.clock().monotonic(), counts.clone()));
        Ok(counts)
    }

    fn render(&self, counts: Counts) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)?;
        prometheus_text::encode(&mut text, &gauges(counts))?;
        Ok(text)
    }
}

/// What the store counts, in a registry of its own for each look, so that two looks at once do not
/// mix.
fn gauges(counts: Counts) -> Registry {
    let mut registry = Registry::default();
    let one = |value: i64| {
        let gauge = Gauge::<i64, AtomicI64>::default();
        gauge.set(value);
        gauge
    };
    let help = "Messages of which nobody knows whether the carrier has them, counted up to 10000";
    registry.register("hum_messages_in_doubt", help, one(counts.messages_in_doubt));
    let help = "Webhook deliveries that wait or are being tried, counted up to 10000";
    registry.register(
        "hum_deliveries_pending",
        help,
        one(counts.deliveries_pending),
    );
    let jobs = Family::<JobLabels, Gauge>::default();
    for (kind, state, count) in counts.jobs {
        jobs.get_or_create_owned(&JobLabels { kind, state })
            .set(count);
    }
    let help = "Jobs by kind and state, counted up to 10000 of each state";
    registry.register("hum_jobs", help, jobs);
    registry
}

/// Which operation a request is, once somebody knows. It is with the request and not with the
/// response, so that one that panics or takes too long is counted under its name too.
#[derive(Clone, Default)]
struct Operation(Arc<OnceLock<&'static str>>);

/// Says which operation a request is.
pub(crate) fn name(request: &Request, operation: &'static str) {
    if let Some(slot) = request.extensions().get::<Operation>() {
        // The first one who knows is right.
        let _ = slot.0.set(operation);
    }
}

/// Says of every request of a route which operation it is.
pub(crate) fn named(
    operation: &'static str,
) -> MapRequestLayer<impl FnMut(Request) -> Request + Clone> {
    MapRequestLayer::new(move |request: Request| {
        name(&request, operation);
        request
    })
}

/// Counts requests, and says in the log which one failed inside hum.
#[derive(Clone)]
pub(crate) struct Watcher(pub App);

impl<S> Layer<S> for Watcher {
    type Service = Watched<S>;
    fn layer(&self, within: S) -> Watched<S> {
        Watched {
            within,
            app: self.0.clone(),
        }
    }
}

/// A service with a [`Watcher`].
#[derive(Clone)]
pub(crate) struct Watched<S> {
    within: S,
    app: App,
}

impl<S> Service<Request> for Watched<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.within.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let slot = Operation::default();
        request.extensions_mut().insert(slot.clone());
        let (app, started) = (self.app.clone(), self.app.hum.clock().monotonic());
        let answering = self.within.call(request);
        Box::pin(async move {
            let response = answering.await?;
            let took = app.hum.clock().monotonic().saturating_sub(started);
            let (operation, status) = (slot.0.get().copied().unwrap_or("none"), response.status());
            app.metrics.count(operation, status.as_u16(), took);
            if status == ErrorCode::Internal.status() {
                let id = response.headers().get(REQUEST_ID);
                tracing::error!(request = ?id, operation, "a request failed inside hum");
            }
            Ok(response)
        })
    }
}

pub(crate) async fn show(State(app): State<App>) -> Result<Response, ApiError> {
    let counts = app.metrics.counts(&app.hum).await?;
    let text = app
        .metrics
        .render(counts)
        .map_err(|error| ApiError::new(ErrorCode::Internal, error.to_string()))?;
    Ok((
        [(header::CONTENT_TYPE, prometheus_text::CONTENT_TYPE)],
        text,
    )
        .into_response())
}
