//! Two servers on one Postgres: what one commits, the other one tells at once; and a server that
//! stops does not wait for those who listen.

use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use hum_testkit::postgres::TestDatabase;
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use crate::server::Setup;

/// Reads a stream until it has had `event: `, and what was read before is gone.
async fn next_event(
    stream: &mut (impl Stream<Item = reqwest::Result<bytes::Bytes>> + Unpin),
) -> String {
    let mut text = String::new();
    while !text.contains("event: ") {
        let bytes = timeout(Duration::from_secs(20), stream.next())
            .await
            .expect("the stream says something within 20 s")
            .expect("the stream goes on");
        text.push_str(&String::from_utf8_lossy(&bytes.expect("a whole answer")));
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_server_commits_another_one_tells_at_once() {
    hum_adapters::install_tls();
    let database = TestDatabase::create().await;
    let start = || {
        Setup::new(
            Some(database.url.clone()),
            &[("HUM_CARRIER", "fake".into())],
        )
    };
    let (one, other) = (start(), start());
    let organization = one.run(&["organizations", "create", "wake"]);
    let key = one.run(&["keys", "create", "--org", &organization, "--role", "admin"]);
    let (one_server, other_server) = (one.start(), other.start());
    one.ready().await;
    other.ready().await;

    let client = reqwest::Client::new();
    let follow = client
        .get(other.url("/api/events/stream"))
        .bearer_auth(&key);
    let followed = follow.send().await.expect("an answer");
    assert_eq!(followed.status(), 200);
    let mut stream = followed.bytes_stream();
    // What the servers say when they meet is over.
    sleep(Duration::from_millis(500)).await;
    let mut took = Vec::new();
    for number in 0..20 {
        let contact = json!({ "contact_e164": format!("+1317555{:04}", 100 + number) });
        let add = client
            .post(one.url("/api/sms/opt-outs"))
            .bearer_auth(&key)
            .json(&contact);
        let began = Instant::now();
        assert_eq!(add.send().await.expect("an answer").status(), 201);
        let told = next_event(&mut stream).await;
        took.push(began.elapsed());
        assert!(told.contains("event: sms.opt_out"), "{told}");
        sleep(Duration::from_millis(number * 37 % 100)).await;
    }
    took.sort();
    println!("request to the one until told by the other: {took:?}");
    // By looking each second it would be half a second.
    assert!(
        took[took.len() / 2] < Duration::from_millis(250),
        "{took:?}"
    );

    let began = Instant::now();
    other_server.terminate().await;
    println!("stopped within {:?}, with a stream open", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(5));
    while let Some(bytes) = stream.next().await {
        bytes.expect("it ends, and does not break off");
    }
    drop(one_server);
}
