//! Reads that come before an organization is known, and the operator's view of all of them.

use std::sync::Arc;

use async_trait::async_trait;
use hum_core::{
    Census, Counts, OrgReads,
    access::{ApiKey, KeyDirectory},
    clock::Timestamp,
    id::{ApiKeyId, OrgId},
    number::E164,
    organization::{CarrierAccount, Organization, OrganizationDirectory},
    record::{Field as _, Value},
    sms::{InboundState, SendAttempt, SmsRouting},
    store::{StoreError, Upkeep},
};

use super::{
    migration,
    query::{Database, OrgStore, count, records, sql},
    sms::load_inbound,
    table::columns,
};

impl Database {
    /// Reads of one organization.
    pub(crate) fn org(&self, org: OrgId) -> Arc<dyn OrgReads> {
        Arc::new(OrgStore::new(self.clone(), org))
    }
}

#[async_trait]
impl Upkeep for Database {
    async fn ready(&self) -> Result<(), StoreError> {
        let rows = self.rows(migration::APPLIED.into(), &[]).await?;
        migration::check(&migration::applied(rows)?, self.migrations(), true)
            .map(drop)
            .map_err(StoreError::Unavailable)
    }

    async fn purge_expired(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.execute(
            sql!("DELETE FROM stored_reply WHERE expires_at <= $1"),
            vec![now.write()],
        )
        .await
    }
}

impl Database {
    /// How many rows of a table have what a partial index of it says: at most [`Counts::MOST`].
    async fn count_rows(&self, table: &str, condition: &str) -> Result<i64, StoreError> {
        let most = Counts::MOST;
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {condition} LIMIT {most}) AS counted"
        );
        count(&self.long_rows(sql.into(), Vec::new()).await?)
    }

    /// Of the jobs in `state`, at most [`Counts::MOST`], how many there are of each kind.
    async fn count_jobs(&self, state: &str) -> Result<Vec<(String, String, i64)>, StoreError> {
        let most = Counts::MOST;
        let sql = format!(
            "SELECT kind, count(*) FROM (SELECT kind FROM job WHERE state = '{state}' LIMIT {most}) AS counted \
             GROUP BY kind"
        );
        let rows = self.long_rows(sql.into(), Vec::new()).await?;
        let counts = rows
            .into_iter()
            .filter_map(|row| match <[Value; 2]>::try_from(row) {
                Ok([Value::Text(kind), Value::Int(count)]) => Some((kind, state.to_owned(), count)),
                _ => None,
            });
        Ok(counts.collect())
    }
}

#[async_trait]
impl Census for Database {
    async fn counts(&self) -> Result<Counts, StoreError> {
        let mut jobs = Vec::new();
        for state in ["queued", "running", "failed"] {
            jobs.extend(self.count_jobs(state).await?);
        }
        jobs.sort();
        Ok(Counts {
            jobs,
            messages_in_doubt: self.count_rows("message", "status = 'in_doubt'").await?,
            deliveries_pending: self.count_rows("delivery", "state = 'pending'").await?,
        })
    }
}

#[async_trait]
impl KeyDirectory for Database {
    async fn find_api_key(&self, hash: &[u8; 32]) -> Result<Option<ApiKey>, StoreError> {
        self.record(
            sql!(
                "SELECT {} FROM api_key WHERE hash = $1",
                columns::<ApiKey>()
            ),
            &[Value::Bytes(hash.to_vec())],
        )
        .await
    }

    async fn touch_api_key(
        &self,
        org: OrgId,
        key: ApiKeyId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = sql!("UPDATE api_key SET last_used_at = $3 WHERE org_id = $1 AND id = $2");
        self.execute(sql, vec![Value::text(org), Value::text(key), at.write()])
            .await
            .map(drop)
    }
}

#[async_trait]
impl OrganizationDirectory for Database {
    async fn find_organization(&self, slug: &str) -> Result<Option<Organization>, StoreError> {
        self.record(
            sql!(
                "SELECT {} FROM organization WHERE slug = $1",
                columns::<Organization>()
            ),
            &[slug.into()],
        )
        .await
    }

    async fn list_organizations(&self) -> Result<Vec<Organization>, StoreError> {
        let sql = sql!(
            "SELECT {} FROM organization ORDER BY created_at, org_id",
            columns::<Organization>()
        );
        records(self.long_rows(sql, Vec::new()).await?)
    }

    async fn find_carrier_account(
        &self,
        account_sid: &str,
    ) -> Result<Option<CarrierAccount>, StoreError> {
        let sql = sql!(
            "SELECT {} FROM carrier_account WHERE account_sid = $1",
            columns::<CarrierAccount>()
        );
        self.record(sql, &[account_sid.into()]).await
    }
}

#[async_trait]
impl SmsRouting for Database {
    async fn find_attempt(&self, token: &str) -> Result<Option<SendAttempt>, StoreError> {
        self.record(
            sql!(
                "SELECT {} FROM attempt WHERE token = $1",
                columns::<SendAttempt>()
            ),
            &[token.into()],
        )
        .await
    }

    async fn load_inbound(
        &self,
        account_sid: &str,
        to: &E164,
        from: &E164,
        message_sid: &str,
    ) -> Result<Option<InboundState>, StoreError> {
        load_inbound(self, account_sid, to, from, message_sid).await
    }
}
