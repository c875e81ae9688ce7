//! How long lists take when there is much, while others list without a pause. Minutes long, and
//! its figures mean something only on a machine that does nothing else, so it is run by hand:
//!
//! ```sh
//! HUM_ROWS=500000 cargo test --release -p hum-tests --test it scale -- --ignored --nocapture
//! ```

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hum_adapters::{clock::SystemClock, storage::SqliteStore};
use hum_core::{clock::Clock as _, record::RecordType};
use hum_testkit::postgres::TestDatabase;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::{
    contract::World,
    plans::{Known, fill, lists, ways},
    support::{Actor, TestApp},
};

/// How many list without a pause.
const VIEWERS: usize = 8;
/// How long each round takes.
const ROUND: Duration = Duration::from_secs(10);

fn rows() -> usize {
    let rows = std::env::var("HUM_ROWS").ok();
    rows.and_then(|rows| rows.parse().ok()).unwrap_or(50_000)
}

/// What differs between two rows of a table, by the number `i` of the copy; `{id}` is that number
/// with 26 digits.
type Differs = &'static [(&'static str, &'static str)];

/// How many copies there are for each message, and of what.
const COPIES: [(&str, usize, Differs); 5] = [
    (
        "message",
        1,
        &[
            ("id", "'msg_' || {id}"),
            ("seq", "i + 100000"),
            ("carrier_sid", "'SM' || {id}"),
            (
                "status",
                "CASE WHEN i % 2 = 0 THEN 'delivered' ELSE 'received' END",
            ),
        ],
    ),
    (
        "conversation",
        10,
        &[
            ("id", "'cnv_' || {id}"),
            ("contact", "'+1' || (4000000000 + i)"),
            ("status", "'closed'"),
            ("closed_at", "1"),
            ("unread_count", "0"),
            ("assignee", "NULL"),
            ("last_message_at", "1767225600123456 + i"),
        ],
    ),
    (
        "delivery",
        5,
        &[
            ("id", "'dlv_' || {id}"),
            ("event_seq", "i + 100000"),
            ("state", "'delivered'"),
        ],
    ),
    ("consent", 10, &[("contact", "'+1' || (4000000000 + i)")]),
    (
        "address_session",
        10,
        &[("id", "'ses_' || {id}"), ("token_hash", "{hash}")],
    ),
];

/// The statements that make `rows` messages, and as much of everything else as comes with them.
fn statements(rows: usize, series: &str, id: &str, hash: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (name, each, differs) in COPIES {
        let table = hum_core::records()
            .map(|RecordType { table, .. }| table())
            .find(|table| table.name == name)
            .expect("a table");
        let columns: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
        let values: Vec<String> = columns
            .iter()
            .map(|column| {
                let differs = differs.iter().find(|(differing, _)| differing == column);
                differs.map_or_else(
                    || format!("one.{column}"),
                    |(_, value)| value.replace("{id}", id).replace("{hash}", hash),
                )
            })
            .collect();
        all.push(format!(
            "INSERT INTO {name} ({}) SELECT {} FROM (SELECT * FROM {name} ORDER BY org_id, {} LIMIT 1) AS one, {}",
            columns.join(", "),
            values.join(", "),
            columns[1],
            series.replace("{count}", &(rows / each).to_string()),
        ));
    }
    all.push(format!(
        "INSERT INTO job (org_id, id, kind, key, run_at) \
         SELECT o.org_id, 'job_' || {id}, 'webhook.deliver', {id}, 9000000000000000 + i \
         FROM (SELECT org_id FROM organization ORDER BY org_id LIMIT 1) AS o, {}",
        series.replace("{count}", &rows.to_string()),
    ));
    all
}

/// Milliseconds at these shares of the measured times.
fn shares(times: &mut [Duration]) -> String {
    times.sort();
    let at = |share: usize| {
        let at = (times.len() * share / 1_000).min(times.len().saturating_sub(1));
        times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    format!(
        "p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms ({})",
        at(500),
        at(990),
        at(999),
        times.len()
    )
}

type Times = Arc<Mutex<BTreeMap<String, Vec<Duration>>>>;

/// Asks for these paths, one after the other, until it is over.
async fn ask(
    actor: Actor,
    paths: Arc<Vec<String>>,
    from: usize,
    over: Arc<AtomicBool>,
    times: Times,
) {
    let (clock, mut nth) = (SystemClock::new(), from);
    while !over.load(Ordering::Relaxed) {
        let path = &paths[nth % paths.len()];
        nth += 1;
        let started = clock.monotonic();
        let reply = actor.get(path).await;
        let took = clock.monotonic() - started;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        times
            .lock()
            .unwrap()
            .entry(path.clone())
            .or_default()
            .push(took);
    }
}

/// What `/api/me` of another organization takes, and what these paths take, while viewers ask for
/// them.
async fn round(app: &TestApp, viewer: &Actor, viewers: usize, paths: Vec<String>, what: &str) {
    let (over, times, me) = (Arc::default(), Times::default(), Times::default());
    let paths = Arc::new(paths);
    let mut asking: Vec<_> = (0..viewers)
        .map(|nth| {
            let from = nth * paths.len() / viewers;
            let ask = ask(
                viewer.clone(),
                paths.clone(),
                from,
                Arc::clone(&over),
                times.clone(),
            );
            tokio::spawn(ask)
        })
        .collect();
    let mine = Arc::new(vec!["/api/me".to_owned()]);
    asking.push(tokio::spawn(ask(
        app.foreigner.clone(),
        mine,
        0,
        Arc::clone(&over),
        me.clone(),
    )));
    tokio::time::sleep(ROUND).await;
    over.store(true, Ordering::Relaxed);
    for one in asking {
        one.await.expect("every answer is 200");
    }
    let mut by_path = std::mem::take(&mut *times.lock().unwrap());
    let mut all: Vec<Duration> = by_path.values().flatten().copied().collect();
    let mut mine: Vec<Duration> = me.lock().unwrap().values().flatten().copied().collect();
    println!("{what}: {}", shares(&mut all));
    println!("  /api/me of another organization: {}", shares(&mut mine));
    let mut medians: Vec<(Duration, String)> = by_path
        .iter_mut()
        .map(|(path, times)| {
            let of_path = shares(times);
            (times[times.len() / 2], format!("{path}: {of_path}"))
        })
        .collect();
    medians.sort();
    for (_, slow) in medians.iter().rev().take(3) {
        println!("  {slow}");
    }
}

async fn measure(app: &TestApp, known: &Known) {
    let paths = vec!["/api/sms/messages?status=failed".to_owned()];
    round(app, &app.viewer, 0, paths.clone(), "nobody").await;
    round(
        app,
        &app.viewer,
        VIEWERS,
        paths,
        "8 viewers, ?status=failed",
    )
    .await;
    let mut paths = Vec::new();
    for list in lists(app).await {
        for way in ways(&list, known) {
            let filters: Vec<String> = way
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            paths.push(format!("{}?{}", known.path(&list.path), filters.join("&")));
        }
    }
    round(
        app,
        &app.admin,
        VIEWERS,
        paths,
        "8 viewers, every list and filter in turn",
    )
    .await;
    let paths = vec!["/metrics".to_owned()];
    round(app, &app.stranger, VIEWERS, paths, "8 strangers, /metrics").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn lists_of_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hum.db");
    let store = SqliteStore::open(&path).expect("a database");
    let app = TestApp::on(store.clone(), Box::new(())).await;
    let world = World::new(store, ());
    let known = fill(&app, &world).await;
    let connection = rusqlite::Connection::open(&path).expect("the same file");
    let series = "(WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s LIMIT {count}) SELECT i FROM s)";
    for statement in statements(rows(), series, "printf('%026d', i)", "randomblob(32)") {
        connection
            .execute(&statement, [])
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    println!("SQLite, {} messages and jobs", rows());
    measure(&app, &known).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn lists_of_postgres() {
    let database = TestDatabase::create().await;
    let store = database.store().await;
    let app = TestApp::on(store.clone(), Box::new(())).await;
    let world = World::new(store, ());
    let known = fill(&app, &world).await;
    let mut connection = PgConnection::connect(&database.url)
        .await
        .expect("a connection");
    let (id, hash) = ("lpad(i::text, 26, '0')", "sha256(i::text::bytea)");
    for statement in statements(rows(), "generate_series(1, {count}) AS s(i)", id, hash) {
        connection
            .execute(AssertSqlSafe(statement.clone()))
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    connection.execute("ANALYZE").await.expect("statistics");
    println!("Postgres, {} messages and jobs", rows());
    measure(&app, &known).await;
}
