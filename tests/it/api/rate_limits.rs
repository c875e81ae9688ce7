//! How often a key and an organization may call. The clock stands still unless a test moves it.

use std::time::Duration;

use axum::{body::Body, http::Method};
use hum_core::access::{Limit, OPERATIONS, Quotas};
use serde_json::{Value, json};

use crate::support::{Actor, Reply, Sources, TestApp, fresh_number};

const NONE: Quotas = Quotas {
    read: 0,
    write: 0,
    send: 0,
    sessions: 0,
};

async fn app(key: Quotas, organization: Quotas) -> TestApp {
    TestApp::with_sources(Sources {
        quotas: (key, organization),
        requests_per_minute: key.sessions,
        ..Sources::default()
    })
    .await
}

fn each(quota: u32) -> Quotas {
    Quotas {
        read: quota,
        write: quota,
        send: quota,
        sessions: quota,
    }
}

/// The policies, and what is left of them.
fn headers(reply: &Reply) -> (Option<&str>, Option<&str>) {
    (reply.header("ratelimit-policy"), reply.header("ratelimit"))
}

/// A refusal, with the policies that it names and after how many seconds it says to come again.
#[track_caller]
fn too_many(reply: Reply, policies: &[&str], seconds: &str) -> Value {
    assert_eq!(reply.header("retry-after"), Some(seconds), "{}", reply.text);
    assert!(reply.header("ratelimit").is_some());
    let problem = reply.problem(429, "rate_limited");
    assert_eq!(problem["violated-policies"], json!(policies), "{problem}");
    problem
}

async fn template(actor: &Actor) -> Reply {
    let body = json!({ "name": fresh_number(), "body": "Hi" });
    actor.post("/api/sms/templates", body).await
}

#[tokio::test]
async fn an_answer_says_what_is_left_of_both_budgets() {
    let app = app(each(60), each(120)).await;
    let reply = app.admin.get("/api/flows").await;
    assert_eq!(
        headers(&reply),
        (
            Some("\"read\";q=60;w=60, \"organization-read\";q=120;w=60"),
            Some("\"read\";r=59;t=1, \"organization-read\";r=119;t=1"),
        )
    );
    let reply = app.admin.get("/api/flows").await;
    assert_eq!(
        reply.header("ratelimit"),
        Some("\"read\";r=58;t=2, \"organization-read\";r=118;t=1")
    );
    let reply = app.viewer.get("/api/flows").await;
    assert_eq!(
        reply.header("ratelimit"),
        Some("\"read\";r=59;t=1, \"organization-read\";r=117;t=2"),
        "another key, the same organization"
    );
    app.pass(Duration::from_secs(1)).await;
    let reply = app.admin.get("/api/flows").await;
    assert_eq!(
        reply.header("ratelimit"),
        Some("\"read\";r=58;t=2, \"organization-read\";r=118;t=1"),
        "a second gives one and two back"
    );
    let reply = template(&app.operator).await;
    assert_eq!(
        reply.header("ratelimit"),
        Some("\"write\";r=59;t=1, \"organization-write\";r=119;t=1")
    );
}

#[tokio::test]
async fn one_too_many_is_a_problem_that_names_the_policy_and_has_no_effect() {
    let app = app(each(2), NONE).await;
    for _ in 0..2 {
        template(&app.operator).await.expect(201);
    }
    let problem = too_many(template(&app.operator).await, &["write"], "30");
    assert_eq!(
        problem["detail"],
        "too many write requests with this key; try again in 30 s"
    );
    assert_eq!(problem["type"], "urn:hum:problem:rate_limited");
    app.pass(Duration::from_millis(29_001)).await;
    too_many(template(&app.operator).await, &["write"], "1");
    app.pass(Duration::from_millis(999)).await;
    template(&app.operator).await.expect(201);
    let templates = app.operator.get("/api/sms/templates").await.expect(200);
    assert_eq!(templates["data"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn a_refused_request_leaves_its_idempotency_key_free() {
    let app = app(each(1), NONE).await;
    let (path, body) = ("/api/sms/templates", json!({ "name": "Hi", "body": "Hi" }));
    template(&app.operator).await.expect(201);
    let refused = app.operator.post_once("k", path, body.clone()).await;
    too_many(refused, &["write"], "60");
    app.pass(Duration::from_secs(60)).await;
    let made = app.operator.post_once("k", path, body.clone()).await;
    let made = made.expect(201);
    app.pass(Duration::from_secs(60)).await;
    let again = app.operator.post_once("k", path, body).await.expect(201);
    assert_eq!(again["id"], made["id"]);
}

#[tokio::test]
async fn classes_are_apart() {
    let app = app(each(1), each(100)).await;
    let read = || app.operator.get("/api/flows");
    read().await.expect(200);
    too_many(read().await, &["read"], "60");
    template(&app.operator).await.expect(201);
    too_many(template(&app.operator).await, &["write"], "60");
    let send = || {
        app.operator.post(
            "/api/sms/messages/msg_01ARZ3NDEKTSV4RRFFQ69G5FAV/resend",
            Value::Null,
        )
    };
    send().await.problem(404, "not_found");
    too_many(send().await, &["send"], "60");
    app.operator.get("/ping").await.expect(200);
    app.operator.get("/ping").await.refused(429, "rate_limited");
    // A HEAD is a GET.
    let head = app
        .operator
        .call(Method::HEAD, "/api/flows", &[], Body::empty());
    assert_eq!(head.await.status, 429);
}

#[tokio::test]
async fn one_key_cannot_take_the_share_of_the_others() {
    let app = app(each(3), each(5)).await;
    let mut admitted = 0;
    for _ in 0..50 {
        admitted += usize::from(app.admin.get("/api/flows").await.status == 200);
    }
    assert_eq!(admitted, 3);
    for left in [1, 0] {
        let reply = app.viewer.get("/api/flows").await;
        let said = format!("\"organization-read\";r={left};");
        assert!(reply.header("ratelimit").unwrap().contains(&said));
        reply.expect(200);
    }
    let problem = too_many(
        app.viewer.get("/api/flows").await,
        &["organization-read"],
        "12",
    );
    assert_eq!(
        problem["detail"],
        "too many read requests of this organization; try again in 12 s"
    );
    too_many(
        app.admin.get("/api/flows").await,
        &["read", "organization-read"],
        "20",
    );
    app.foreigner.get("/api/flows").await.expect(200);
    app.pass(Duration::from_secs(12)).await;
    app.viewer.get("/api/flows").await.expect(200);
}

#[tokio::test]
async fn whatever_is_answered_to_a_good_key_has_the_headers_and_counts() {
    let app = app(each(100), NONE).await;
    let refused = app.viewer.post("/api/flows", json!({ "name": "x" })).await;
    assert_eq!(refused.header("ratelimit"), Some("\"write\";r=99;t=1"));
    refused.problem(403, "forbidden");
    let wrong = app.admin.post("/api/flows", json!({ "nmae": "x" })).await;
    assert_eq!(wrong.header("ratelimit"), Some("\"write\";r=99;t=1"));
    wrong.problem(422, "invalid");
    let none = app.admin.get("/api/flows/flow_x").await;
    assert_eq!(none.header("ratelimit"), Some("\"read\";r=99;t=1"));
    none.problem(404, "not_found");
    let query = app.admin.get("/api/me?x=1").await;
    assert_eq!(query.header("ratelimit"), Some("\"read\";r=98;t=2"));
    query.problem(422, "invalid");
}

#[tokio::test]
async fn without_a_good_key_nothing_is_counted_or_told() {
    let app = app(each(2), each(2)).await;
    let bad = Actor::new(app.router.clone(), Some("hum_live_nonsense".into()));
    for _ in 0..20 {
        for somebody in [&bad, &app.stranger] {
            let reply = somebody.get("/api/flows").await;
            assert_eq!(headers(&reply), (None, None));
            reply.problem(401, "api_key_required");
        }
    }
    app.admin.get("/api/flows").await.expect(200);
}

#[tokio::test]
async fn without_quotas_there_are_no_headers_and_no_end() {
    let app = app(NONE, NONE).await;
    for _ in 0..50 {
        let reply = app.viewer.get("/api/me").await;
        assert_eq!(headers(&reply), (None, None));
        reply.expect(200);
    }
}

#[tokio::test]
async fn what_the_carrier_tells_and_what_needs_no_key_has_no_limit() {
    let app = app(each(1), each(1)).await;
    for path in ["/openapi.json", "/healthz", "/metrics"] {
        for _ in 0..5 {
            let reply = app.stranger.get(path).await;
            assert_eq!(
                (reply.status.as_u16(), headers(&reply)),
                (200, (None, None))
            );
        }
    }
    for _ in 0..5 {
        let form = Body::from("From=%2B13175550101&To=%2B13175550100&Body=Hi");
        let head = [("content-type", "application/x-www-form-urlencoded")];
        let reply = app
            .stranger
            .call(Method::POST, "/carrier/twilio/sms", &head, form)
            .await;
        assert_ne!(reply.status, 429, "{}", reply.text);
        assert_eq!(headers(&reply), (None, None));
    }
}

#[tokio::test]
async fn every_operation_has_a_class_that_says_what_it_does() {
    let app = app(each(1_000), each(1_000)).await;
    for operation in OPERATIONS {
        let names = ["{id}", "{delivery_id}", "{e164}", "{token}"];
        let path = names.iter().fold(operation.path.to_owned(), |path, name| {
            path.replace(name, "x")
        });
        let method: Method = operation.method.parse().unwrap();
        let reply = app.admin.call(method, &path, &[], Body::empty()).await;
        let class = match operation.limit {
            Limit::Read => "read",
            Limit::Write => "write",
            Limit::Send => "send",
            Limit::Sessions => "sessions",
        };
        let (policy, left) = headers(&reply);
        let expected = format!("\"{class}\";q=1000;w=60, \"organization-{class}\";q=1000;w=60");
        assert_eq!(policy, Some(expected.as_str()), "{}", operation.id);
        assert!(left.is_some(), "{}", operation.id);
        let api = operation.path.starts_with("/api/");
        assert_eq!(api, operation.limit != Limit::Sessions, "{}", operation.id);
        if api {
            assert_eq!(
                operation.method == "GET",
                operation.limit == Limit::Read,
                "{}",
                operation.id
            );
        }
    }
}

#[tokio::test]
async fn a_thousand_requests_in_one_moment_meet_no_limit_of_the_defaults() {
    let app = TestApp::on_sqlite().await;
    let began = app.hum.clock().monotonic();
    for _ in 0..500 {
        app.operator.get("/api/me").await.expect(200);
        template(&app.operator).await.expect(201);
    }
    assert_eq!(
        app.hum.clock().monotonic(),
        began,
        "all of it in one moment"
    );
}
