use std::{collections::VecDeque, future::Future, pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use futures_util::{FutureExt as _, future::FusedFuture as _, select_biased};
use hum_adapters::telephony::fake::{CarrierRequest, FakeCarrier};
use hum_core::{Hum, clock::Timestamp};
use tower::ServiceExt as _;

use crate::app;

/// How often a webhook that was not taken is delivered again.
const TRIES: u32 = 5;
/// How often the pump looks whether a handset wrote something.
const POLL: Duration = Duration::from_millis(50);

/// Carries the fake carrier's webhooks to hum's own routes: what is signed there is verified here.
#[derive(Clone)]
pub struct Pump {
    hum: Hum,
    fake: Arc<FakeCarrier>,
    routes: Router,
}

/// A webhook that was not taken.
struct Late {
    at: Timestamp,
    tries: u32,
    request: CarrierRequest,
}

impl Pump {
    /// Between this carrier and this application.
    pub fn new(hum: Hum, fake: Arc<FakeCarrier>) -> Self {
        let routes = app::carrier_only(hum.clone());
        Self { hum, fake, routes }
    }

    /// The carrier.
    pub fn carrier(&self) -> &FakeCarrier {
        &self.fake
    }

    /// Delivers whatever is due now; answers how many webhooks were taken.
    pub async fn deliver_due(&self) -> usize {
        let mut taken = 0;
        for request in self.fake.take_due(self.hum.clock().now()) {
            taken += usize::from(self.deliver(&request).await);
        }
        taken
    }

    /// Delivers webhooks when they are due, and those that were not taken again, until `shutdown`
    /// completes.
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) {
        let mut shutdown = pin!(shutdown.fuse());
        let mut late = VecDeque::new();
        while !shutdown.is_terminated() {
            let now = self.hum.clock().now();
            let fresh = self.fake.take_due(now).into_iter().map(|request| Late {
                at: now,
                tries: 0,
                request,
            });
            late.extend(fresh);
            for mut webhook in std::mem::take(&mut late) {
                if webhook.at > now || !self.deliver(&webhook.request).await {
                    if webhook.at <= now {
                        webhook.tries += 1;
                        webhook.at = now + Duration::from_secs(1 << webhook.tries);
                    }
                    if webhook.tries < TRIES {
                        late.push_back(webhook);
                    }
                }
            }
            let next = self
                .fake
                .next_due()
                .map_or(POLL, |at| at.since(self.hum.clock().now()).min(POLL));
            let mut pause = pin!(
                self.hum
                    .clock()
                    .sleep(next.max(Duration::from_millis(1)))
                    .fuse()
            );
            select_biased! {
                () = shutdown => {}
                () = pause => {}
            }
        }
    }

    /// Whether hum took it, or refused it for good.
    async fn deliver(&self, webhook: &CarrierRequest) -> bool {
        let Some(request) = request(webhook, &self.hum.settings().public_url) else {
            return true;
        };
        match self.routes.clone().oneshot(request).await {
            Ok(response) => {
                if response.status() != StatusCode::OK {
                    tracing::warn!(
                        status = response.status().as_u16(),
                        "hum did not take a webhook of the fake carrier"
                    );
                }
                !response.status().is_server_error()
            }
            Err(never) => match never {},
        }
    }
}

/// The request that the carrier would make; `None` when it would go elsewhere.
fn request(webhook: &CarrierRequest, public_url: &str) -> Option<Request<Body>> {
    let path = webhook.form.url.strip_prefix(public_url)?;
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&webhook.form.params)
        .finish();
    Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(
            "x-twilio-signature",
            webhook.form.signature.as_deref().unwrap_or_default(),
        )
        .body(Body::from(form))
        .ok()
}
