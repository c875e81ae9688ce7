//! API keys.

use async_trait::async_trait;
use hum_core::{
    access::{ApiKey, ApiKeyReads, Role},
    id::ApiKeyId,
    page::{Page, Paged},
    store::StoreError,
};

use super::{
    query::{OrgStore, after, sql},
    table::{Stored, Table, Type::*, column, fixed},
    value::{Row, Value},
};

pub(crate) static API_KEY: Table = Table::new(
    "api_key",
    &["org_id", "id"],
    &[
        fixed("org_id", Text),
        fixed("id", Text),
        column("name", Text),
        column("role", Text),
        column("scopes", Text),
        fixed("hash", Bytes),
        fixed("last_four", Text),
        fixed("created_at", Int),
        // Written by `touch_api_key` alone, without a version: a change of the key must not turn it back.
        fixed("last_used_at", Int),
        column("revoked_at", Int),
        column("version", Int),
    ],
)
.unique(&[&["hash"]]);

impl Stored for ApiKey {
    fn table() -> &'static Table {
        &API_KEY
    }

    fn to_row(&self) -> Vec<Value> {
        vec![
            Value::text(self.org),
            Value::text(self.id),
            Value::text(&self.name),
            Value::text(self.role.as_str()),
            Value::json(&self.scopes),
            Value::Bytes(self.hash.to_vec()),
            Value::text(&self.last_four),
            Value::time(self.created_at),
            Value::opt_time(self.last_used_at),
            Value::opt_time(self.revoked_at),
            Value::Int(self.version),
        ]
    }

    fn from_row(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            org: row.parsed("org_id")?,
            id: row.parsed("id")?,
            name: row.text("name")?,
            role: row.named("role", Role::parse)?,
            scopes: row.json("scopes")?,
            hash: row.hash("hash")?,
            last_four: row.text("last_four")?,
            created_at: row.time("created_at")?,
            last_used_at: row.opt_time("last_used_at")?,
            revoked_at: row.opt_time("revoked_at")?,
            version: row.int("version")?,
        })
    }
}

#[async_trait]
impl ApiKeyReads for OrgStore {
    async fn api_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        self.one(sql!("SELECT {} FROM api_key WHERE org_id = $1 AND id = $2", API_KEY.columns()), [Value::text(id)]).await
    }

    async fn list_api_keys(&self, page: &Page) -> Result<Paged<ApiKey>, StoreError> {
        let after: Option<ApiKeyId> = after(page)?;
        let older = if after.is_some() { " AND id < $2" } else { "" };
        let sql = format!("SELECT {} FROM api_key WHERE org_id = $1{older} ORDER BY id DESC", API_KEY.columns());
        self.page(sql, after.map(Value::text).into_iter().collect(), page, |key: &ApiKey| key.id.to_string()).await
    }
}
