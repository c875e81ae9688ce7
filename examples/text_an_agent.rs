//! hum as a library, without HTTP: plug adapters in, take a text from the carrier, let the workers
//! answer it.
//!
//! `cargo run -p hum-examples --example text_an_agent`

#![forbid(unsafe_code)]

use std::{error::Error, sync::Arc, time::Duration};

use hum_adapters::{
    bus::InProcessBus,
    cipher::KeyFileCipher,
    clock::SystemClock,
    egress::{EgressPolicy, GuardedEgress},
    entropy::SystemEntropy,
    language_model::Scripted,
    storage::SqliteStore,
    telephony::fake::{FakeCarrier, FakeConfig},
};
use hum_core::{
    Hum, Settings,
    access::Caller,
    flow::{Channel, FlowDefinition, TriggerType},
    idempotency::{Answer, Remember},
    number::{E164, NewNumber},
    organization::NewOrganization,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A carrier with handsets instead of Twilio; everything else of hum cannot tell the difference.
    let carrier = Arc::new(FakeCarrier::new(
        Arc::new(SystemClock::new()),
        Arc::new(SystemEntropy),
        FakeConfig::default(),
    ));
    let hum = Hum::builder()
        .storage(SqliteStore::in_memory()?)
        .carrier(carrier.clone())
        .language_model(Scripted)
        .egress(GuardedEgress::new(EgressPolicy::parse("")?)?)
        .cipher(KeyFileCipher::from_key([42; 32], Arc::new(SystemEntropy)))
        .clock(SystemClock::new())
        .entropy(SystemEntropy)
        .live_bus(InProcessBus::new())
        .settings(Settings {
            default_account: Some(carrier.credentials()),
            ..Settings::default()
        })
        .build()?;

    // An organization, its agent, its number.
    let organization = hum
        .organizations()
        .create(NewOrganization {
            slug: "acme".into(),
            name: "Acme".into(),
        })
        .await?;
    let caller = Caller::system(organization.id);
    let mut agent = FlowDefinition::named("Front desk");
    agent.channel = Channel::Sms;
    agent.trigger_type = TriggerType::Message;
    agent.sms.debounce_ms = 100;
    let Answer::Fresh(flow) = hum
        .flows()
        .create(&caller, agent, Remember::nothing())
        .await?
    else {
        unreachable!()
    };
    let ours: E164 = "+15550001000".parse()?;
    let number = NewNumber {
        e164: ours.clone(),
        friendly_name: "Acme".into(),
        sms_flow_id: Some(flow.id),
        sms_enabled: true,
    };
    hum.numbers()
        .register(&caller, number, Remember::nothing())
        .await?;

    // The jobs: here one loop; a server has several, in one process or in many.
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let workers = tokio::spawn({
        let hum = hum.clone();
        async move { hum.workers().run(async { drop(stopped.await) }).await }
    });

    // Somebody texts. The carrier's signed webhook is what `receive_sms` takes; when it returns,
    // the text is durable.
    let handset: E164 = "+13175550100".parse()?;
    carrier.text(handset.clone(), ours, "Hello! Are you open today?");
    for webhook in carrier.take_due(hum.clock().now()) {
        println!("webhook: {:?}", hum.sms().receive(&webhook.form).await?);
    }

    let reply = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            match carrier.handset(&handset).get(1) {
                Some(text) => break text.body.clone(),
                None => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    });
    println!("reply: {}", reply.await?);

    let _ = stop.send(());
    workers.await?;
    Ok(())
}
