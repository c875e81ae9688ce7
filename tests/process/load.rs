//! People who text, and a customer's system that sends: both repeat what was not acknowledged, as
//! the real ones do.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use hum_adapters::telephony::twilio::signature::{self, Algorithm};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep};

use crate::fake_twilio::{ACCOUNT_SID, AUTH_TOKEN};

pub const NUMBER: &str = "+13175550100";
const PEOPLE: usize = 12;
const SYSTEMS: usize = 6;

/// Chance that a seed decides (<https://prng.di.unimi.it/splitmix64.c>).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from `low` to `high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        low + (bits ^ (bits >> 31)) % (high - low + 1)
    }

    pub fn one_in(&mut self, many: u64) -> bool {
        self.between(1, many) == 1
    }
}

/// What was acknowledged.
#[derive(Default)]
pub struct Acknowledged {
    /// Inbound texts that were answered with 200, by sid.
    pub inbound: Vec<String>,
    /// Sends that were answered with 201: the message's id, and its body.
    pub sent: Vec<(String, String)>,
}

/// The load, until it is stopped.
pub struct Load {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<Acknowledged>>,
    tasks: JoinSet<()>,
}

impl Load {
    /// `base` is the server's address; `key` an API key; `number` the id of [`NUMBER`].
    pub fn start(base: &str, key: &str, number: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(Mutex::new(Acknowledged::default()));
        let next = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            .build()
            .expect("a client");
        for worker in 0..PEOPLE + SYSTEMS {
            let (stop, acknowledged, next, client) = (
                stop.clone(),
                acknowledged.clone(),
                next.clone(),
                client.clone(),
            );
            let (base, key, number) = (base.to_owned(), key.to_owned(), number.to_owned());
            tasks.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let lock = || acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
                    if worker < PEOPLE {
                        if let Some(sid) = text_in(&client, &base, index, &stop).await {
                            lock().inbound.push(sid);
                        }
                    } else if let Some(sent) =
                        send(&client, &base, &key, &number, index, &stop).await
                    {
                        lock().sent.push(sent);
                    }
                    sleep(Duration::from_millis(10)).await;
                }
            });
        }
        Self {
            stop,
            acknowledged,
            tasks,
        }
    }

    /// Ends it; answers what was acknowledged until then.
    pub async fn stop(mut self) -> Acknowledged {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("the load does not panic");
        }
        std::mem::take(
            &mut *self
                .acknowledged
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

/// One text in, delivered until it is acknowledged; its sid.
async fn text_in(
    client: &reqwest::Client,
    base: &str,
    index: usize,
    stop: &AtomicBool,
) -> Option<String> {
    let sid = format!("SMf{index:031x}");
    let params: Vec<(String, String)> = [
        ("AccountSid", ACCOUNT_SID),
        ("MessageSid", &sid),
        ("From", &format!("+1463555{:04}", index % 400)),
        ("To", NUMBER),
        ("Body", &format!("Question {index} about the fiber plan")),
        ("NumMedia", "0"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let url = format!("{base}/carrier/twilio/sms");
    let signature = signature::sign(AUTH_TOKEN, &url, &params, Algorithm::HmacSha1);
    let request = || {
        client
            .post(&url)
            .header("x-twilio-signature", &signature)
            .form(&params)
    };
    repeat(request, stop).await.map(|_| sid)
}

/// One send, under one idempotency key until it is acknowledged.
async fn send(
    client: &reqwest::Client,
    base: &str,
    key: &str,
    number: &str,
    index: usize,
    stop: &AtomicBool,
) -> Option<(String, String)> {
    let body = format!("Notice {index}: your installation is tomorrow");
    let json = json!({
        "twilio_number_id": number,
        "contact_e164": format!("+1463556{:04}", index % 400),
        "initial_message": { "body": body },
    });
    let url = format!("{base}/api/sms/conversations");
    let request = || {
        client
            .post(&url)
            .bearer_auth(key)
            .header("idempotency-key", format!("notice-{index}"))
            .json(&json)
    };
    let answer = repeat(request, stop).await?;
    let id = answer["initial_message"]["id"]
        .as_str()
        .expect("an answer names the message");
    Some((id.to_owned(), body))
}

/// Asks until the answer is a success, and while the server is down; `None` when the load was
/// stopped first.
async fn repeat(request: impl Fn() -> reqwest::RequestBuilder, stop: &AtomicBool) -> Option<Value> {
    while !stop.load(Ordering::Relaxed) {
        if let Ok(response) = request().send().await {
            let status = response.status();
            let Ok(text) = response.text().await else {
                continue;
            };
            if status.is_success() {
                return Some(serde_json::from_str(&text).unwrap_or_default());
            }
            assert!(
                status.is_server_error() || matches!(status.as_u16(), 409 | 429),
                "{status}: {text}"
            );
        }
        sleep(Duration::from_millis(15)).await;
    }
    None
}
