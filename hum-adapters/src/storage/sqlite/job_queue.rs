//! Claiming and giving back: through the writer, so that two claims never meet.

use async_trait::async_trait;
use hum_core::{
    clock::Timestamp,
    job::{Claim, Claimed, JobQueue, Line, Look, NextDue, Want},
    record::{Field as _, Value},
    store::StoreError,
};

use super::{
    super::{job, query::sql},
    SqliteStore,
    apply::yield_to_twin,
    connection::{execute, rows},
    not_a_conflict,
};

#[async_trait]
impl JobQueue for SqliteStore {
    async fn next_due(&self) -> Result<NextDue, StoreError> {
        Ok(job::next_due(&self.engine.rows(job::NEXT_DUE, &[])?))
    }

    async fn promote(&self, now: Timestamp) -> Result<u64, StoreError> {
        let sql = sql!("{}", job::sqlite_promote());
        self.engine.execute(sql, vec![now.write()]).await
    }

    async fn lines(&self, looks: &[Look], limit: u32) -> Result<Vec<Line>, StoreError> {
        if looks.is_empty() {
            return Ok(Vec::new());
        }
        let parts = job::parts(looks);
        let sql = job::sqlite_lines(parts.len());
        let params: Vec<Value> = std::iter::once(Value::Int(limit.into()))
            .chain(parts.into_iter().flatten())
            .collect();
        job::lines(self.engine.rows(&sql, &params)?, looks, limit)
    }

    async fn claim(
        &self,
        wants: &[Want],
        lease_until: Timestamp,
    ) -> Result<Vec<Claimed>, StoreError> {
        if wants.is_empty() {
            return Ok(Vec::new());
        }
        let sql = sql!("{}", job::sqlite_claim());
        let params = wants.iter().map(|want| {
            let [kind, org, queue, most] = job::wanted(want);
            [kind, org, queue, most, lease_until.write()]
        });
        let params: Vec<_> = params.collect();
        let claim = self.engine.write(move |connection| {
            let mut claimed = Vec::new();
            for params in &params {
                claimed.extend(rows(connection, &sql, params)?);
            }
            Ok(claimed)
        });
        job::claimed(claim.await.map_err(not_a_conflict)?, wants)
    }

    async fn renew(
        &self,
        claims: &[Claim],
        lease_until: Timestamp,
    ) -> Result<Vec<Claim>, StoreError> {
        let sql = sql!("{}", job::renew());
        let params = claims.iter().map(|claim| {
            let [org, job, fence] = job::held(*claim);
            [org, job, fence, lease_until.write()]
        });
        let params: Vec<_> = params.collect();
        let renew = self.engine.write(move |connection| {
            let mut renewed = Vec::new();
            for params in &params {
                renewed.extend(rows(connection, &sql, params)?);
            }
            Ok(renewed)
        });
        Ok(job::renewed(&renew.await.map_err(not_a_conflict)?, claims))
    }

    async fn release(&self, claim: Claim, now: Timestamp) -> Result<(), StoreError> {
        let held = job::held(claim);
        let give_back = self.engine.write(move |connection| {
            let [org, job, fence] = held.clone();
            if execute(connection, &job::release(), &[org, job, fence, now.write()])? == 0 {
                yield_to_twin(connection, &job::yield_to_twin(), &held, now)?;
            }
            Ok(())
        });
        give_back.await.map_err(not_a_conflict)
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        let sweep = self.engine.write(move |connection| {
            let mut swept = 0;
            for row in rows(connection, job::EXPIRED, &[now.write()])? {
                let Ok(held) = <[Value; 3]>::try_from(row) else {
                    continue;
                };
                let [org, job, fence] = held.clone();
                let queued =
                    execute(connection, &job::requeue(), &[org, job, fence, now.write()])? == 1;
                if queued || yield_to_twin(connection, &job::yield_to_twin(), &held, now)? {
                    swept += 1;
                }
            }
            Ok(swept)
        });
        sweep.await.map_err(not_a_conflict)
    }
}
