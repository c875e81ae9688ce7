//! The one thread that writes.

use std::{
    sync::{
        Arc, Mutex, TryLockError,
        atomic::{AtomicI64, AtomicUsize, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread::JoinHandle,
    time::Duration,
};

use hum_core::store::{CommitError, StoreError};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    super::room::{Cause, Room, too_many_batches},
    connection::BUSY,
    lock, store_error, unavailable,
};

/// How many batches share one wait for the disk.
const GROUP: usize = 256;
/// How often the log is copied back into the database, at least.
const CHECKPOINT: Duration = Duration::from_secs(1);
/// After so many batches it is copied back at once: some megabytes, about as often as SQLite would
/// by itself. While more is copied, requests wait.
const BATCHES_UNTIL_CHECKPOINT: usize = 250;
/// A log of this many pages (64 MiB) is not left to grow: the writer itself lets it start over.
pub(super) const LONG_LOG: i64 = 16_384;
/// How long it waits then, and all that want to write with it, for reads that began before: at
/// first, and at most. The longest ones take longer: after them it succeeds.
const WAIT_FOR_READS: (Duration, Duration) =
    (Duration::from_millis(20), Duration::from_millis(320));

/// Work that waits for the writer.
pub(super) trait Task: Send {
    /// Does the work; `false` when it must be rolled back.
    fn run(&mut self, connection: &Connection) -> bool;
    /// After the commit, or after it failed.
    fn answer(self: Box<Self>, failed: Option<&StoreError>);
}

/// Work with somebody who waits for its result.
pub(super) struct Reply<T, F> {
    work: Option<F>,
    result: Option<Result<T, CommitError>>,
    to: oneshot::Sender<Result<T, CommitError>>,
}

impl<T, F> Reply<T, F> {
    pub(super) fn new(work: F, to: oneshot::Sender<Result<T, CommitError>>) -> Self {
        Self {
            work: Some(work),
            result: None,
            to,
        }
    }
}

impl<T: Send, F: FnOnce(&Connection) -> Result<T, CommitError> + Send> Task for Reply<T, F> {
    fn run(&mut self, connection: &Connection) -> bool {
        let Some(work) = self.work.take() else {
            return false;
        };
        self.result.insert(work(connection)).is_ok()
    }

    fn answer(self: Box<Self>, failed: Option<&StoreError>) {
        let result = match (failed, self.result) {
            // A refusal is known whatever became of the others.
            (_, Some(Err(refused))) => Err(refused),
            (None, Some(Ok(done))) => Ok(done),
            (Some(error), _) => Err(error.clone().into()),
            (None, None) => Err(unavailable("the writer did not get to it".into()).into()),
        };
        // Whoever asked may be gone; the commit stands.
        let _ = self.to.send(result);
    }
}

/// The way to the thread that writes. Dropping it waits for what was sent.
pub(crate) struct Writer {
    queue: Option<Sender<Box<dyn Task>>>,
    /// How many were sent and are not answered.
    waiting: Arc<AtomicUsize>,
    room: Room,
    threads: Vec<JoinHandle<()>>,
}

impl Writer {
    /// `second` copies the log back while `first` writes. The log starts over at `long_log` pages.
    pub(super) fn start(
        mut first: Connection,
        second: Connection,
        room: Room,
        long_log: i64,
    ) -> Result<Self, StoreError> {
        let (queue, tasks) = mpsc::channel();
        let (soon, asked) = mpsc::channel();
        let waiting = Arc::default();
        let answered = Arc::clone(&waiting);
        let copying = Arc::new(Mutex::new(()));
        let mut log = Log::of(&mut first, Arc::clone(&copying), long_log)?;
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new()
                .name(name.into())
                .spawn(work)
                .map_err(|error| unavailable(format!("cannot start a thread: {error}")))
        };
        let threads = vec![
            spawn(
                "hum-sqlite-log",
                Box::new(move || copy_log_back(&second, &asked, &copying)),
            )?,
            spawn(
                "hum-sqlite",
                Box::new(move || write_all(&first, &tasks, &answered, &mut log, &soon)),
            )?,
        ];
        Ok(Self {
            queue: Some(queue),
            waiting,
            room,
            threads,
        })
    }

    /// Refuses at once what there is no room for.
    pub(super) fn send(&self, cause: Cause, task: Box<dyn Task>) -> Result<(), StoreError> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.room.for_batches(cause) {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(too_many_batches());
        }
        let sent = self.queue.as_ref().map(|queue| queue.send(task));
        if matches!(sent, Some(Ok(()))) {
            Ok(())
        } else {
            Err(unavailable("the writer stopped".into()))
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn write_all(
    connection: &Connection,
    tasks: &Receiver<Box<dyn Task>>,
    waiting: &AtomicUsize,
    log: &mut Log,
    checkpoint_soon: &Sender<()>,
) {
    let mut group = Vec::with_capacity(GROUP);
    let mut batches = 0;
    while let Ok(first) = tasks.recv() {
        group.push(first);
        group.extend(tasks.try_iter().take(GROUP - 1));
        let failed = commit(connection, &mut group).err();
        if let Some(error) = &failed {
            tracing::error!(%error, batches = group.len(), "a commit failed");
        }
        batches += group.len();
        // Before the answers: whoever has one finds room for the next.
        waiting.fetch_sub(group.len(), Ordering::Relaxed);
        for task in group.drain(..) {
            task.answer(failed.as_ref());
        }
        if batches >= BATCHES_UNTIL_CHECKPOINT {
            batches = 0;
            // Its receiver ends after this thread.
            let _ = checkpoint_soon.send(());
        }
        log.watch(connection);
    }
}

/// The log that commits go to.
struct Log {
    /// Its pages after the last commit.
    pages: Arc<AtomicI64>,
    /// With how many it starts over.
    limit: i64,
    /// With how many it is tried next, and how long that waits for reads.
    next: i64,
    wait: Duration,
    /// Held while it is copied back.
    copying: Arc<Mutex<()>>,
}

impl Log {
    fn of(
        writer: &mut Connection,
        copying: Arc<Mutex<()>>,
        limit: i64,
    ) -> Result<Self, StoreError> {
        let pages = Arc::new(AtomicI64::new(0));
        let seen = Arc::clone(&pages);
        let after_commit = move |_: &mut rusqlite::hooks::Wal, pages| {
            seen.store(i64::from(pages), Ordering::Relaxed);
            Ok(())
        };
        writer.wal_hook(Some(after_commit)).map_err(store_error)?;
        Ok(Self {
            pages,
            limit,
            next: limit,
            wait: WAIT_FOR_READS.0,
            copying,
        })
    }

    /// Lets the log start over when it is long.
    ///
    /// What is copied passively never reaches the end while somebody always reads and writes. Here
    /// nobody writes, so readers that come now see everything copied and need no log; only those
    /// that began before are waited for, briefly. When one of them takes longer, the next try is an
    /// eighth of the limit later, and twice as patient.
    fn watch(&mut self, writer: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.limit {
            self.next = self.limit;
            self.wait = WAIT_FOR_READS.0;
        }
        if pages < self.next {
            return;
        }
        // Two cannot copy at once; the other one has less left to do than before.
        let _alone = match self.copying.try_lock() {
            Ok(alone) => alone,
            Err(TryLockError::Poisoned(alone)) => alone.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        self.next = pages + self.limit / 8;
        let started_over = writer
            .busy_timeout(self.wait)
            .and_then(|()| checkpoint(writer, "RESTART"));
        self.wait = (self.wait * 2).min(WAIT_FOR_READS.1);
        if let Err(error) = started_over.and(writer.busy_timeout(BUSY)) {
            tracing::warn!(%error, pages, "the log could not start over");
        }
    }
}

/// One transaction for all of them, a savepoint for each.
fn commit(connection: &Connection, group: &mut [Box<dyn Task>]) -> Result<(), StoreError> {
    let step = |sql: &str| connection.prepare_cached(sql)?.execute([]);
    if !connection.is_autocommit() {
        step("ROLLBACK").map_err(store_error)?;
    }
    step("BEGIN IMMEDIATE").map_err(store_error)?;
    for task in group {
        step("SAVEPOINT batch").map_err(store_error)?;
        let keep = task.run(connection);
        if connection.is_autocommit() {
            // A full disk makes SQLite roll everything back by itself.
            return Err(unavailable("SQLite gave the transaction up".into()));
        }
        if !keep {
            step("ROLLBACK TO batch").map_err(store_error)?;
        }
        step("RELEASE batch").map_err(store_error)?;
    }
    if let Err(error) = step("COMMIT") {
        let _ = step("ROLLBACK");
        return Err(store_error(error));
    }
    Ok(())
}

/// The same without a thread, for one piece of work.
pub(super) fn inline<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, CommitError>,
) -> Result<T, CommitError> {
    let step = |sql: &str| {
        connection
            .prepare_cached(sql)
            .and_then(|mut sql| sql.execute([]))
            .map_err(store_error)
    };
    if !connection.is_autocommit() {
        step("ROLLBACK")?;
    }
    step("BEGIN IMMEDIATE")?;
    let result = work(connection);
    step(if result.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    result
}

fn checkpoint(connection: &Connection, how: &str) -> rusqlite::Result<()> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |_| Ok(()))
}

/// Passive: waits for nobody, and nobody waits for it. Ends when whoever asks does.
fn copy_log_back(connection: &Connection, asked: &Receiver<()>, copying: &Mutex<()>) {
    while asked.recv_timeout(CHECKPOINT) != Err(RecvTimeoutError::Disconnected) {
        // Who asked meanwhile, asked for this.
        asked.try_iter().for_each(drop);
        let _alone = lock(copying);
        if let Err(error) = checkpoint(connection, "PASSIVE") {
            tracing::warn!(%error, "could not copy the log back");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::{
        super::{SqliteStore, connection, open_reader},
        *,
    };

    /// Work that waits until it is let go, and says that it was answered.
    struct Held(Arc<AtomicBool>, Arc<AtomicUsize>);

    impl Task for Held {
        fn run(&mut self, _: &Connection) -> bool {
            while !self.0.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(1));
            }
            true
        }

        fn answer(self: Box<Self>, failed: Option<&StoreError>) {
            assert!(failed.is_none());
            self.1.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_full_queue_refuses_requests_and_then_jobs_and_answers_all_that_it_took() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("hum.db");
        let room = Room {
            batches: 10,
            batches_of_jobs: 3,
            ..Room::default()
        };
        let open = || connection::open(&path).expect("a connection");
        let writer = Writer::start(open(), open(), room, LONG_LOG).expect("threads");
        let (go, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let send = |cause| {
            let held = Held(Arc::clone(&go), Arc::clone(&answered));
            writer.send(cause, Box::new(held))
        };
        let full = |result| matches!(result, Err(StoreError::Overloaded(_)));
        for _ in 0..room.batches {
            send(Cause::Request).expect("there is room");
        }
        assert!(full(send(Cause::Request)));
        for _ in 0..room.batches_of_jobs {
            send(Cause::Job).expect("there is room for jobs");
        }
        assert!(full(send(Cause::Job)) && full(send(Cause::Request)));
        go.store(true, Ordering::Relaxed);
        while writer.waiting.load(Ordering::Relaxed) > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        send(Cause::Request).expect("there is room again");
        drop(writer);
        assert_eq!(answered.load(Ordering::Relaxed), 10 + 3 + 1);
    }

    /// How long the log's file is after 24 MiB were written while four readers read without a
    /// pause.
    fn log_under_readers(limit: i64) -> u64 {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("hum.db");
        let store = SqliteStore::open_with(&path, Room::default(), limit).expect("a database");
        let done = AtomicBool::new(false);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let engine = &store.engine;
        runtime
            .block_on(engine.execute("CREATE TABLE filler (body blob)".into(), Vec::new()))
            .expect("a table");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let reader = open_reader(&path).expect("a reader");
                let done = &done;
                scope.spawn(move || {
                    while !done.load(Ordering::Relaxed) {
                        let sql = "SELECT count(*) FROM (SELECT 1 FROM filler LIMIT 200)";
                        connection::rows(&reader, sql, &[])
                            .map_err(StoreError::from)
                            .expect("a count");
                    }
                });
            }
            for _ in 0..96 {
                let sql = "INSERT INTO filler WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 64) \
                     SELECT randomblob(4000) FROM n";
                runtime
                    .block_on(engine.execute(sql.into(), Vec::new()))
                    .expect("a commit");
            }
            done.store(true, Ordering::Relaxed);
        });
        let log = path.with_extension("db-wal");
        std::fs::metadata(log).expect("the log").len()
    }

    #[test]
    fn the_log_starts_over_while_others_read_without_a_pause() {
        const LIMIT: i64 = 1_024;
        let length = log_under_readers(LIMIT);
        let limit = LIMIT.unsigned_abs() * 4_096;
        assert!(
            length < 2 * limit,
            "{length} bytes, with a limit of {limit}"
        );
        // Without it, it does not.
        let length = log_under_readers(i64::MAX);
        assert!(length > 2 * limit, "{length} bytes without a limit");
    }
}
