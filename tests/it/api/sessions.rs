//! Address sessions: each status of the API, and what a session may never do.

use std::{sync::Arc, time::Duration};

use axum::{body::Body, http::Method};
use hum_adapters::{
    bus::InProcessBus, cipher::KeyFileCipher, clock::VirtualClock, entropy::SystemEntropy,
    storage::SqliteStore,
};
use hum_core::{
    Hum, Settings,
    access::{Caller, KeyMode, NewApiKey, Role},
    address::{Address, AddressInput},
    geocode::{Coordinates, Geocoder, Geocoding, Reach, SourceError},
    idempotency::{Answer, Remember},
    organization::NewOrganization,
};
use hum_http::RouterOptions;
use hum_testkit::fake::sources::{FixedBroadbandMap, FixedGeocoder, candidate};
use serde_json::{Value, json};

use crate::support::{Actor, Reply, Sources, TestApp, on_both_stores};

on_both_stores!(
    a_session_lives_until_it_is_closed,
    a_session_expires_after_half_an_hour_without_use,
    each_combination_of_components_is_enough,
    sessions_are_listed_without_their_tokens,
    another_organization_cannot_use_a_token,
    remote_sources_are_asked_in_a_job,
    the_same_key_opens_one_session,
);

const HALF_AN_HOUR: Duration = Duration::from_secs(30 * 60);

fn tiffany() -> Value {
    json!({ "street1": "29090 Tiffany Drive E", "city": "Southfield", "state": "MI", "zip": "48034" })
}

fn token(created: &Value) -> String {
    created["meta"]["session_token"]
        .as_str()
        .expect("a token")
        .to_owned()
}

/// A refusal in this API's envelope.
#[track_caller]
fn refused(reply: Reply, status: u16, code: &str) -> Value {
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let body = reply.expect(status);
    assert_eq!(
        (&body["request_status"], &body["data"]["code"]),
        (&json!("error"), &json!(code)),
        "{body}"
    );
    assert!(
        body["message"]
            .as_str()
            .is_some_and(|message| message.ends_with('.')),
        "{body}"
    );
    assert!(body["meta"]["responded_at"].is_string(), "{body}");
    body
}

async fn a_session_lives_until_it_is_closed(app: TestApp) {
    let reply = app.operator.post("/sessions", tiffany()).await;
    assert!(reply.header("ratelimit").is_some());
    assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
    let created = reply.expect(201);
    assert_eq!(created["message"], "Session created successfully.");
    assert_eq!(created["request_status"], "ok");
    let meta = &created["meta"];
    assert_eq!(meta["session_status"], "open");
    assert_eq!(
        meta["agent_status"],
        json!({ "geocoding": "matched", "internet": "matched", "checkout": "pending" })
    );
    assert_eq!(
        meta["service_address"],
        "29090 TIFFANY DR E, SOUTHFIELD, MI 48034"
    );
    assert_eq!(meta["session_params"]["street1"], "29090 Tiffany Drive E");
    assert_eq!(meta["session_params"]["street2"], Value::Null);
    assert_eq!(meta["hum_data_set"], "fixed-1");
    assert_eq!(meta["location"]["precision"], "rooftop");
    let provider = &created["data"][0];
    assert_eq!(provider["provider_name"], "Example Fiber");
    assert_eq!(provider["offerings"][0]["technology"], "Fiber");
    assert_eq!(
        provider["min_plan_price"],
        json!({ "amount_cents": 5000, "currency": "USD" })
    );
    assert_eq!(
        provider["product_catalog"][0]["products"][0]["download_speed"],
        "1000"
    );
    assert_eq!(provider["evidence"]["confidence"], "confirmed");

    let token = token(&created);
    assert!(token.len() >= 22 && token.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let shown = app
        .viewer
        .get(&format!("/sessions/{token}"))
        .await
        .expect(200);
    assert_eq!(
        shown["data"],
        json!({ "service_address": "29090 TIFFANY DR E, SOUTHFIELD, MI 48034" })
    );
    assert_eq!(shown["meta"]["created_at"], meta["created_at"]);
    let internet = app
        .viewer
        .get(&format!("/sessions/{token}/services/internet"))
        .await
        .expect(200);
    assert_eq!(
        internet["message"],
        "Service coverage for 29090 TIFFANY DR E, SOUTHFIELD, MI 48034"
    );
    assert_eq!(internet["data"], created["data"]);

    let closed = app
        .operator
        .delete(&format!("/sessions/{token}"))
        .await
        .expect(200);
    assert_eq!(
        (&closed["data"], &closed["meta"]["session_status"]),
        (&json!({}), &json!("closed"))
    );
    for path in [
        format!("/sessions/{token}"),
        format!("/sessions/{token}/services/internet"),
    ] {
        refused(app.viewer.get(&path).await, 410, "gone");
    }
    refused(
        app.operator.delete(&format!("/sessions/{token}")).await,
        410,
        "gone",
    );
    let kept = app.viewer.get("/api/address-sessions").await.expect(200)["data"][0].clone();
    assert_eq!(
        (&kept["session_status"], &kept["providers"]),
        (&json!("closed"), &json!([])),
        "what was found is deleted"
    );
}

async fn a_session_expires_after_half_an_hour_without_use(app: TestApp) {
    let token = token(&app.operator.post("/sessions", tiffany()).await.expect(201));
    let path = format!("/sessions/{token}");
    for _ in 0..3 {
        app.pass(HALF_AN_HOUR - Duration::from_millis(1)).await;
        app.viewer.get(&path).await.expect(200);
    }
    app.pass(HALF_AN_HOUR - Duration::from_millis(1)).await;
    app.viewer
        .get(&format!("{path}/services/internet"))
        .await
        .expect(200);
    app.pass(HALF_AN_HOUR).await;
    refused(app.viewer.get(&path).await, 410, "gone");
    refused(app.operator.delete(&path).await, 410, "gone");
    assert_eq!(
        app.viewer.get("/api/address-sessions").await.expect(200)["data"][0]["session_status"],
        "expired"
    );
}

async fn each_combination_of_components_is_enough(app: TestApp) {
    let street = "29090 Tiffany Drive E";
    for body in [
        json!({ "street1": street, "zip": "48034" }),
        json!({ "street1": street, "city": "Southfield", "state": "MI" }),
        json!({ "street1": street, "city": "Southfield", "zip": "48034-1234" }),
        json!({ "street1": street, "city": "Southfield", "state": "MI", "zip": "48034", "street2": "A2", "campaign_id": "c",
                "latitude": 42.501721339274, "longitude": -83.286263465881 }),
        // What older clients send: a number, fields of long ago, null for nothing.
        json!({ "street1": street, "zip": 48034, "sync": ["geocode", "internet"], "street2": null, "anything": { "else": [1] } }),
    ] {
        let created = app
            .operator
            .post("/sessions", body.clone())
            .await
            .expect(201);
        assert_eq!(
            created["meta"]["agent_status"]["internet"], "matched",
            "{body}"
        );
        let zip = &created["meta"]["session_params"]["zip"];
        assert!(zip.is_string() || zip.is_null(), "{body}");
    }
    let leading_zero = app
        .operator
        .post(
            "/sessions",
            json!({ "street1": "1 Beacon St", "zip": 2108 }),
        )
        .await
        .expect(201);
    assert_eq!(leading_zero["meta"]["session_params"]["zip"], "02108");
}

async fn sessions_are_listed_without_their_tokens(app: TestApp) {
    let mut tokens = Vec::new();
    for campaign in ["spring", "summer", "spring"] {
        let mut body = tiffany();
        body["campaign_id"] = campaign.into();
        let created = app.operator.post("/sessions", body).await.expect(201);
        assert_eq!(created["meta"]["session_params"]["campaign_id"], campaign);
        tokens.push(token(&created));
    }
    let all = app
        .viewer
        .get("/api/address-sessions?limit=2")
        .await
        .expect(200);
    assert_eq!(all["data"].as_array().unwrap().len(), 2);
    let path = format!(
        "/api/address-sessions?limit=2&cursor={}",
        all["next_cursor"].as_str().unwrap()
    );
    assert_eq!(
        app.viewer.get(&path).await.expect(200)["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let spring = app
        .viewer
        .get("/api/address-sessions?campaign_id=spring")
        .await;
    assert!(tokens.iter().all(|token| !spring.text.contains(token)));
    let spring = spring.expect(200);
    let campaigns: Vec<&Value> = spring["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["campaign_id"])
        .collect();
    assert_eq!(campaigns, ["spring", "spring"]);
    let one = app
        .viewer
        .get(&format!(
            "/api/address-sessions/{}",
            spring["data"][0]["id"].as_str().unwrap()
        ))
        .await;
    assert_eq!(one.expect(200), spring["data"][0]);
    assert_eq!(
        app.foreigner.get("/api/address-sessions").await.expect(200)["data"],
        json!([])
    );
    app.viewer
        .get("/api/address-sessions?state=open")
        .await
        .problem(422, "invalid");
}

async fn another_organization_cannot_use_a_token(app: TestApp) {
    let token = token(&app.operator.post("/sessions", tiffany()).await.expect(201));
    let unused = "0".repeat(token.len());
    for (method, rest) in [
        (Method::GET, ""),
        (Method::GET, "/services/internet"),
        (Method::DELETE, ""),
    ] {
        let mut answers = Vec::new();
        for name in [token.as_str(), &unused, "x", "%00", "%ff", "..%2f"] {
            let path = format!("/sessions/{name}{rest}");
            answers.push(refused(
                app.foreigner
                    .call(method.clone(), &path, &[], Body::empty())
                    .await,
                410,
                "gone",
            ));
        }
        answers.dedup();
        assert_eq!(
            answers.len(),
            1,
            "nobody learns whether there is such a session"
        );
    }
    app.viewer
        .get(&format!("/sessions/{token}"))
        .await
        .expect(200);
}

async fn remote_sources_are_asked_in_a_job(app: TestApp) {
    drop(app);
    let sources = Sources {
        geocoder: FixedGeocoder::default().remote(),
        ..Sources::default()
    };
    let app = TestApp::with_sources(sources).await;
    let created = app.operator.post("/sessions", tiffany()).await.expect(201);
    assert_eq!(
        created["meta"]["agent_status"],
        json!({ "geocoding": "pending", "internet": "pending", "checkout": "pending" })
    );
    assert_eq!(
        (&created["data"], &created["meta"]["service_address"]),
        (&json!([]), &Value::Null)
    );
    let path = format!("/sessions/{}", token(&created));
    app.viewer.get(&path).await.expect(202);
    app.viewer
        .get(&format!("{path}/services/internet"))
        .await
        .expect(202);
    app.pass(Duration::from_secs(1)).await;
    assert_eq!(
        app.viewer.get(&path).await.expect(200)["meta"]["agent_status"]["internet"],
        "matched"
    );
    assert_eq!(
        app.viewer
            .get(&format!("{path}/services/internet"))
            .await
            .expect(200)["data"][0]["provider_name"],
        "Example Fiber"
    );
    // The answer is kept: the same address needs no job any more.
    let again = app.operator.post("/sessions", tiffany()).await.expect(201);
    assert_eq!(again["meta"]["agent_status"]["internet"], "matched");
    // Whoever closed a session wants nothing of it to be found.
    let other = json!({ "street1": "1 Main St", "zip": "48034" });
    app.pass(Duration::from_secs(1)).await;
    let closed = token(&app.operator.post("/sessions", other).await.expect(201));
    app.operator
        .delete(&format!("/sessions/{closed}"))
        .await
        .expect(200);
    app.pass(Duration::from_secs(1)).await;
    assert_eq!(
        app.viewer
            .get("/api/address-sessions?limit=1")
            .await
            .expect(200)["data"][0]["service_address"],
        Value::Null
    );
}

async fn the_same_key_opens_one_session(app: TestApp) {
    let first = app
        .operator
        .post_once("k", "/sessions", tiffany())
        .await
        .expect(201);
    let again = app.operator.post_once("k", "/sessions", tiffany()).await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.expect(201), first);
    let other = json!({ "street1": "1 Main St", "zip": "48034" });
    refused(
        app.operator.post_once("k", "/sessions", other).await,
        422,
        "idempotency_mismatch",
    );
    assert_eq!(
        app.viewer.get("/api/address-sessions").await.expect(200)["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    app.pass(Duration::from_secs(72 * 3600)).await;
    refused(
        app.operator.post_once("k", "/sessions", tiffany()).await,
        409,
        "conflict",
    );
}

#[tokio::test]
async fn every_component_that_cannot_be_used_is_named() {
    let app = TestApp::on_sqlite().await;
    let long = "x".repeat(101);
    for (body, fields) in [
        (json!({}), &["street1"][..]),
        (json!({ "street1": "1 Main St" }), &["zip"]),
        (
            json!({ "street1": "1 Main St", "zip": "4803", "state": "Michigan", "city": "" }),
            &["city", "state", "zip"],
        ),
        (
            json!({ "street1": long, "street2": long, "city": long, "state": "ZZ", "zip": "480341" }),
            &["city", "state", "street1", "street2", "zip"],
        ),
        (
            json!({ "street1": 7, "zip": true, "latitude": "north", "campaign_id": {} }),
            &["campaign_id", "latitude", "street1", "zip"],
        ),
        (
            json!({ "street1": "1 Main St", "zip": "48034", "latitude": 91, "longitude": -181 }),
            &["latitude", "longitude"],
        ),
        (
            json!({ "street1": "1 Main St", "zip": "48034", "latitude": 42.5 }),
            &["longitude"],
        ),
        (
            json!({ "street1": "1 Main St", "zip": "48034", "campaign_id": "" }),
            &["campaign_id"],
        ),
        (
            json!({ "street1": "PO Box 11", "zip": "48034" }),
            &["street1"],
        ),
        (
            json!({ "street1": "1 Main\u{0} St", "zip": "48034" }),
            &["street1"],
        ),
        (json!({ "street1": "1 Main St", "zip": 480340 }), &["zip"]),
    ] {
        let answer = refused(
            app.operator.post("/sessions", body.clone()).await,
            422,
            "invalid",
        );
        let mut named: Vec<&str> = answer["data"]["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["field"].as_str().unwrap())
            .collect();
        named.sort_unstable();
        named.dedup();
        // When the combination is incomplete, what would complete it may be named too.
        for field in fields {
            assert!(named.contains(field), "{body}: {field} is not in {answer}");
        }
        assert!(
            named.len() == fields.len() || body["zip"].is_null(),
            "{body}: {answer}"
        );
    }
    assert_eq!(
        app.viewer.get("/api/address-sessions").await.expect(200)["data"],
        json!([])
    );
}

#[tokio::test]
async fn what_is_not_a_request_is_refused_in_the_envelope() {
    let app = TestApp::on_sqlite().await;
    let json = [("content-type", "application/json")];
    refused(
        app.operator
            .call(Method::POST, "/sessions", &json, Body::from("{"))
            .await,
        400,
        "invalid_json",
    );
    refused(
        app.operator
            .call(Method::POST, "/sessions", &json, Body::from("[]"))
            .await,
        422,
        "invalid",
    );
    refused(
        app.operator
            .call(
                Method::POST,
                "/sessions",
                &[("content-type", "text/plain")],
                Body::from("{}"),
            )
            .await,
        415,
        "unsupported_media_type",
    );
    let huge = format!("{{\"street1\":\"{}\"}}", "x".repeat(1_100_000));
    refused(
        app.operator
            .call(Method::POST, "/sessions", &json, Body::from(huge))
            .await,
        413,
        "body_too_large",
    );
    refused(
        app.operator.put("/sessions", json!({})).await,
        405,
        "method_not_allowed",
    );
    refused(app.operator.get("/sessions/a/b/c").await, 404, "not_found");
    for path in ["/sessions/abc", "/ping", "/sessions/abc/services/internet"] {
        let reply = app.stranger.get(path).await;
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        refused(reply, 401, "api_key_required");
    }
    refused(
        app.viewer.post("/sessions", tiffany()).await,
        403,
        "forbidden",
    );
    let narrow = app.actor(Role::Admin, &["sms:write"]).await;
    refused(
        narrow.post("/sessions", tiffany()).await,
        403,
        "insufficient_scope",
    );
    let enough = app.actor(Role::Operator, &["sessions"]).await;
    enough.post("/sessions", tiffany()).await.expect(201);
    let head = app
        .viewer
        .call(Method::HEAD, "/sessions/abc", &[], Body::empty())
        .await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (410, ""));
}

#[tokio::test]
async fn ping_says_that_the_token_is_good() {
    let app = TestApp::on_sqlite().await;
    let pong = app.viewer.get("/ping").await.expect(200);
    assert_eq!(pong["message"], "🎤 We're humming along!");
    assert_eq!(
        (&pong["request_status"], &pong["data"]),
        (&json!("ok"), &json!({}))
    );
    assert!(pong["timestamp"].is_string() && pong.get("meta").is_none());
}

#[tokio::test]
async fn a_token_has_a_quota() {
    let app = TestApp::with_sources(Sources {
        requests_per_minute: 3,
        ..Sources::default()
    })
    .await;
    for left in [2, 1, 0] {
        let reply = app.operator.get("/ping").await;
        assert_eq!(
            reply.header("ratelimit-policy"),
            Some("\"sessions\";q=3;w=60")
        );
        assert_eq!(
            reply.header("ratelimit").unwrap().split(";t=").next(),
            Some(format!("\"sessions\";r={left}").as_str())
        );
        reply.expect(200);
    }
    let over = app.operator.post("/sessions", tiffany()).await;
    assert_eq!(over.header("retry-after"), Some("20"));
    assert!(
        over.header("ratelimit")
            .is_some_and(|left| left.starts_with("\"sessions\";r=0;"))
    );
    refused(over, 429, "rate_limited");
    app.viewer.get("/ping").await.expect(200);
    app.pass(Duration::from_secs(20)).await;
    app.operator.get("/ping").await.expect(200);
    refused(app.operator.get("/ping").await, 429, "rate_limited");
}

#[tokio::test]
async fn a_source_that_fails_makes_the_answer_poorer_and_not_an_error() {
    let down = |name: &str| SourceError::Unavailable {
        source_name: name.into(),
        detail: "no answer".into(),
    };
    let sources = Sources {
        geocoder: FixedGeocoder::default().fail("1 MAIN ST", down("the census")),
        ..Sources::default()
    };
    let app = TestApp::with_sources(sources).await;
    let created = app
        .operator
        .post(
            "/sessions",
            json!({ "street1": "1 Main St", "zip": "48034" }),
        )
        .await
        .expect(201);
    assert_eq!(
        (&created["request_status"], &created["data"]),
        (&json!("warning"), &json!([]))
    );
    assert_eq!(
        created["meta"]["agent_status"],
        json!({ "geocoding": "failed", "internet": "failed", "checkout": "pending" })
    );
    assert_eq!(
        created["meta"]["problems"],
        json!(["the census is unavailable: no answer"])
    );

    let sources = Sources {
        map: FixedBroadbandMap::default().fail(down("the map")),
        ..Sources::default()
    };
    let app = TestApp::with_sources(sources).await;
    let created = app.operator.post("/sessions", tiffany()).await.expect(201);
    assert_eq!(created["request_status"], "warning");
    assert_eq!(created["meta"]["agent_status"]["geocoding"], "matched");
    assert_eq!(created["meta"]["agent_status"]["internet"], "failed");
    let internet = app
        .viewer
        .get(&format!("/sessions/{}/services/internet", token(&created)))
        .await
        .expect(200);
    assert_eq!(
        (&internet["request_status"], &internet["data"]),
        (&json!("warning"), &json!([]))
    );
}

#[tokio::test]
async fn a_remote_source_that_fails_is_asked_three_times() {
    let down = SourceError::Unavailable {
        source_name: "the census".into(),
        detail: "no answer".into(),
    };
    let geocoder = FixedGeocoder::default()
        .remote()
        .fail("29090 TIFFANY DR E", down);
    let app = TestApp::with_sources(Sources {
        geocoder,
        ..Sources::default()
    })
    .await;
    let path = format!(
        "/sessions/{}",
        token(&app.operator.post("/sessions", tiffany()).await.expect(201))
    );
    app.pass(Duration::from_secs(3)).await;
    app.viewer.get(&path).await.expect(202);
    app.pass(Duration::from_secs(10)).await;
    let failed = app.viewer.get(&path).await.expect(200);
    assert_eq!(
        (
            &failed["request_status"],
            &failed["meta"]["agent_status"]["geocoding"]
        ),
        (&json!("warning"), &json!("failed"))
    );
}

/// No carrier, no model, no way out; and a key.
async fn without_carrier(geocoder: Arc<dyn Geocoder>, wait: Duration) -> (Hum, String) {
    let hum = Hum::builder()
        .storage(SqliteStore::in_memory().unwrap())
        .clock(VirtualClock::default())
        .entropy(SystemEntropy)
        .live_bus(InProcessBus::new())
        .cipher(KeyFileCipher::from_key([7; 32], Arc::new(SystemEntropy)))
        .geocoder(geocoder)
        .broadband_map(FixedBroadbandMap::default())
        .settings(Settings {
            session_wait: wait,
            ..Settings::default()
        })
        .build()
        .unwrap();
    let org = hum
        .organizations()
        .create(NewOrganization {
            slug: "acme".into(),
            name: "Acme".into(),
        })
        .await
        .unwrap()
        .id;
    let new = NewApiKey {
        name: "k".into(),
        role: Role::Operator,
        scopes: vec!["sessions".into()],
        mode: KeyMode::Live,
    };
    let Answer::Fresh(key) = hum
        .api_keys()
        .create(&Caller::system(org), new, Remember::nothing())
        .await
        .unwrap()
    else {
        panic!()
    };
    (hum, key.secret.reveal().to_owned())
}

/// Only the address sessions, in somebody else's service.
#[tokio::test]
async fn they_can_be_embedded_alone() {
    let (hum, key) =
        without_carrier(Arc::new(FixedGeocoder::default().remote()), Duration::ZERO).await;
    let somebody = Actor::new(
        hum_http::sessions_router(hum, RouterOptions::default()),
        Some(key),
    );
    let created = somebody.post("/sessions", tiffany()).await.expect(201);
    somebody
        .get(&format!("/sessions/{}", token(&created)))
        .await
        .expect(202);
    somebody.get("/sessions/openapi.json").await.expect(200);
    somebody.get("/api/me").await.problem(404, "not_found");
}

/// A geocoder with a bug.
struct Panics;

#[async_trait::async_trait]
impl Geocoder for Panics {
    fn reach(&self) -> Reach {
        Reach::Local
    }

    async fn geocode(&self, _: &Address, _: Option<Coordinates>) -> Result<Geocoding, SourceError> {
        panic!("a bug")
    }
}

#[tokio::test]
async fn a_panic_and_a_time_limit_are_answered_in_the_envelope_and_counted() {
    let options = || RouterOptions {
        timeout: Duration::from_millis(100),
        ..RouterOptions::default()
    };
    let (hum, key) = without_carrier(Arc::new(Panics), Duration::ZERO).await;
    let somebody = Actor::new(hum_http::router_with(hum, options()), Some(key));
    let bug = somebody.post("/sessions", tiffany()).await;
    assert!(bug.header("x-request-id").is_some());
    assert_eq!(
        (bug.header("cache-control"), bug.header("referrer-policy")),
        (Some("no-store"), Some("no-referrer"))
    );
    refused(bug, 500, "internal");
    let metrics = somebody.get("/metrics").await.text;
    assert!(
        metrics.contains("hum_http_requests_total{operation=\"createSession\",status=\"500\"} 1\n"),
        "{metrics}"
    );

    // This clock stands still, so whoever waits for the agents waits too long.
    let (hum, key) = without_carrier(
        Arc::new(FixedGeocoder::default().remote()),
        Duration::from_secs(2),
    )
    .await;
    let somebody = Actor::new(hum_http::router_with(hum, options()), Some(key));
    let late = somebody.post("/sessions", tiffany()).await;
    assert_eq!(
        (late.header("retry-after"), late.header("cache-control")),
        (Some("1"), Some("no-store"))
    );
    refused(late, 503, "timeout");
    let metrics = somebody.get("/metrics").await.text;
    assert!(
        metrics.contains("hum_http_requests_total{operation=\"createSession\",status=\"503\"} 1\n"),
        "{metrics}"
    );
}

#[tokio::test]
async fn several_matches_are_shown_and_none_is_taken() {
    let place = |street: &str| {
        let input = AddressInput {
            street1: street.into(),
            zip: Some("48034".into()),
            ..AddressInput::default()
        };
        candidate(&hum_core::address::normalize(&input).unwrap(), None)
    };
    let two = Geocoding {
        candidates: vec![place("1 N Main St"), place("1 S Main St")],
        problems: Vec::new(),
    };
    let sources = Sources {
        geocoder: FixedGeocoder::default().answer("1 MAIN ST", two),
        ..Sources::default()
    };
    let app = TestApp::with_sources(sources).await;
    let created = app
        .operator
        .post(
            "/sessions",
            json!({ "street1": "1 Main St", "zip": "48034" }),
        )
        .await
        .expect(201);
    assert_eq!(
        (&created["request_status"], &created["data"]),
        (&json!("warning"), &json!([]))
    );
    assert_eq!(
        created["meta"]["agent_status"],
        json!({ "geocoding": "multiple", "internet": "failed", "checkout": "pending" })
    );
    assert_eq!(
        created["meta"]["candidates"],
        json!(["1 N MAIN ST, 48034", "1 S MAIN ST, 48034"])
    );
    assert_eq!(created["meta"]["service_address"], Value::Null);
}

#[tokio::test]
async fn an_address_that_nobody_serves_is_no_problem() {
    let sources = Sources {
        map: FixedBroadbandMap::default().providers(Vec::new()),
        ..Sources::default()
    };
    let app = TestApp::with_sources(sources).await;
    let created = app.operator.post("/sessions", tiffany()).await.expect(201);
    assert_eq!(
        (&created["request_status"], &created["data"]),
        (&json!("ok"), &json!([]))
    );
    assert_eq!(
        (
            &created["meta"]["agent_status"]["internet"],
            &created["meta"]["hum_data_set"]
        ),
        (&json!("failed"), &json!("fixed-1"))
    );
}
