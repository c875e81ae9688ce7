//! One tenant's endpoint hangs, with much that waits for it: nobody else notices.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use hum_core::{
    clock::Clock,
    egress::{Egress, EgressAnswer, EgressError, EgressRequest, EgressResponse},
    event::EventKind,
    flow::FlowDefinition,
    idempotency::{Answer, Remember},
    job::QUEUE_AT_MOST,
    organization::KeywordReplies,
    webhook::{NewWebhook, Webhook},
};
use hum_testkit::{
    ports::Ports,
    world::{Tenant, World},
};

const HANGS: &str = "https://hangs.example.test/in";
const ANSWERS: &str = "https://answers.example.test/in";
/// As many as one tenant once delayed another by 45 seconds with.
const TESTS: usize = 192;

/// Endpoints of which one hangs until whoever calls gives up.
#[derive(Clone)]
struct Endpoints {
    clock: Arc<dyn Clock>,
    calls: Calls,
}

impl Endpoints {
    fn remember(&self, url: &str) {
        let now = self.clock.monotonic();
        let mut calls = self.calls.lock().unwrap();
        calls.entry(url.to_owned()).or_default().push(now);
    }
}

/// When each was called, by URL.
type Calls = Arc<Mutex<BTreeMap<String, Vec<Duration>>>>;

#[async_trait]
impl Egress for Endpoints {
    async fn open(&self, request: EgressRequest) -> Result<EgressAnswer, EgressError> {
        self.remember(&request.url);
        if request.url == HANGS {
            self.clock.sleep(request.timeout).await;
            return Err(EgressError::NoAnswer("timed out".into()));
        }
        Ok(EgressResponse {
            status: 200,
            retry_after: None,
            headers: Vec::new(),
            body: Vec::new(),
            truncated: false,
        }
        .into())
    }

    fn check(&self, _: &str) -> Result<(), String> {
        Ok(())
    }
}

struct Neighbours {
    world: World,
    calls: Calls,
    hanging: (Tenant, Webhook),
    healthy: (Tenant, Webhook),
}

impl Neighbours {
    fn new() -> Self {
        let calls = Calls::default();
        let heard = calls.clone();
        let mut world = World::builder()
            .seed(7)
            .ports(move |ports| Ports {
                egress: Arc::new(Endpoints {
                    clock: ports.clock.clone(),
                    calls: heard.clone(),
                }),
                ..ports
            })
            .build();
        let hanging = subscribed(&mut world, 0, HANGS);
        let healthy = subscribed(&mut world, 1, ANSWERS);
        Self {
            world,
            calls,
            hanging,
            healthy,
        }
    }

    fn test(&mut self, (tenant, webhook): &(Tenant, Webhook), times: usize) {
        let (_, hum) = self.world.shared().any_process().unwrap();
        let (caller, id) = (tenant.caller.clone(), webhook.id);
        self.world.block_on(async move {
            for _ in 0..times {
                hum.webhooks()
                    .test(&caller, id, Remember::nothing())
                    .await
                    .unwrap();
            }
        });
    }

    fn called(&self, url: &str) -> Vec<Duration> {
        let calls = self.calls.lock().unwrap();
        calls.get(url).cloned().unwrap_or_default()
    }
}

fn subscribed(world: &mut World, index: u64, url: &str) -> (Tenant, Webhook) {
    let definition = FlowDefinition::named("Agent");
    let tenant = world.set_up_tenant(index, definition, KeywordReplies::Carrier);
    let (_, hum) = world.shared().any_process().unwrap();
    let (caller, url) = (tenant.caller.clone(), url.to_owned());
    let created = world.block_on(async move {
        let new = NewWebhook {
            url,
            description: String::new(),
            events: [EventKind::SmsReceived].into(),
            headers: BTreeMap::new(),
        };
        hum.webhooks()
            .create(&caller, new, Remember::nothing())
            .await
            .unwrap()
    });
    match created {
        Answer::Fresh(created) => (tenant, created.webhook),
        Answer::Replayed { .. } => panic!("nothing to replay"),
    }
}

#[test]
fn a_hanging_endpoint_delays_no_other_tenant() {
    let mut world = Neighbours::new();
    let (hanging, healthy) = (world.hanging.clone(), world.healthy.clone());
    world.test(&hanging, TESTS);
    assert_eq!(
        world.called(HANGS).len(),
        QUEUE_AT_MOST,
        "its share, and no more"
    );
    let began = world.world.shared().clock().monotonic();
    world.test(&healthy, 1);
    let delay = world.called(ANSWERS)[0].saturating_sub(began);
    assert!(delay <= Duration::from_millis(500), "after {delay:?}");
    // Whatever waits for the endpoint that hangs gets its try nonetheless.
    world.world.run_until(began + Duration::from_secs(120));
    assert!(world.called(HANGS).len() >= TESTS);
}
