//! Reads that may be long: lists, counts, filters. They have a few connections of their own, so that
//! a point read never waits behind one. What waits is bounded, a read has a deadline, and one that
//! nobody waits for any more is cancelled.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hum_core::{record::Value, store::StoreError};
use sqlx::{
    AssertSqlSafe, Connection as _, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgRow},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    super::{
        query::{Rows, Sql},
        room::{Room, too_long, too_many_reads},
    },
    error::is_lost,
    statement,
};

/// How long is tried to cancel a statement before its connection is closed all the same.
const CANCEL: Duration = Duration::from_secs(2);

/// The connections for long reads.
pub(super) struct LongReads {
    options: PgConnectOptions,
    connections: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Session>>>,
    /// How many wait or are being done.
    reads: AtomicUsize,
    most: usize,
    longest: Duration,
    /// Where statements are cancelled from.
    others: PgPool,
}

/// A connection, and what the server calls it.
struct Session {
    connection: PgConnection,
    process: i32,
}

/// A place among the reads that wait or are being done.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl LongReads {
    pub(super) fn new(
        options: PgConnectOptions,
        connections: usize,
        room: Room,
        others: PgPool,
    ) -> Self {
        let longest = format!("{}ms", room.longest.as_millis());
        Self {
            options: options.options([("statement_timeout", longest)]),
            connections: Arc::new(Semaphore::new(connections)),
            idle: Arc::default(),
            reads: AtomicUsize::new(0),
            most: connections + room.long_reads,
            longest: room.longest,
            others,
        }
    }

    /// Dropping the future cancels the read.
    pub(super) async fn rows(&self, sql: Sql, params: Vec<Value>) -> Result<Rows, StoreError> {
        let before = self.reads.fetch_add(1, Ordering::Relaxed);
        let _place = Place(&self.reads);
        if before >= self.most {
            return Err(too_many_reads());
        }
        match tokio::time::timeout(self.longest, self.in_turn(sql, &params)).await {
            Ok(rows) => rows,
            Err(_) => Err(too_long()),
        }
    }

    async fn in_turn(&self, sql: Sql, params: &[Value]) -> Result<Rows, StoreError> {
        let Ok(permit) = Arc::clone(&self.connections).acquire_owned().await else {
            return Err(StoreError::Unavailable("the store is closed".into()));
        };
        let mut running = Running {
            session: None,
            idle: Arc::clone(&self.idle),
            others: self.others.clone(),
            permit: Some(permit),
        };
        let rows = match self.once(&mut running, sql.clone(), params).await {
            // It was idle, and is gone: the next one is new.
            Err(error) if is_lost(&error) => {
                running.session = None;
                lock(&self.idle).clear();
                self.once(&mut running, sql, params).await
            }
            result => result,
        };
        statement::all_values(rows)
    }

    async fn once(
        &self,
        running: &mut Running,
        sql: Sql,
        params: &[Value],
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        let idle = lock(&self.idle).pop();
        let session = match idle {
            Some(session) => session,
            None => self.connect().await?,
        };
        let session = running.session.insert(session);
        let rows = statement::bind(sqlx::query(AssertSqlSafe(sql)), params)
            .fetch_all(&mut session.connection)
            .await;
        if !rows.as_ref().is_err_and(is_lost) {
            running.keep();
        }
        rows
    }

    async fn connect(&self) -> Result<Session, sqlx::Error> {
        let mut connection = PgConnection::connect_with(&self.options).await?;
        let process = sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&mut connection)
            .await?;
        Ok(Session {
            connection,
            process,
        })
    }
}

/// A read that is being done. When it is dropped before its end, its statement is cancelled and its
/// connection closed; only then may another one take its place.
struct Running {
    session: Option<Session>,
    idle: Arc<Mutex<Vec<Session>>>,
    others: PgPool,
    permit: Option<OwnedSemaphorePermit>,
}

impl Running {
    /// It came to its end: the next one may use the connection.
    fn keep(&mut self) {
        lock(&self.idle).extend(self.session.take());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else {
            return;
        };
        let (others, permit) = (self.others.clone(), self.permit.take());
        // Without a runtime nothing can be cancelled, and nobody is left to wait for it.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            let cancel = sqlx::query("SELECT pg_cancel_backend($1)")
                .bind(session.process)
                .execute(&others);
            // Its own deadline ends it when this does not.
            let _ = tokio::time::timeout(CANCEL, cancel).await;
            drop(session);
            drop(permit);
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
