//! Claiming and giving back.

use async_trait::async_trait;
use hum_core::{
    clock::Timestamp,
    id::{JobId, OrgId},
    job::{Claimed, JobKind, JobQueue},
    record::{Field as _, Value},
    store::StoreError,
};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use super::{
    super::job,
    PostgresStore,
    error::{Class, class, store_error},
    group::yield_to_twin,
    statement::{bind, values},
};

/// How often a transaction is tried that another one got in the way of.
const TRIES: usize = 5;

#[async_trait]
impl JobQueue for PostgresStore {
    async fn claim(
        &self,
        kinds: &[JobKind],
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Claimed>, StoreError> {
        let params = [now.write(), lease_until.write(), Value::Int(limit.into())];
        for _ in 0..TRIES {
            let claim = bind(
                sqlx::query(AssertSqlSafe(job::postgres_claim(kinds))),
                &params,
            );
            match claim.fetch_all(&self.engine.pool).await {
                Ok(rows) => {
                    return job::claimed(rows.iter().map(values).collect::<Result<_, _>>()?, kinds);
                }
                Err(error) if class(&error) == Class::InTheWay => {}
                Err(error) => return Err(store_error(&error)),
            }
        }
        // Others are claiming the same jobs; they are in good hands.
        Ok(Vec::new())
    }

    async fn heartbeat(
        &self,
        org: OrgId,
        job: JobId,
        fence: i64,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let params = [
            Value::text(org),
            Value::text(job),
            Value::Int(fence),
            until.write(),
        ];
        Ok(self
            .engine
            .execute(job::heartbeat().into(), &params)
            .await?
            == 1)
    }

    async fn release(
        &self,
        org: OrgId,
        job: JobId,
        fence: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let held = [Value::text(org), Value::text(job), Value::Int(fence)];
        for _ in 0..TRIES {
            match self.release_once(&held, now).await {
                Err(error) if class(&error) == Class::InTheWay => {}
                result => return result.map_err(|error| store_error(&error)),
            }
        }
        // Its lease will run out.
        Ok(())
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        let expired = job::EXPIRED;
        for _ in 0..TRIES {
            match self.sweep_once(expired, now).await {
                Err(error) if class(&error) == Class::InTheWay => {}
                result => return result.map_err(|error| store_error(&error)),
            }
        }
        // The next sweep finds what is left.
        Ok(0)
    }

    async fn next_due(&self, kinds: &[JobKind]) -> Result<Option<Timestamp>, StoreError> {
        let rows = self.engine.rows(job::next_due(kinds).into(), &[]).await?;
        Ok(job::due_at(&rows))
    }
}

impl PostgresStore {
    async fn release_once(&self, held: &[Value; 3], now: Timestamp) -> Result<(), sqlx::Error> {
        let mut transaction = self.engine.pool.begin().await?;
        queue_again(&mut transaction, job::release(), held, now).await?;
        transaction.commit().await
    }

    async fn sweep_once(&self, expired: &'static str, now: Timestamp) -> Result<u64, sqlx::Error> {
        let mut transaction = self.engine.pool.begin().await?;
        let rows = sqlx::query(expired)
            .bind(now.as_micros())
            .fetch_all(&mut *transaction)
            .await?;
        let mut swept = 0;
        for row in rows {
            let (org, job, fence): (String, String, i64) =
                (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            let held = [Value::Text(org), Value::Text(job), Value::Int(fence)];
            if queue_again(&mut transaction, job::requeue(), &held, now).await? {
                swept += 1;
            }
        }
        transaction.commit().await?;
        Ok(swept)
    }
}

/// Gives a claim back with `sql`, or to its twin; `false` when it is not held any more.
async fn queue_again(
    connection: &mut PgConnection,
    sql: String,
    held: &[Value; 3],
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let [org, job, fence] = held.clone();
    let params = [org, job, fence, now.write()];
    let queued = bind(sqlx::query(AssertSqlSafe(sql)), &params)
        .execute(&mut *connection)
        .await?;
    Ok(queued.rows_affected() == 1 || yield_to_twin(connection, held, now.write()).await?)
}
