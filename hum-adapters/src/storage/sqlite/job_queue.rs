//! Claiming and giving back: through the writer, so that two claims never meet.

use async_trait::async_trait;
use hum_core::{
    clock::Timestamp,
    id::{JobId, OrgId},
    job::{Claimed, JobKind, JobQueue},
    record::{Field as _, Value},
    store::StoreError,
};

use super::{
    super::job,
    SqliteStore,
    apply::yield_to_twin,
    connection::{execute, rows},
    not_a_conflict,
};

#[async_trait]
impl JobQueue for SqliteStore {
    async fn claim(
        &self,
        kinds: &[JobKind],
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Claimed>, StoreError> {
        let sql = job::sqlite_claim(kinds);
        let params = [now.write(), lease_until.write(), Value::Int(limit.into())];
        let claim = self
            .engine
            .write(move |connection| Ok(rows(connection, &sql, &params)?));
        job::claimed(claim.await.map_err(not_a_conflict)?, kinds)
    }

    async fn heartbeat(
        &self,
        org: OrgId,
        job: JobId,
        fence: i64,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let params = vec![
            Value::text(org),
            Value::text(job),
            Value::Int(fence),
            until.write(),
        ];
        Ok(self.engine.execute(job::heartbeat().into(), params).await? == 1)
    }

    async fn release(
        &self,
        org: OrgId,
        job: JobId,
        fence: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let held = [Value::text(org), Value::text(job), Value::Int(fence)];
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
        let sql = job::EXPIRED;
        // Most sweeps find nothing, and then nobody should have waited for the writer.
        if self.engine.rows(sql, &[now.write()])?.is_empty() {
            return Ok(0);
        }
        let sweep = self.engine.write(move |connection| {
            let mut swept = 0;
            for row in rows(connection, sql, &[now.write()])? {
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

    async fn next_due(&self, kinds: &[JobKind]) -> Result<Option<Timestamp>, StoreError> {
        let rows = self.engine.rows(&job::next_due(kinds), &[])?;
        Ok(job::due_at(&rows))
    }
}
