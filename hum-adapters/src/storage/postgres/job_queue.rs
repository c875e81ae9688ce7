//! Claiming and giving back.

use async_trait::async_trait;
use hum_core::{
    clock::Timestamp,
    job::{Claim, Claimed, JobQueue, Line, Look, NextDue, Want},
    record::{Column, Field as _, Value},
    store::StoreError,
};
use sqlx::{AssertSqlSafe, PgConnection, Row as _, postgres::PgRow};

use super::{
    super::{
        job,
        query::{Sql, sql},
    },
    PostgresStore,
    error::{Class, again_if_lost, class, store_error},
    group::yield_to_twin,
    statement::{all_values, bind, bind_rows},
};

/// How often a transaction is tried that another one got in the way of.
const TRIES: usize = 5;

#[async_trait]
impl JobQueue for PostgresStore {
    async fn next_due(&self) -> Result<NextDue, StoreError> {
        let rows = self.engine.rows(job::NEXT_DUE.into(), &[]).await?;
        Ok(job::next_due(&rows))
    }

    async fn promote(&self, now: Timestamp) -> Result<u64, StoreError> {
        let sql = sql!("{}", job::postgres_promote());
        self.engine.execute(sql, &[now.write()]).await
    }

    async fn lines(&self, looks: &[Look], limit: u32) -> Result<Vec<Line>, StoreError> {
        let parts = job::parts(looks);
        let sql = sql!("{}", job::postgres_lines());
        let limit_param = [Value::Int(limit.into())];
        let look = || self.of_many(sql.clone(), job::PART, &parts, &limit_param);
        job::lines(all_values(again_if_lost(look).await)?, looks, limit)
    }

    async fn claim(
        &self,
        wants: &[Want],
        lease_until: Timestamp,
    ) -> Result<Vec<Claimed>, StoreError> {
        if wants.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<_> = wants.iter().map(job::wanted).collect();
        for _ in 0..TRIES {
            let sql = sql!("{}", job::postgres_claim());
            match self
                .of_many(sql, job::WANT, &rows, &[lease_until.write()])
                .await
            {
                Ok(rows) => return job::claimed(all_values(Ok(rows))?, wants),
                Err(error) if class(&error) == Class::InTheWay => {}
                Err(error) => return Err(store_error(&error)),
            }
        }
        // Others are claiming the same jobs; they are in good hands.
        Ok(Vec::new())
    }

    async fn renew(
        &self,
        claims: &[Claim],
        lease_until: Timestamp,
    ) -> Result<Vec<Claim>, StoreError> {
        let rows: Vec<_> = claims.iter().copied().map(job::held).collect();
        let sql = Sql::Borrowed(job::RENEW_MANY);
        let renewed = self
            .of_many(sql, job::CLAIM_COLUMNS, &rows, &[lease_until.write()])
            .await;
        Ok(job::renewed(&all_values(renewed)?, claims))
    }

    async fn release(&self, claim: Claim, now: Timestamp) -> Result<(), StoreError> {
        let held = job::held(claim);
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
}

impl PostgresStore {
    /// Runs a statement over many rows: `$n` is an array with the n-th column of each, and `more`
    /// comes after them.
    async fn of_many<const N: usize>(
        &self,
        sql: Sql,
        columns: &[Column],
        rows: &[[Value; N]],
        more: &[Value],
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        let slices: Vec<&[Value]> = rows.iter().map(|row| row.as_slice()).collect();
        let statement = bind_rows(sqlx::query(AssertSqlSafe(sql)), columns, &slices);
        bind(statement, more).fetch_all(&self.engine.pool).await
    }

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
