//! hum inside another axum service: its router below `/hum`, its workers beside your own tasks.
//!
//! `cargo run -p hum-examples --example embed_in_axum`

#![forbid(unsafe_code)]

use std::{error::Error, sync::Arc, time::Duration};

use axum::{Router, routing::get};
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
    access::{Caller, KeyMode, NewApiKey, Role},
    idempotency::{Answer, Remember},
    organization::NewOrganization,
};
use hum_http::{RouterOptions, dev::Pump};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    // The public address ends with the prefix below which the router is nested: it is what the
    // carrier calls and signs.
    let public_url = format!("http://{}/hum", listener.local_addr()?);
    let config = FakeConfig {
        public_url: public_url.clone(),
        ..FakeConfig::default()
    };
    let carrier = Arc::new(FakeCarrier::new(
        Arc::new(SystemClock::new()),
        Arc::new(SystemEntropy),
        config,
    ));
    let settings = Settings {
        public_url: public_url.clone(),
        default_account: Some(carrier.credentials()),
        ..Settings::default()
    };
    let hum = Hum::builder()
        .storage(SqliteStore::in_memory()?)
        .carrier(carrier.clone())
        .language_model(Scripted)
        .egress(GuardedEgress::new(EgressPolicy::parse("")?)?)
        .cipher(KeyFileCipher::from_key([42; 32], Arc::new(SystemEntropy)))
        .clock(SystemClock::new())
        .entropy(SystemEntropy)
        .live_bus(InProcessBus::new())
        .settings(settings)
        .build()?;

    // Your service, with hum in it.
    let options = RouterOptions {
        fake: Some(carrier.clone()),
        ..RouterOptions::default()
    };
    let service = Router::new()
        .route("/", get(|| async { "your own page" }))
        .nest("/hum", hum_http::router_with(hum.clone(), options));
    tokio::spawn(async move { axum::serve(listener, service).await });
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let until_stopped = move || {
        let mut stopped = stopped.clone();
        async move { drop(stopped.wait_for(|stopped| *stopped).await) }
    };
    let workers = tokio::spawn({
        let (hum, stopped) = (hum.clone(), until_stopped());
        async move { hum.workers().run(stopped).await }
    });
    let pump = tokio::spawn({
        let (pump, stopped) = (Pump::new(hum.clone(), carrier), until_stopped());
        async move { pump.run(stopped).await }
    });

    // A tenant and its key; everything else goes over HTTP.
    let organization = hum
        .organizations()
        .create(NewOrganization {
            slug: "acme".into(),
            name: "Acme".into(),
        })
        .await?;
    let key = NewApiKey {
        name: "example".into(),
        role: Role::Admin,
        scopes: vec!["*".into()],
        mode: KeyMode::Test,
    };
    let Answer::Fresh(created) = hum
        .api_keys()
        .create(&Caller::system(organization.id), key, Remember::nothing())
        .await?
    else {
        unreachable!()
    };
    let http = reqwest::Client::new();
    let post = async |path: &str, body: Value| -> Result<Value, reqwest::Error> {
        let request = http
            .post(format!("{public_url}{path}"))
            .bearer_auth(created.secret.reveal())
            .json(&body);
        request.send().await?.error_for_status()?.json().await
    };
    let flow = json!({ "name": "Front desk", "channel": "sms", "trigger_type": "message", "sms_config_json": { "debounce_ms": 100 } });
    let flow = post("/api/flows", flow).await?;
    post(
        "/api/numbers",
        json!({ "e164": "+15550001000", "sms_flow_id": flow["id"] }),
    )
    .await?;

    // Text it from a handset of the fake carrier, and wait for the reply.
    post(
        "/dev/handset/+13175550100/messages",
        json!({ "to": "+15550001000", "body": "Hello! Are you open today?" }),
    )
    .await?;
    let reply = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            let handset = http
                .get(format!("{public_url}/dev/handset/+13175550100"))
                .send()
                .await?;
            match handset.json::<Value>().await?["data"][1]["body"].as_str() {
                Some(body) => return Ok::<_, reqwest::Error>(body.to_owned()),
                None => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    });
    println!("reply: {}", reply.await??);

    let _ = stop.send(true);
    workers.await?;
    pump.await?;
    Ok(())
}
