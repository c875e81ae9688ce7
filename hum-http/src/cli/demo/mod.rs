//! `hum demo`: the main job in a few seconds. The code is the real one, the time is not.

mod receiver;
mod timeline;

use std::{sync::Arc, time::Duration};

use hum_adapters::{
    bus::InProcessBus,
    cipher::KeyFileCipher,
    clock::VirtualClock,
    egress::{EgressPolicy, GuardedEgress},
    entropy::SystemEntropy,
    language_model::Scripted,
    storage::SqliteStore,
    telephony::fake::{FakeCarrier, FakeConfig},
};
use hum_core::{
    Hum, Settings,
    access::Caller,
    entropy::Entropy,
    event::EventKind,
    idempotency::{Answer, Remember},
    number::{E164, NewNumber},
    organization::NewOrganization,
    webhook::{Headers, NewWebhook},
};
use hum_http::dev::Pump;

use super::{Failure, welcome};
use receiver::Receiver;
use timeline::Timeline;

const PUBLIC_URL: &str = "http://hum.demo";
const HANDSET: &str = "+13175550100";
/// What the contact writes, and when. The second text makes the agent call a tool.
const TEXTS: [(u64, &str); 2] = [
    (0, "Hi, it's Sam. Is the visit tomorrow still on?"),
    (60, "Yes, I confirm the visit"),
];
/// What must happen, in the words of the timeline.
const MUST_HAPPEN: [&str; 7] = [
    "handset writes",
    "sms.received",
    "tool call report_outcome",
    "agent replies",
    "handset receives",
    "sms.delivered",
    "webhook verified",
];

/// Plays it and checks that every step happened.
pub async fn run() -> Result<(), Failure> {
    let clock = VirtualClock::default();
    let receiver = Receiver::start().await?;
    let fake_config = FakeConfig {
        public_url: PUBLIC_URL.into(),
        ..FakeConfig::default()
    };
    let fake = Arc::new(FakeCarrier::new(
        Arc::new(clock.clone()),
        Arc::new(SystemEntropy),
        fake_config,
    ));
    let hum = assemble(clock.clone(), fake.clone())?;
    let organization = hum
        .organizations()
        .create(NewOrganization {
            slug: "demo".into(),
            name: "Demo".into(),
        })
        .await?;
    let caller = Caller::system(organization.id);
    let flow = welcome::texting_agent(&hum, &caller).await?;
    let number = NewNumber {
        e164: welcome::demo_number()?,
        friendly_name: "Demo".into(),
        sms_flow_id: Some(flow),
        sms_enabled: true,
    };
    hum.numbers()
        .register(&caller, number, Remember::nothing())
        .await?;
    let webhook = NewWebhook {
        url: receiver.url.clone(),
        description: "the customer's endpoint".into(),
        events: EventKind::ALL.iter().copied().collect(),
        headers: Headers::new(),
    };
    if let Answer::Fresh(created) = hum
        .webhooks()
        .create(&caller, webhook, Remember::nothing())
        .await?
    {
        receiver.expect_secret(created.secret);
    }

    println!(
        "An agent answers texts to {}. Virtual time, real code: SQLite in memory, signed webhooks both ways.\n",
        welcome::NUMBER
    );
    let pump = Pump::new(hum.clone(), fake.clone());
    let mut timeline = Timeline::new(&hum, organization.id, handset()?);
    let start = hum.clock().now();
    for (seconds, text) in TEXTS {
        clock.move_to(start + Duration::from_secs(seconds));
        fake.text(handset()?, welcome::demo_number()?, text);
        settle(&hum, &pump, &clock, &receiver, &mut timeline).await?;
    }
    let missing: Vec<&str> = MUST_HAPPEN
        .into_iter()
        .filter(|step| !timeline.has(step))
        .collect();
    if !missing.is_empty() || receiver.forged() > 0 {
        return Err(Failure::new(format!(
            "the demo is incomplete; missing: {}; forged webhooks: {}",
            missing.join(", "),
            receiver.forged()
        )));
    }
    println!("\nEvery step happened. `hum` starts the server; it prints what to try.");
    Ok(())
}

fn handset() -> Result<E164, Failure> {
    HANDSET
        .parse()
        .map_err(|_| Failure::new("the demo's handset has no number"))
}

fn assemble(clock: VirtualClock, fake: Arc<FakeCarrier>) -> Result<Hum, Failure> {
    let entropy: &dyn Entropy = &SystemEntropy;
    let settings = Settings {
        public_url: PUBLIC_URL.into(),
        default_account: Some(fake.credentials()),
        ..Settings::default()
    };
    // The customer's endpoint is on this machine, which is not a public address.
    let policy = EgressPolicy::parse("127.0.0.1").map_err(Failure::new)?;
    Hum::builder()
        .storage(SqliteStore::in_memory()?)
        .clock(clock)
        .entropy(SystemEntropy)
        .live_bus(InProcessBus::new())
        .egress(GuardedEgress::new(policy).map_err(Failure::new)?)
        .cipher(KeyFileCipher::from_key(
            entropy.bytes(),
            Arc::new(SystemEntropy),
        ))
        .language_model(Scripted)
        .carrier(fake)
        .settings(settings)
        .build()
        .map_err(|missing| Failure::new(missing.to_string()))
}

/// Runs jobs and delivers webhooks, skipping the time between them, until nothing is due any more.
async fn settle(
    hum: &Hum,
    pump: &Pump,
    clock: &VirtualClock,
    receiver: &Receiver,
    timeline: &mut Timeline<'_>,
) -> Result<(), Failure> {
    loop {
        loop {
            let worked = hum.workers().run_one().await? | (pump.deliver_due().await > 0);
            timeline.show(pump.carrier(), receiver).await?;
            if !worked {
                break;
            }
        }
        match hum
            .workers()
            .next_due()
            .await?
            .into_iter()
            .chain(pump.carrier().next_due())
            .min()
        {
            Some(at) => clock.move_to(at),
            None => return Ok(()),
        }
    }
}
