use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use hum_core::{
    access::Caller,
    batch::Batch,
    event::{Event, EventKind},
    idempotency::Remember,
};
use hum_http::{EventStreams, RouterOptions, StreamLimits};
use hum_testkit::Chance;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::support::{Actor, EventStream, TestApp, fresh_number, on_both_stores};

on_both_stores!(
    what_happens_is_told_as_the_feed_shows_it,
    it_begins_where_it_is_told,
    a_wrong_beginning_is_refused,
    a_revoked_key_ends_its_stream,
    nothing_is_missed_or_doubled_by_who_comes_again,
    without_a_signal_it_looks_each_second
);

/// Of a request; short, to see that it does not count for streams.
const TIME_LIMIT: Duration = Duration::from_secs(2);

/// Something happens in the first organization.
async fn happens(app: &TestApp) {
    let contact = json!({ "contact_e164": fresh_number() });
    app.operator
        .post("/api/sms/opt-outs", contact)
        .await
        .expect(201);
}

async fn followed(actor: &Actor, query: &str, headers: &[(&str, &str)]) -> EventStream {
    let followed = actor.follow(query, headers).await;
    followed.unwrap_or_else(|reply| panic!("refused: {}", reply.text))
}

/// Every event that the feed lists.
async fn feed(app: &TestApp) -> Vec<Value> {
    let (mut events, mut after) = (Vec::new(), json!(0));
    loop {
        let path = format!("/api/events?limit=200&after={after}");
        let page = app.viewer.get(&path).await.expect(200);
        let data = page["data"].as_array().expect("a list");
        if data.is_empty() {
            return events;
        }
        events.extend(data.iter().cloned());
        after = page["next_after"].clone();
    }
}

/// A server with `limits`, and the handle on its streams.
fn server(app: &TestApp, limits: StreamLimits) -> (axum::Router, EventStreams) {
    let event_streams = EventStreams::new(limits);
    let options = RouterOptions {
        event_streams: event_streams.clone(),
        timeout: TIME_LIMIT,
        ..RouterOptions::default()
    };
    (
        hum_http::router_with(app.hum.clone(), options),
        event_streams,
    )
}

async fn what_happens_is_told_as_the_feed_shows_it(app: TestApp) {
    happens(&app).await;
    let mut stream = followed(&app.viewer, "", &[]).await;
    let mut foreign = followed(&app.foreigner, "?after=0", &[]).await;
    assert_eq!(stream.frame().await.as_deref(), Some("retry: 2000\n: hum"));
    for _ in 0..3 {
        happens(&app).await;
    }
    let told = stream.events(3).await;
    let listed = app.viewer.get("/api/events?after=1").await;
    for (event, seq) in told.iter().zip(2..) {
        assert_eq!((event.id, event.kind.as_str()), (seq, "sms.opt_out"));
        assert!(
            listed.text.contains(&event.data),
            "{} is not in {}",
            event.data,
            listed.text
        );
    }
    assert_eq!(foreign.frame().await.as_deref(), Some("retry: 2000\n: hum"));
    let silence = tokio::time::timeout(Duration::from_millis(50), foreign.frame()).await;
    assert!(silence.is_err(), "{silence:?}");
}

async fn it_begins_where_it_is_told(app: TestApp) {
    for _ in 0..5 {
        happens(&app).await;
    }
    for (query, headers, first) in [
        ("?after=0", &[][..], 1),
        ("?after=3", &[], 4),
        ("", &[("last-event-id", "2")], 3),
        // What a browser sends when it comes again with its first address.
        ("?after=0", &[("last-event-id", "4")], 5),
        ("", &[("last-event-id", "0")], 1),
    ] {
        let mut stream = followed(&app.viewer, query, headers).await;
        let told = stream.events(6 - first).await;
        let ids: Vec<usize> = told.iter().map(|event| event.id as usize).collect();
        assert_eq!(ids, (first..=5).collect::<Vec<_>>(), "{query} {headers:?}");
    }
    let mut from_now = followed(&app.viewer, "", &[]).await;
    let mut from_the_last = followed(&app.viewer, "?after=5", &[]).await;
    happens(&app).await;
    assert_eq!(from_now.events(1).await[0].id, 6);
    assert_eq!(from_the_last.events(1).await[0].id, 6);
}

async fn a_wrong_beginning_is_refused(app: TestApp) {
    happens(&app).await;
    let too_large = i64::MAX.to_string();
    let ids = [
        "x",
        "-1",
        "",
        "2",
        "1.0",
        "99999999999999999999",
        &too_large,
        "é",
    ];
    for id in ids {
        let headers = [("last-event-id", id)];
        let refused = app.viewer.follow("", &headers).await.err();
        let problem = refused.expect("a refusal").problem(422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], "Last-Event-ID", "{id:?}");
    }
    for query in ["?after=x", "?after=-1", "?after=2", "?after=", "?limit=5"] {
        let refused = app.viewer.follow(query, &[]).await.err();
        let problem = refused.expect("a refusal").problem(422, "invalid");
        let name = if query == "?limit=5" {
            "limit"
        } else {
            "after"
        };
        assert_eq!(problem["errors"][0]["pointer"], name, "{query}");
    }
    let twice = [("last-event-id", "1"), ("last-event-id", "1")];
    let refused = app.viewer.follow("", &twice).await.err();
    refused.expect("a refusal").problem(422, "invalid");
}

async fn a_revoked_key_ends_its_stream(app: TestApp) {
    let new = json!({ "name": "for a while", "role": "viewer", "scopes": ["events:read"] });
    let key = app.admin.post("/api/keys", new).await.expect(201);
    let secret = key["key"].as_str().expect("the key").to_owned();
    let guest = Actor::new(app.router.clone(), Some(secret));
    let (router, streams) = server(&app, StreamLimits::default());
    let guest = guest.at(router.clone());
    let mut stream = followed(&guest, "", &[]).await;
    let mut reads_nothing = followed(&guest, "?after=0", &[]).await;
    let mut other = followed(&app.viewer.at(router), "", &[]).await;
    happens(&app).await;
    let seen = stream.events(1).await;
    app.admin
        .delete(&format!("/api/keys/{}", key["id"].as_str().expect("an id")))
        .await
        .expect(204);
    app.pass(Duration::from_secs(5)).await;
    assert_eq!(stream.event().await, None);
    happens(&app).await;
    assert_eq!(other.events(2).await.len(), 2, "another key's goes on");
    // What was on its way to somebody who does not read, and no more.
    let mut late = Vec::new();
    while let Some(event) = reads_nothing.event().await {
        late.push(event);
    }
    assert!(late.len() <= 1 && late.iter().all(|event| *event == seen[0]));
    assert_eq!(streams.count(), 1);
}

/// Eight writers at once, and a reader who leaves at random and comes again with the last id.
async fn nothing_is_missed_or_doubled_by_who_comes_again(app: TestApp) {
    const EVENTS: i64 = 1_000;
    let app = Arc::new(app);
    let left = Arc::new(AtomicI64::new(EVENTS));
    let writer = |_| {
        let (app, left) = (app.clone(), left.clone());
        async move {
            while left.fetch_sub(1, Ordering::Relaxed) > 0 {
                let contact = fresh_number().parse().expect("a number");
                let (caller, once) = (Caller::system(app.org), Remember::nothing());
                let added = app.hum.opt_outs().add(&caller, contact, once);
                added.await.expect("a contact is opted out");
            }
        }
    };
    let reader = async {
        let (chance, mut last, mut told, mut visits) = (Chance::new(7, 0), 0, Vec::new(), 0);
        while last < EVENTS {
            let id = last.to_string();
            let mut stream = followed(&app.viewer, "", &[("last-event-id", &id)]).await;
            let stay = chance.between(1, 60).min((EVENTS - last) as u64);
            for event in stream.events(stay as usize).await {
                last = event.id;
                told.push(event);
            }
            visits += 1;
        }
        (told, visits)
    };
    let (_, (told, visits)) = tokio::join!(join_all((0..8).map(writer)), reader);
    assert!(visits > 10, "{visits} visits");
    let ids: Vec<i64> = told.iter().map(|event| event.id).collect();
    assert_eq!(ids, (1..=EVENTS).collect::<Vec<_>>());
    let told: Vec<Value> = told
        .iter()
        .map(|event| serde_json::from_str(&event.data).expect("JSON"))
        .collect();
    assert_eq!(told, feed(&app).await);
}

/// A commit that nobody tells of, as one of another process whose signal is lost.
async fn without_a_signal_it_looks_each_second(app: TestApp) {
    let mut stream = followed(&app.viewer, "", &[]).await;
    stream.frame().await;
    let mut batch = Batch::for_org(app.org);
    let (now, entropy) = (app.hum.clock().now(), app.hum.entropy());
    let kind = EventKind::OutcomeCaptured;
    batch.emit(Event::new(app.org, kind, json!({}), now, entropy));
    app.hum.storage().commit(batch).await.expect("a commit");
    let silence = tokio::time::timeout(Duration::from_millis(50), stream.frame()).await;
    assert!(silence.is_err(), "nobody told: {silence:?}");
    app.pass(Duration::from_secs(1)).await;
    assert_eq!(stream.events(1).await[0].kind, "outcome.captured");
}

/// The time limit of requests is for answers, not for streams; silence is broken each 15 seconds.
#[tokio::test]
async fn a_silent_stream_lives() {
    let app = TestApp::on_sqlite().await;
    let (router, _) = server(&app, StreamLimits::default());
    let mut stream = followed(&app.viewer.at(router), "", &[]).await;
    stream.frame().await;
    sleep(TIME_LIMIT + Duration::from_millis(200)).await;
    for _ in 0..3 {
        for _ in 0..15 {
            app.pass(Duration::from_secs(1)).await;
            sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(stream.frame().await.as_deref(), Some(": still here"));
    }
    happens(&app).await;
    assert_eq!(stream.events(1).await.len(), 1);
}

/// Places end where they should, and are free again when a client has left.
#[tokio::test]
async fn places_are_limited() {
    let app = TestApp::on_sqlite().await;
    let limits = StreamLimits {
        per_organization: 2,
        in_all: 3,
    };
    let (router, streams) = server(&app, limits);
    let (viewer, foreigner) = (app.viewer.at(router.clone()), app.foreigner.at(router));
    let ours = [
        followed(&viewer, "", &[]).await,
        followed(&viewer, "", &[]).await,
    ];
    let refused = viewer.follow("", &[]).await.err().expect("a refusal");
    assert!(refused.header("retry-after").is_some());
    refused.problem(429, "rate_limited");
    let theirs = followed(&foreigner, "", &[]).await;
    let refused = foreigner.follow("", &[]).await.err().expect("a refusal");
    assert!(refused.header("retry-after").is_some());
    refused.problem(503, "unavailable");
    // Who is refused for another reason takes no place.
    let wrong = foreigner.follow("?after=7", &[]).await.err();
    wrong.expect("a refusal").problem(503, "unavailable");
    drop((ours, theirs));
    while streams.count() > 0 {
        sleep(Duration::from_millis(1)).await;
    }
    let wrong = viewer.follow("?after=7", &[]).await.err();
    wrong.expect("a refusal").problem(422, "invalid");
    assert_eq!(streams.count(), 0);
    followed(&viewer, "", &[]).await;
}

/// A server that stops ends its streams at once.
#[tokio::test]
async fn a_server_that_stops_ends_its_streams() {
    let app = TestApp::on_sqlite().await;
    let (router, streams) = server(&app, StreamLimits::default());
    let viewer = app.viewer.at(router);
    let mut open = Vec::new();
    for _ in 0..10 {
        open.push(followed(&viewer, "", &[]).await);
    }
    streams.stop();
    for stream in &mut open {
        assert_eq!(stream.event().await, None);
    }
    assert_eq!(streams.count(), 0);
    let refused = viewer.follow("", &[]).await.err().expect("a refusal");
    refused.problem(503, "unavailable");
}

/// Whoever does not read is left after a while, and finds everything again.
#[tokio::test]
async fn who_does_not_read_is_left() {
    let app = TestApp::on_sqlite().await;
    let (router, streams) = server(&app, StreamLimits::default());
    let viewer = app.viewer.at(router);
    for _ in 0..250 {
        happens(&app).await;
    }
    let mut stream = followed(&viewer, "?after=0", &[]).await;
    let first = stream.events(3).await;
    for _ in 0..30 {
        sleep(Duration::from_millis(2)).await;
        assert_eq!(streams.count(), 1, "it is waited for");
        app.pass(Duration::from_secs(1)).await;
    }
    while streams.count() > 0 {
        sleep(Duration::from_millis(1)).await;
    }
    let mut last = first[2].id;
    while let Some(event) = stream.event().await {
        last = event.id;
    }
    assert!(last <= 4, "one event waits at most, and not {last}");
    let again = [("last-event-id", last.to_string())];
    let again = again.each_ref().map(|(name, id)| (*name, id.as_str()));
    let mut stream = followed(&viewer, "", &again).await;
    let rest = stream.events(250 - last as usize).await;
    assert!(
        rest.iter()
            .zip(last + 1..)
            .all(|(event, seq)| event.id == seq)
    );
}
