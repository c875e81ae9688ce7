//! Postgres: for several processes on one database.
//!
//! Reads are one round trip each, on a pool. Commits of this process meet at a few writers
//! ([`writer`]), which take what waits into one transaction, with one statement for all rows of a
//! table ([`group`]).

mod error;
mod group;
mod job_queue;
mod plan;
mod relay;
mod statement;
mod writer;

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
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
    AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::oneshot;

use super::{
    SchemaColumn, SchemaIndex, migration,
    op::lower,
    query::{Database, Sql},
};
use error::store_error;
use relay::Relay;
use writer::{Waiting, Writer};

/// How many transactions of one process write at once. Batches of an organization always meet at
/// the same writer, so the row that counts its events is not waited for.
const WRITERS: usize = 4;
const READERS: u32 = 16;
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
    writers: Vec<Writer>,
    _relay: Option<Relay>,
}

impl PostgresStore {
    /// Connects to `url` (`postgres://user:password@host/database`) and brings the schema up to
    /// date.
    ///
    /// # Errors
    /// A sentence for people: the address is wrong, nobody answers, or the schema is newer than
    /// this build.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let options: PgConnectOptions = url.parse().map_err(|_| {
            StoreError::Unavailable("not an address such as postgres://user@host/database".into())
        })?;
        // Every statement has an index to go by. Plans are made once, perhaps while a table is
        // still empty, and must not be those of an empty table.
        let options = options
            .application_name("hum")
            .statement_cache_capacity(512)
            .options([
                ("enable_seqscan", "off"),
                ("enable_bitmapscan", "off"),
                ("enable_hashjoin", "off"),
                ("enable_mergejoin", "off"),
                ("plan_cache_mode", "force_generic_plan"),
                ("jit", "off"),
                ("statement_timeout", "30s"),
            ]);
        migrate(&options).await?;
        let (options, relay) = relay::without_delay(options);
        let pool = PgPoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(Duration::from_secs(10))
            // The test would be a round trip before each read; a read on a connection that is gone
            // is repeated instead.
            .test_before_acquire(false)
            .connect_lazy_with(options.clone());
        let writers = (0..WRITERS)
            .map(|_| Writer::start(options.clone()))
            .collect();
        let engine = Arc::new(Postgres {
            pool,
            writers,
            _relay: relay,
        });
        Ok(Self {
            database: Database::Postgres(Arc::clone(&engine)),
            engine,
        })
    }
}

impl PostgresStore {
    /// Every column of every table, to be compared with what the records declare.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn schema(&self) -> Result<Vec<SchemaColumn>, StoreError> {
        self.database.schema().await
    }

    /// Every index, to be compared with what the records declare.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn indexes(&self) -> Result<Vec<SchemaIndex>, StoreError> {
        self.database.indexes().await
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn commit(&self, batch: Batch) -> Result<Committed, CommitError> {
        let mut hasher = DefaultHasher::new();
        batch.org.hash(&mut hasher);
        let ops = lower(batch)?;
        let writer = &self.engine.writers[hasher.finish() as usize % self.engine.writers.len()];
        let (to, answer) = oneshot::channel();
        writer.send(Waiting { ops, to })?;
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
    pub(crate) async fn rows(
        &self,
        sql: Sql,
        params: &[Value],
    ) -> Result<Vec<Vec<Value>>, StoreError> {
        let read = || {
            statement::bind(sqlx::query(AssertSqlSafe(sql.clone())), params).fetch_all(&self.pool)
        };
        let rows = match read().await {
            Err(error) if error::is_lost(&error) => read().await,
            result => result,
        };
        rows.map_err(|error| store_error(&error))?
            .iter()
            .map(statement::values)
            .collect()
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
