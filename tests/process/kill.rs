//! `kill -9` at random moments under load, and a restart on the same database: nothing that was
//! acknowledged is lost, nothing is sent twice, and whatever is in doubt is listed.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use hum_testkit::postgres::TestDatabase;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    fake_twilio::{ACCOUNT_SID, AUTH_TOKEN, FakeTwilio},
    load::{Acknowledged, Dice, Load, NUMBER},
    server::Setup,
};

/// How long after the last start everything in doubt must be listed.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);

// Two runs for each store, with other dice, side by side: each waits half a minute for leases to
// end.

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_by_kills_on_sqlite() {
    run("SQLite", None, 20_261_122, 26, 400).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_by_other_kills_on_sqlite() {
    run("SQLite", None, 20_261_123, 26, 400).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_by_kills_on_postgres() {
    let database = TestDatabase::create().await;
    run("Postgres", Some(database.url.clone()), 20_261_124, 25, 600).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_by_other_kills_on_postgres() {
    let database = TestDatabase::create().await;
    run("Postgres", Some(database.url.clone()), 20_261_125, 25, 600).await;
}

/// A run lives up to `longest` milliseconds after it answers.
async fn run(name: &str, database_url: Option<String>, seed: u64, kills: usize, longest: u64) {
    hum_adapters::install_tls();
    let seed = std::env::var("HUM_KILL_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(seed);
    let kills = std::env::var("HUM_KILLS")
        .ok()
        .and_then(|kills| kills.parse().ok())
        .unwrap_or(kills);
    println!("{name}: {kills} kills, HUM_KILL_SEED={seed}");
    let carrier = FakeTwilio::start(seed).await;
    let setup = Setup::new(
        database_url,
        &[
            ("HUM_CARRIER", "twilio".into()),
            ("HUM_TWILIO_API_URL", format!("http://{}", carrier.address)),
            ("HUM_CARRIER_TIMEOUT_SECONDS", "5".into()),
            ("TWILIO_ACCOUNT_SID", ACCOUNT_SID.into()),
            ("TWILIO_AUTH_TOKEN", AUTH_TOKEN.into()),
        ],
    );
    let (key, number) = prepare(&setup).await;

    let mut dice = Dice::new(seed);
    let mut in_mid_air = 0;
    let mut starting = Vec::new();
    let load = Load::start(&setup.url(""), &key, &number);
    for _ in 0..kills {
        let began = Instant::now();
        let mut server = setup.start();
        if dice.one_in(5) {
            // While it starts.
            sleep(Duration::from_millis(dice.between(5, 100))).await;
        } else {
            setup.ready().await;
            starting.push(began.elapsed());
            sleep(Duration::from_millis(dice.between(20, longest))).await;
        }
        assert!(
            !server.ended(),
            "hum ended by itself:\n{}",
            setup.last_words()
        );
        in_mid_air += usize::from(carrier.seen().in_flight > 0);
        server.kill();
    }
    let server = setup.start();
    setup.ready().await;
    let restarted = Instant::now();
    sleep(Duration::from_secs(1)).await;
    let acknowledged = load.stop().await;
    carrier.calm_down();

    let api = Api {
        client: reqwest::Client::new(),
        base: setup.url(""),
        key,
    };
    api.settled(restarted + SETTLED_WITHIN).await;
    let took = restarted.elapsed();
    // A doubt may end at any moment: what is in doubt among all messages was listed just before.
    let doubtful = api.messages("?status=in_doubt&limit=200").await;
    let messages = api.messages("?limit=200").await;
    println!(
        "{name}: {} texts in and {} sends acknowledged, {in_mid_air} kills while the carrier was being called; the carrier: {:?}; \
         {} messages in doubt, all listed {:.1} s after the last start; a start took {} ms",
        acknowledged.inbound.len(),
        acknowledged.sent.len(),
        carrier.seen(),
        doubtful.len(),
        took.as_secs_f64(),
        starting.iter().sum::<Duration>().as_millis() / starting.len().max(1) as u128,
    );
    check(&acknowledged, &messages, &doubtful, &carrier);
    drop(server);
}

fn check(
    acknowledged: &Acknowledged,
    messages: &[Value],
    doubtful: &[Value],
    carrier: &FakeTwilio,
) {
    assert!(
        acknowledged.inbound.len() > 75 && acknowledged.sent.len() > 30,
        "there was hardly any load"
    );

    // Acknowledged is stored, once.
    let mut inbound: BTreeMap<&str, usize> = BTreeMap::new();
    for message in messages
        .iter()
        .filter(|message| message["direction"] == "inbound")
    {
        *inbound.entry(text(message, "carrier_sid")).or_default() += 1;
    }
    let lost: Vec<&String> = acknowledged
        .inbound
        .iter()
        .filter(|sid| !inbound.contains_key(sid.as_str()))
        .collect();
    assert!(lost.is_empty(), "acknowledged texts were lost: {lost:?}");
    let doubled: Vec<_> = inbound.iter().filter(|(_, count)| **count > 1).collect();
    assert!(doubled.is_empty(), "texts were stored twice: {doubled:?}");
    let outbound: BTreeMap<&str, &Value> = messages
        .iter()
        .filter(|message| message["direction"] == "outbound")
        .map(|message| (text(message, "id"), message))
        .collect();
    let lost: Vec<_> = acknowledged
        .sent
        .iter()
        .filter(|(id, _)| !outbound.contains_key(id.as_str()))
        .collect();
    assert!(lost.is_empty(), "acknowledged sends were lost: {lost:?}");
    let mut intents: BTreeMap<&str, usize> = BTreeMap::new();
    for message in outbound.values() {
        *intents.entry(text(message, "body")).or_default() += 1;
    }
    let doubled: Vec<_> = intents.iter().filter(|(_, count)| **count > 1).collect();
    assert!(
        doubled.is_empty(),
        "one intent became two messages: {doubled:?}"
    );

    // The carrier got no body twice, and none that hum does not know.
    let accepted = carrier.accepted_bodies();
    let doubled: Vec<_> = accepted.iter().filter(|(_, count)| **count > 1).collect();
    assert!(doubled.is_empty(), "texts were sent twice: {doubled:?}");
    let unknown: Vec<_> = accepted
        .keys()
        .filter(|body| !intents.contains_key(body.as_str()))
        .collect();
    assert!(
        unknown.is_empty(),
        "the carrier has texts that hum does not know: {unknown:?}"
    );

    // Whatever the carrier accepted is known as accepted or listed as in doubt; whatever it did not
    // is not called accepted.
    let listed: BTreeSet<&str> = doubtful.iter().map(|message| text(message, "id")).collect();
    for (id, message) in &outbound {
        let (status, body) = (text(message, "status"), text(message, "body"));
        let taken = accepted.contains_key(body);
        let fits = match status {
            "accepted" | "sending" | "sent" | "delivered" => taken,
            "in_doubt" => listed.contains(id),
            "failed" | "withheld" => !taken,
            _ => false,
        };
        assert!(
            fits,
            "{body:?} is {status} ({}), and the carrier {} it",
            message["detail"],
            if taken { "has" } else { "does not have" }
        );
    }
}

fn text<'a>(message: &'a Value, field: &str) -> &'a str {
    message[field].as_str().unwrap_or_default()
}

/// An organization with an agent on [`NUMBER`]; answers an API key and the number's id.
async fn prepare(setup: &Setup) -> (String, String) {
    let organization = setup.run(&["organizations", "create", "kill"]);
    let key = setup.run(&["keys", "create", "--org", &organization, "--role", "admin"]);
    let server = setup.start();
    setup.ready().await;
    let api = Api {
        client: reqwest::Client::new(),
        base: setup.url(""),
        key,
    };
    let agent =
        json!({ "name": "Helper", "channel": "sms", "sms_config_json": { "debounce_ms": 50 } });
    let agent = api.post("/api/flows", &agent).await;
    let number = json!({ "e164": NUMBER, "sms_flow_id": agent["id"] });
    let number = api.post("/api/numbers", &number).await;
    server.kill();
    (api.key, text(&number, "id").to_owned())
}

struct Api {
    client: reqwest::Client,
    base: String,
    key: String,
}

impl Api {
    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = self
            .client
            .post(format!("{}{path}", self.base))
            .bearer_auth(&self.key)
            .json(body);
        let response = request.send().await.expect("the server answers");
        let status = response.status();
        let body = response.text().await.expect("a body");
        assert!(status.is_success(), "{path}: {status} {body}");
        serde_json::from_str(&body).expect("JSON")
    }

    /// Every message, page after page.
    async fn messages(&self, query: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let url = format!("{}/api/sms/messages{query}{cursor}", self.base);
            let response = self
                .client
                .get(url)
                .bearer_auth(&self.key)
                .send()
                .await
                .expect("the server answers");
            let page: Value = response.json().await.expect("JSON");
            all.extend(
                page["data"]
                    .as_array()
                    .unwrap_or_else(|| panic!("no page: {page}"))
                    .iter()
                    .cloned(),
            );
            match page["next_cursor"].as_str() {
                Some(next) => {
                    cursor = format!(
                        "&cursor={}",
                        form_urlencoded::byte_serialize(next.as_bytes()).collect::<String>()
                    )
                }
                None => return all,
            }
        }
    }

    /// Waits until no message is on its way any more.
    async fn settled(&self, deadline: Instant) {
        loop {
            let mut waiting = self.messages("?status=dispatching&limit=200").await;
            waiting.extend(self.messages("?status=queued&limit=200").await);
            let Some(one) = waiting.first() else { return };
            let many = waiting.len();
            assert!(
                Instant::now() < deadline,
                "{many} messages are neither sent nor listed as in doubt, such as {one}"
            );
            sleep(Duration::from_millis(250)).await;
        }
    }
}
