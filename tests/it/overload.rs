//! More than a store takes on is refused at once; what it took is answered; the rest goes on as if
//! nothing were.

use std::{pin::Pin, task::Poll, time::Duration};

use futures_util::{future::join_all, poll};
use hum_adapters::{clock::SystemClock, storage::SqliteStore};
use hum_core::{
    Storage,
    batch::{Batch, Committed},
    clock::Clock as _,
    id::JobId,
    page::Page,
    sms::{ConversationFilter, MessageFilter},
    store::{CommitError, Conflict, StoreError},
};
use hum_testkit::{
    contract::{StoreWorld, sample::Sample},
    postgres::TestDatabase,
};
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::contract::World;

/// More batches than any store lets wait.
const TOO_MANY: usize = 6_000;

type Commit<'a> = Pin<Box<dyn Future<Output = Result<Committed, CommitError>> + Send + 'a>>;

fn event_of(sample: &Sample<'_>) -> Batch {
    let mut batch = sample.batch();
    batch.emit(sample.event());
    batch
}

/// Commits of one organization until one is refused, while the writer cannot go on.
async fn fill<'a>(store: &'a dyn Storage, sample: &Sample<'_>) -> Vec<Commit<'a>> {
    let mut waiting = Vec::new();
    while waiting.len() < TOO_MANY {
        let mut commit = store.commit(event_of(sample));
        match poll!(&mut commit) {
            Poll::Pending => waiting.push(commit),
            Poll::Ready(Err(CommitError::Store(StoreError::Overloaded(_)))) => return waiting,
            Poll::Ready(other) => panic!("neither waits nor is refused: {other:?}"),
        }
    }
    panic!("nothing is refused");
}

/// Everything that a held writer had taken comes to its end once it goes on; a job found room when
/// a request did not.
async fn what_was_taken_is_answered(world: &dyn StoreWorld, go_on: impl AsyncFnOnce()) {
    let sample = Sample::new(world);
    let store = world.store();
    let waiting = fill(&*store, &sample).await;
    assert!(waiting.len() >= 4_096, "only {} waited", waiting.len());
    let mut of_job = sample.batch();
    of_job.guard_claim(JobId::new(world.now(), world.entropy()), 1);
    let mut of_job = store.commit(of_job);
    assert!(poll!(&mut of_job).is_pending(), "a job is not refused");
    go_on().await;
    let taken = waiting.len();
    let answers = join_all(waiting).await;
    let committed: Vec<i64> = answers
        .into_iter()
        .filter_map(|answer| answer.expect("it was taken").last_event_seq)
        .collect();
    assert_eq!(committed.len(), taken);
    // It was done, and found that there is no such claim.
    assert!(matches!(
        of_job.await,
        Err(CommitError::Conflict(Conflict::StaleFence))
    ));
    let last = store.org(sample.org).last_event_seq().await.unwrap();
    assert_eq!(last, taken as i64, "what was refused was not done");
    store
        .commit(event_of(&sample))
        .await
        .expect("there is room again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_writer_of_sqlite_refuses_before_the_commit() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hum.db");
    let world = World::new(SqliteStore::open(&path).expect("a database"), ());
    let other = rusqlite::Connection::open(&path).expect("another process");
    other.execute_batch("BEGIN IMMEDIATE").expect("its turn");
    what_was_taken_is_answered(&world, async || {
        other.execute_batch("COMMIT").expect("the end of its turn");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_writer_of_postgres_refuses_before_the_commit() {
    let database = TestDatabase::create().await;
    let world = World::new(database.store().await, ());
    let mut other = locking(&database, "event_counter").await;
    what_was_taken_is_answered(&world, async || {
        other.execute("COMMIT").await.expect("the lock is given up");
    })
    .await;
}

/// Somebody who holds a whole table.
async fn locking(database: &TestDatabase, table: &'static str) -> PgConnection {
    let mut other = PgConnection::connect(&database.url)
        .await
        .expect("a connection");
    let lock = format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
    other
        .execute(sqlx::raw_sql(sqlx::AssertSqlSafe(lock)))
        .await
        .expect("the lock");
    other
}

/// Waits until so many statements wait for the lock.
async fn until_waiting(database: &TestDatabase, count: i64) {
    let mut connection = PgConnection::connect(&database.url)
        .await
        .expect("a connection");
    let sql = "SELECT count(*) FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event_type = 'Lock'";
    loop {
        let waiting: i64 = sqlx::query_scalar(sql)
            .fetch_one(&mut connection)
            .await
            .expect("a count");
        if waiting == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn long_reads_of_postgres_keep_nobody_waiting_and_end_with_their_callers() {
    let database = TestDatabase::create().await;
    let world = World::new(database.store().await, ());
    let (sample, _, number, _) = Sample::stored(&world, "+13175550100").await;
    let _lock = locking(&database, "conversation").await;
    let reads = world.store().org(sample.org);
    // More than there are connections for them, and all stand still.
    let lists: Vec<_> = (0..8)
        .map(|_| {
            let reads = reads.clone();
            tokio::spawn(async move {
                let filter = ConversationFilter::default();
                reads.list_conversations(&filter, &Page::first(5)).await
            })
        })
        .collect();
    until_waiting(&database, 2).await;
    for _ in 0..10 {
        let found = reads.number(number.id).await.expect("a point read");
        assert_eq!(found, Some(number.clone()));
    }
    lists.iter().for_each(tokio::task::JoinHandle::abort);
    let clock = SystemClock::new();
    let started = clock.monotonic();
    until_waiting(&database, 0).await;
    let anything = MessageFilter::default();
    let list = reads.list_messages(&anything, &Page::first(5)).await;
    assert_eq!(list.expect("there is room again").items, []);
    assert!(
        clock.monotonic() - started < Duration::from_secs(3),
        "before their deadline"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_read_of_postgres_has_a_deadline() {
    let database = TestDatabase::create().await;
    let world = World::new(database.store().await, ());
    let (sample, _, number, _) = Sample::stored(&world, "+13175550100").await;
    let _lock = locking(&database, "conversation").await;
    let reads = world.store().org(sample.org);
    let filter = ConversationFilter::default();
    let clock = SystemClock::new();
    let started = clock.monotonic();
    let late = reads.list_conversations(&filter, &Page::first(5)).await;
    assert!(matches!(late, Err(StoreError::Overloaded(_))), "{late:?}");
    assert!(clock.monotonic() - started < Duration::from_secs(8));
    assert_eq!(reads.number(number.id).await.unwrap(), Some(number));
}
