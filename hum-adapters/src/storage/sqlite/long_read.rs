//! Reads that may be long: lists, counts, filters. A few threads do them, each with a connection of
//! its own, so that a point read never waits behind one. What waits is bounded, a read has a
//! deadline, and one that nobody waits for any more is broken off.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use hum_core::{record::Value, store::StoreError};
use rusqlite::{Connection, ErrorCode};
use tokio::sync::oneshot;

use super::{
    super::{
        query::{Rows, Sql},
        room::{Room, too_long, too_many_reads},
    },
    connection, lock, open_reader, store_error, unavailable,
};

/// How many are done at once.
const THREADS: usize = 4;
/// How many instructions of SQLite's machine pass between two looks at the clock: some
/// microseconds.
const BETWEEN_LOOKS: i32 = 1_000;

#[expect(
    clippy::disallowed_methods,
    reason = "how long this machine takes, not the time that hum decides by"
)]
fn now() -> Instant {
    Instant::now()
}

/// One read, and who waits for it.
struct LongRead {
    sql: Sql,
    params: Vec<Value>,
    until: Instant,
    /// Nobody waits for it any more.
    given_up: Arc<AtomicBool>,
    to: oneshot::Sender<Result<Rows, StoreError>>,
}

/// Says so when the future that waits is dropped.
#[derive(Default)]
struct Waits(Arc<AtomicBool>);

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The reads that wait, the oldest first.
#[derive(Default)]
struct Line {
    reads: Mutex<(VecDeque<LongRead>, Closed)>,
    moved: Condvar,
}

/// Whether the line takes nothing more.
type Closed = bool;

impl Line {
    fn push(&self, read: LongRead, most: usize) -> Result<(), StoreError> {
        let mut reads = lock(&self.reads);
        if reads.0.len() >= most {
            reads
                .0
                .retain(|read| !read.given_up.load(Ordering::Relaxed));
        }
        if reads.0.len() >= most {
            return Err(too_many_reads());
        }
        reads.0.push_back(read);
        drop(reads);
        self.moved.notify_one();
        Ok(())
    }

    /// Waits for one; `None` when there will be no more.
    fn next(&self) -> Option<LongRead> {
        let mut reads = lock(&self.reads);
        loop {
            if let Some(read) = reads.0.pop_front() {
                return Some(read);
            }
            if reads.1 {
                return None;
            }
            reads = self
                .moved
                .wait(reads)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn close(&self) {
        lock(&self.reads).1 = true;
        self.moved.notify_all();
    }
}

/// The way to the threads. Dropping it waits for what they do.
pub(crate) struct LongReads {
    line: Arc<Line>,
    most: usize,
    longest: Duration,
    threads: Vec<JoinHandle<()>>,
}

impl LongReads {
    pub(super) fn start(path: &Path, room: Room) -> Result<Self, StoreError> {
        let mut all = Self {
            line: Arc::default(),
            most: room.long_reads,
            longest: room.longest,
            threads: Vec::with_capacity(THREADS),
        };
        for nth in 1..=THREADS {
            let mut connection = open_reader(path)?;
            let line = Arc::clone(&all.line);
            let thread = std::thread::Builder::new()
                .name(format!("hum-sqlite-read-{nth}"))
                .spawn(move || {
                    while let Some(next) = line.next() {
                        do_one(&mut connection, next);
                    }
                });
            let thread =
                thread.map_err(|error| unavailable(format!("cannot start a thread: {error}")))?;
            all.threads.push(thread);
        }
        Ok(all)
    }

    /// Dropping the future breaks the read off.
    pub(super) async fn rows(&self, sql: Sql, params: Vec<Value>) -> Result<Rows, StoreError> {
        let waits = Waits::default();
        let (to, answer) = oneshot::channel();
        let read = LongRead {
            sql,
            params,
            until: now() + self.longest,
            given_up: Arc::clone(&waits.0),
            to,
        };
        self.line.push(read, self.most)?;
        answer
            .await
            .unwrap_or_else(|_| Err(unavailable("the read came to nothing".into())))
    }
}

impl Drop for LongReads {
    fn drop(&mut self) {
        self.line.close();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn do_one(connection: &mut Connection, read: LongRead) {
    if read.given_up.load(Ordering::Relaxed) {
        return;
    }
    let result = if now() < read.until {
        watched(connection, &read)
    } else {
        Err(too_long())
    };
    // Whoever asked may be gone.
    let _ = read.to.send(result);
}

/// Reads until the deadline, or until nobody waits.
fn watched(connection: &mut Connection, read: &LongRead) -> Result<Rows, StoreError> {
    let (until, given_up) = (read.until, Arc::clone(&read.given_up));
    let broken_off = move || given_up.load(Ordering::Relaxed) || now() >= until;
    connection
        .progress_handler(BETWEEN_LOOKS, Some(broken_off))
        .map_err(store_error)?;
    match connection::rows(connection, &read.sql, &read.params) {
        Err(failed) if failed.code() == Some(ErrorCode::OperationInterrupted) => Err(too_long()),
        result => Ok(result?),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::SqliteStore, *};

    /// Counts for ever.
    const ENDLESS: &str =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

    fn reads(folder: &tempfile::TempDir, room: Room) -> LongReads {
        let path = folder.path().join("hum.db");
        drop(SqliteStore::open(&path).expect("a database"));
        LongReads::start(&path, room).expect("threads")
    }

    fn endless(reads: &LongReads) -> impl Future<Output = Result<Rows, StoreError>> {
        reads.rows(ENDLESS.into(), Vec::new())
    }

    async fn point(reads: &LongReads) -> Result<Rows, StoreError> {
        reads.rows("SELECT 1".into(), Vec::new()).await
    }

    #[tokio::test]
    async fn a_read_is_broken_off_at_its_deadline() {
        let folder = tempfile::tempdir().expect("a folder");
        let room = Room {
            longest: Duration::from_millis(30),
            ..Room::default()
        };
        let reads = reads(&folder, room);
        for _ in 0..2 * THREADS {
            assert!(matches!(
                endless(&reads).await,
                Err(StoreError::Overloaded(_))
            ));
        }
        assert_eq!(point(&reads).await.unwrap(), [[Value::Int(1)]]);
    }

    #[tokio::test]
    async fn a_read_that_nobody_waits_for_frees_its_thread() {
        let folder = tempfile::tempdir().expect("a folder");
        let room = Room {
            longest: Duration::from_secs(3_600),
            ..Room::default()
        };
        let reads = reads(&folder, room);
        for _ in 0..2 * THREADS {
            let started = tokio::time::timeout(Duration::from_millis(5), endless(&reads));
            assert!(started.await.is_err(), "it never ends");
        }
        // Every thread had one, which would have kept it for an hour.
        assert_eq!(point(&reads).await.unwrap(), [[Value::Int(1)]]);
    }

    #[tokio::test]
    async fn what_finds_the_line_full_is_refused_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let room = Room {
            long_reads: 2,
            longest: Duration::from_secs(3_600),
            ..Room::default()
        };
        let reads = reads(&folder, room);
        let mut waiting: Vec<_> = Vec::new();
        let refused = loop {
            let mut one = Box::pin(endless(&reads));
            match futures_util::poll!(&mut one) {
                std::task::Poll::Pending => waiting.push(one),
                std::task::Poll::Ready(result) => break result,
            }
            assert!(waiting.len() <= THREADS + 2, "nothing is refused");
        };
        assert!(matches!(refused, Err(StoreError::Overloaded(_))));
        // Those that gave up make room, whether or not a thread has seen it.
        waiting.clear();
        assert_eq!(point(&reads).await.unwrap(), [[Value::Int(1)]]);
    }
}
