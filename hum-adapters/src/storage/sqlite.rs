//! SQLite: the embedded database of one process, and the simulator's.
//!
//! One thread writes ([`writer`]): it takes the batches that wait, up to 256, into one transaction
//! with a savepoint for each, waits for the disk once, and answers all of them. Readers never wait
//! for it (WAL). Point reads happen where they are called; what may be long goes to a few threads of
//! its own ([`long_read`]).
//!
//! In memory there are no threads: a commit happens where it is called, so that a seed replays it
//! exactly.

mod apply;
mod connection;
mod job_queue;
mod long_read;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use hum_core::{
    OrgReads, Storage, SystemReads,
    batch::{Batch, Committed},
    id::OrgId,
    record::{RecordReads, Value},
    store::{CommitError, Store, StoreError},
};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    migration,
    op::lower,
    query::{Database, Rows, Sql, inspected},
    room::{Cause, Room},
};
use long_read::LongReads;
use writer::{LONG_LOG, Reply, Writer};

/// Durable memory in one SQLite file, or in memory. Cloning gives another handle on the same one.
#[derive(Clone)]
pub struct SqliteStore {
    database: Database,
    engine: Arc<Sqlite>,
}

impl SqliteStore {
    /// Opens or creates the file at `path`, and the folders that it is in, and brings its schema up
    /// to date.
    ///
    /// # Errors
    /// The file cannot be opened, or its schema is newer than this build: a sentence for people.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, Room::default(), LONG_LOG)
    }

    /// The same, which takes on so much, and whose log starts over at so many pages.
    fn open_with(path: &Path, room: Room, long_log: i64) -> Result<Self, StoreError> {
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder).map_err(|error| {
                unavailable(format!(
                    "cannot create the folder {}: {error}",
                    folder.display()
                ))
            })?;
        }
        let connection = connection::open(path)?;
        migrate(&connection)?;
        let writer = Writer::start(connection, connection::open(path)?, room, long_log)?;
        Ok(Self::on(Sqlite::File {
            path: path.to_owned(),
            writer,
            readers: Mutex::new(Vec::new()),
            long_reads: LongReads::start(path, room)?,
        }))
    }

    /// An empty database in memory, which lives as long as a handle on it.
    ///
    /// # Errors
    /// SQLite has no memory left.
    pub fn in_memory() -> Result<Self, StoreError> {
        let connection = connection::open_in_memory()?;
        migrate(&connection)?;
        Ok(Self::on(Sqlite::Memory(Mutex::new(connection))))
    }

    fn on(engine: Sqlite) -> Self {
        let engine = Arc::new(engine);
        Self {
            database: Database::Sqlite(Arc::clone(&engine)),
            engine,
        }
    }
}

inspected!(SqliteStore);

#[async_trait]
impl Store for SqliteStore {
    async fn commit(&self, batch: Batch) -> Result<Committed, CommitError> {
        let ops = lower(batch)?;
        let cause = Cause::of(&ops);
        self.engine
            .write_for(cause, move |connection| apply::apply(connection, ops))
            .await
    }

    fn records(&self, org: OrgId) -> Arc<dyn RecordReads> {
        self.database.org(org)
    }
}

impl Storage for SqliteStore {
    fn org(&self, org: OrgId) -> Arc<dyn OrgReads> {
        self.database.org(org)
    }

    fn system(&self) -> Arc<dyn SystemReads> {
        Arc::new(self.database.clone())
    }
}

/// The database behind a handle.
pub(crate) enum Sqlite {
    /// One connection for everything.
    Memory(Mutex<Connection>),
    /// A file in WAL mode.
    File {
        path: PathBuf,
        writer: Writer,
        /// Connections that nobody reads with at the moment.
        readers: Mutex<Vec<Connection>>,
        long_reads: LongReads,
    },
}

/// Idle readers that are kept; more are opened when more threads read at once.
const IDLE_READERS: usize = 16;

impl Sqlite {
    /// Reads where it is called: a point read of cached pages takes about ten microseconds, less
    /// than moving it to another thread and back.
    pub(crate) fn rows(&self, sql: &str, params: &[Value]) -> Result<Rows, StoreError> {
        let (path, readers) = match self {
            Self::Memory(connection) => {
                return Ok(connection::rows(&lock(connection), sql, params)?);
            }
            Self::File { path, readers, .. } => (path, readers),
        };
        let idle = lock(readers).pop();
        let connection = idle.map_or_else(|| open_reader(path), Ok)?;
        let rows = connection::rows(&connection, sql, params);
        let mut idle = lock(readers);
        if idle.len() < IDLE_READERS {
            idle.push(connection);
        }
        Ok(rows?)
    }

    /// Reads what may be long, on another thread. In memory there is none.
    pub(crate) async fn long_rows(&self, sql: Sql, params: Vec<Value>) -> Result<Rows, StoreError> {
        match self {
            Self::Memory(_) => self.rows(&sql, &params),
            Self::File { long_reads, .. } => long_reads.rows(sql, params).await,
        }
    }

    /// One statement that writes, on its own, for jobs and for upkeep.
    pub(crate) async fn execute(&self, sql: Sql, params: Vec<Value>) -> Result<u64, StoreError> {
        let work = move |connection: &Connection| {
            Ok(connection::execute(connection, &sql, &params)? as u64)
        };
        self.write(work).await.map_err(not_a_conflict)
    }

    /// The same as [`Self::write_for`], for jobs and for upkeep.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, CommitError> + Send + 'static,
    ) -> Result<T, CommitError> {
        self.write_for(Cause::Job, work).await
    }

    /// Does `work` in a transaction, or not at all when it answers an error.
    async fn write_for<T: Send + 'static>(
        &self,
        cause: Cause,
        work: impl FnOnce(&Connection) -> Result<T, CommitError> + Send + 'static,
    ) -> Result<T, CommitError> {
        let writer = match self {
            Self::Memory(connection) => return writer::inline(&lock(connection), work),
            Self::File { writer, .. } => writer,
        };
        let (to, answer) = oneshot::channel();
        writer.send(cause, Box::new(Reply::new(work, to)))?;
        match answer.await {
            Ok(result) => result,
            Err(_) => Err(unavailable("the writer stopped".into()).into()),
        }
    }
}

fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = connection::open(path)?;
    connection
        .pragma_update(None, "query_only", true)
        .map_err(store_error)?;
    Ok(connection)
}

/// A panic elsewhere does not make the connection wrong: a transaction that was open is rolled back
/// by the next one.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn migrate(connection: &Connection) -> Result<(), StoreError> {
    let run = || -> Result<Result<(), String>, StoreError> {
        connection
            .execute_batch(migration::TABLE)
            .map_err(store_error)?;
        let applied = migration::applied(connection::rows(connection, migration::APPLIED, &[])?)?;
        let missing = match migration::check(&applied, migration::SQLITE, false) {
            Ok(missing) => missing,
            Err(sentence) => return Ok(Err(sentence)),
        };
        for migration in missing {
            connection
                .execute_batch(migration.sql)
                .map_err(store_error)?;
            connection::execute(connection, migration::APPLY, &migration.row())?;
        }
        Ok(Ok(()))
    };
    // Whoever comes second waits here and then finds everything applied.
    connection
        .execute_batch("BEGIN IMMEDIATE")
        .map_err(store_error)?;
    let result = run().and_then(|checked| checked.map_err(StoreError::Unavailable));
    connection
        .execute_batch(if result.is_ok() { "COMMIT" } else { "ROLLBACK" })
        .map_err(store_error)?;
    result
}

fn unavailable(what: String) -> StoreError {
    StoreError::Unavailable(what)
}

fn store_error(error: rusqlite::Error) -> StoreError {
    unavailable(format!("SQLite: {error}"))
}

/// For work that cannot conflict by itself.
fn not_a_conflict(error: CommitError) -> StoreError {
    match error {
        CommitError::Store(error) => error,
        CommitError::Conflict(conflict) => unavailable(conflict.to_string()),
    }
}
