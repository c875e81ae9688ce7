//! Postgres: for several processes on one database.
//!
//! Reads are one round trip each, on a pool; what may be long has connections of its own
//! ([`long_read`]). Commits of this process meet at a few writers ([`writer`]), which take what waits
//! into one transaction, with one statement for all rows of a table ([`group`]).

mod error;
mod group;
mod job_queue;
mod long_read;
mod plan;
mod relay;
mod statement;
mod together;
mod writer;

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    ptr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use hum_core::{
    OrgReads, Storage, SystemReads,
    batch::{Batch, Committed},
    id::OrgId,
    record::{RecordReads, Value},
    store::{CommitError, Store, StoreError},
};
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool, Row as _,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::oneshot;

use super::{
    migration,
    op::lower,
    query::{Database, Rows, SharedRead, Sql, inspected},
    room::{Cause, Room},
};
use error::{again_if_lost, store_error};
use long_read::LongReads;
use relay::Relay;
use together::Together;
use writer::{Waiting, Writer};

/// What the connections of one process are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Connections {
    /// How many transactions write at once. Batches of an organization always meet at the same
    /// writer, so the row that counts its events is not waited for.
    writers: usize,
    /// How many point reads are done at once.
    readers: usize,
    long_reads: usize,
}

impl Connections {
    /// Of so many in all, of which one is for listening.
    fn of(all: usize) -> Self {
        let writers = (all * 3 / 10).max(1);
        let long_reads = (all / 5).max(1);
        Self {
            writers,
            readers: all.saturating_sub(1 + writers + long_reads).max(1),
            long_reads,
        }
    }
}

/// Any number, the same in every process: the lock under which the schema changes.
const MIGRATION_LOCK: i64 = 0x68_75_6d;

/// Durable memory in a Postgres database. Cloning gives another handle on the same connections.
#[derive(Clone)]
pub struct PostgresStore {
    database: Database,
    engine: Arc<Postgres>,
}

/// The database behind a handle.
pub(crate) struct Postgres {
    pool: PgPool,
    long_reads: LongReads,
    together: Mutex<Vec<(&'static SharedRead, Together)>>,
    writers: Vec<Writer>,
    _relay: Option<Relay>,
}

impl PostgresStore {
    /// How many connections a process has when nobody says.
    pub const CONNECTIONS: usize = 10;
    /// One of each use, which is the least that works.
    pub const FEWEST_CONNECTIONS: usize = 4;

    /// Connects to `url` (`postgres://user:password@host/database`) and brings the schema up to
    /// date.
    ///
    /// # Errors
    /// A sentence for people: the address is wrong, nobody answers, or the schema is newer than
    /// this build.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Self::connect_with(url, Self::CONNECTIONS).await
    }

    /// The same, with at most so many connections, one of which is left for listening: at least
    /// [`Self::FEWEST_CONNECTIONS`].
    ///
    /// # Errors
    /// The same.
    pub async fn connect_with(url: &str, connections: usize) -> Result<Self, StoreError> {
        Self::open(url, Connections::of(connections), Room::default()).await
    }

    async fn open(url: &str, connections: Connections, room: Room) -> Result<Self, StoreError> {
        let options: PgConnectOptions = url.parse().map_err(|_| {
            StoreError::Unavailable("not an address such as postgres://user@host/database".into())
        })?;
        // Every statement has an index to go by, and every list one in its order. Plans are made
        // once, perhaps while a table is still empty, and must not be those of an empty table.
        let options = options
            .application_name("hum")
            .statement_cache_capacity(512)
            .options([
                ("enable_seqscan", "off"),
                ("enable_bitmapscan", "off"),
                ("enable_sort", "off"),
                ("enable_incremental_sort", "off"),
                ("enable_hashjoin", "off"),
                ("enable_mergejoin", "off"),
                ("plan_cache_mode", "force_generic_plan"),
                ("jit", "off"),
                ("statement_timeout", "30s"),
            ]);
        migrate(&options).await?;
        let (options, relay) = relay::without_delay(options);
        let pool = PgPoolOptions::new()
            .max_connections(u32::try_from(connections.readers).unwrap_or(u32::MAX))
            .acquire_timeout(Duration::from_secs(10))
            // The test would be a round trip before each read; a read on a connection that is gone
            // is repeated instead.
            .test_before_acquire(false)
            .connect_lazy_with(options.clone());
        let writers = (0..connections.writers)
            .map(|_| Writer::start(options.clone(), room))
            .collect();
        let long_reads = LongReads::new(options, connections.long_reads, room, pool.clone());
        let engine = Arc::new(Postgres {
            pool,
            together: Mutex::default(),
            long_reads,
            writers,
            _relay: relay,
        });
        Ok(Self {
            database: Database::Postgres(Arc::clone(&engine)),
            engine,
        })
    }
}

inspected!(PostgresStore);

#[async_trait]
impl Store for PostgresStore {
    async fn commit(&self, batch: Batch) -> Result<Committed, CommitError> {
        let mut hasher = DefaultHasher::new();
        batch.org.hash(&mut hasher);
        let ops = lower(batch)?;
        let writer = &self.engine.writers[hasher.finish() as usize % self.engine.writers.len()];
        let (to, answer) = oneshot::channel();
        writer.send(Cause::of(&ops), Waiting { ops, to })?;
        answer
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("the writer stopped".into()).into()))
    }

    fn records(&self, org: OrgId) -> Arc<dyn RecordReads> {
        self.database.org(org)
    }
}

impl Storage for PostgresStore {
    fn org(&self, org: OrgId) -> Arc<dyn OrgReads> {
        self.database.org(org)
    }

    fn system(&self) -> Arc<dyn SystemReads> {
        Arc::new(self.database.clone())
    }
}

impl Postgres {
    pub(crate) async fn rows(&self, sql: Sql, params: &[Value]) -> Result<Rows, StoreError> {
        let read = || {
            statement::bind(sqlx::query(AssertSqlSafe(sql.clone())), params).fetch_all(&self.pool)
        };
        statement::all_values(again_if_lost(read).await)
    }

    /// One of the reads that are asked together.
    pub(crate) async fn shared_row(
        &self,
        read: &'static SharedRead,
        params: Vec<Value>,
    ) -> Result<Option<Vec<Value>>, StoreError> {
        self.together(read).row(params).await
    }

    /// Those who ask for `read`, from its first use on.
    fn together(&self, read: &'static SharedRead) -> Together {
        let mut all = self.together.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, together)) = all.iter().find(|(known, _)| ptr::eq(*known, read)) {
            return together.clone();
        }
        let together = Together::start(&self.pool, read);
        all.push((read, together.clone()));
        together
    }

    /// Reads what may be long, on a connection for that.
    pub(crate) async fn long_rows(&self, sql: Sql, params: Vec<Value>) -> Result<Rows, StoreError> {
        self.long_reads.rows(sql, params).await
    }

    /// How the server goes about a statement, whatever its parameters: the plan that it keeps.
    pub(crate) async fn explain(&self, sql: &str) -> Result<Vec<String>, StoreError> {
        let explain = async {
            let mut connection = self.pool.acquire().await?;
            let prepare = format!("PREPARE explained AS {sql}");
            connection
                .execute(sqlx::raw_sql(AssertSqlSafe(prepare)))
                .await?;
            let count = "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'explained'";
            let count: i32 = sqlx::query_scalar(count)
                .fetch_one(&mut *connection)
                .await?;
            let nulls = vec!["NULL"; usize::try_from(count).unwrap_or_default()].join(", ");
            let execute = match count {
                0 => "EXPLAIN EXECUTE explained".to_owned(),
                _ => format!("EXPLAIN EXECUTE explained({nulls})"),
            };
            let steps = connection
                .fetch_all(sqlx::raw_sql(AssertSqlSafe(execute)))
                .await?;
            connection
                .execute(sqlx::raw_sql("DEALLOCATE explained"))
                .await?;
            let steps: Result<Vec<String>, _> = steps.iter().map(|step| step.try_get(0)).collect();
            steps
        };
        explain
            .await
            .map_err(|error: sqlx::Error| store_error(&error))
    }

    /// One statement that writes, on its own.
    pub(crate) async fn execute(&self, sql: Sql, params: &[Value]) -> Result<u64, StoreError> {
        let done = statement::bind(sqlx::query(AssertSqlSafe(sql)), params)
            .execute(&self.pool)
            .await;
        Ok(done.map_err(|error| store_error(&error))?.rows_affected())
    }
}

async fn migrate(options: &PgConnectOptions) -> Result<(), StoreError> {
    let failed = |what: &'static str| {
        move |error| StoreError::Unavailable(format!("{what}: {}", store_error(&error)))
    };
    let mut connection = PgConnection::connect_with(options)
        .await
        .map_err(failed("cannot connect to the Postgres database"))?;
    let mut transaction = connection
        .begin()
        .await
        .map_err(failed("cannot change the schema"))?;
    // Whoever comes second waits here and then finds everything applied.
    let lock = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(MIGRATION_LOCK);
    lock.execute(&mut *transaction)
        .await
        .map_err(failed("cannot change the schema"))?;
    transaction
        .execute(sqlx::raw_sql(migration::TABLE))
        .await
        .map_err(failed("cannot change the schema"))?;
    let rows = sqlx::query(migration::APPLIED)
        .fetch_all(&mut *transaction)
        .await
        .map_err(failed("cannot read the schema"))?;
    let applied = migration::applied(
        rows.iter()
            .map(statement::values)
            .collect::<Result<_, _>>()?,
    )?;
    for migration in
        migration::check(&applied, migration::POSTGRES, false).map_err(StoreError::Unavailable)?
    {
        transaction
            .execute(sqlx::raw_sql(migration.sql))
            .await
            .map_err(failed("cannot change the schema"))?;
        let row = statement::bind(sqlx::query(migration::APPLY), &migration.row())
            .execute(&mut *transaction)
            .await;
        row.map_err(failed("cannot change the schema"))?;
    }
    transaction
        .commit()
        .await
        .map_err(failed("cannot change the schema"))?;
    let _ = connection.close().await;
    Ok(())
}
