//! Address sessions.

use async_trait::async_trait;
use hum_core::{
    address_session::{AddressSession, AddressSessionReads},
    id::AddressSessionId,
    page::{Page, Paged},
    store::StoreError,
};

use super::{
    query::{OrgStore, after, sql},
    table::{Stored, Table, Type::*, column, fixed},
    value::{Row, Value},
};

pub(crate) static ADDRESS_SESSION: Table = Table::new(
    "address_session",
    &["org_id", "id"],
    &[
        fixed("org_id", Text),
        fixed("id", Text),
        fixed("token_hash", Bytes),
        fixed("campaign_id", Text),
        fixed("request", Text),
        column("found", Text),
        fixed("created_at", Int),
        column("updated_at", Int),
        column("expires_at", Int),
        column("closed_at", Int),
        column("version", Int),
    ],
)
.unique(&[&["org_id", "token_hash"]]);

impl Stored for AddressSession {
    fn table() -> &'static Table {
        &ADDRESS_SESSION
    }

    fn to_row(&self) -> Vec<Value> {
        vec![
            Value::text(self.org),
            Value::text(self.id),
            Value::Bytes(self.token_hash.to_vec()),
            Value::opt_text(self.request.campaign_id.as_deref()),
            Value::json(&self.request),
            Value::json(&self.found),
            Value::time(self.created_at),
            Value::time(self.updated_at),
            Value::time(self.expires_at),
            Value::opt_time(self.closed_at),
            Value::Int(self.version),
        ]
    }

    fn from_row(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            org: row.parsed("org_id")?,
            id: row.parsed("id")?,
            token_hash: row.hash("token_hash")?,
            request: row.json("request")?,
            found: row.json("found")?,
            created_at: row.time("created_at")?,
            updated_at: row.time("updated_at")?,
            expires_at: row.time("expires_at")?,
            closed_at: row.opt_time("closed_at")?,
            version: row.int("version")?,
        })
    }
}

#[async_trait]
impl AddressSessionReads for OrgStore {
    async fn find_address_session(&self, token_hash: &[u8; 32]) -> Result<Option<AddressSession>, StoreError> {
        let sql = sql!("SELECT {} FROM address_session WHERE org_id = $1 AND token_hash = $2", ADDRESS_SESSION.columns());
        self.one(sql, [Value::Bytes(token_hash.to_vec())]).await
    }

    async fn address_session(&self, id: AddressSessionId) -> Result<Option<AddressSession>, StoreError> {
        let sql = sql!("SELECT {} FROM address_session WHERE org_id = $1 AND id = $2", ADDRESS_SESSION.columns());
        self.one(sql, [Value::text(id)]).await
    }

    async fn list_address_sessions(&self, campaign_id: Option<&str>, page: &Page) -> Result<Paged<AddressSession>, StoreError> {
        let after: Option<AddressSessionId> = after(page)?;
        let mut sql = format!("SELECT {} FROM address_session WHERE org_id = $1", ADDRESS_SESSION.columns());
        let mut params = Vec::new();
        if let Some(campaign_id) = campaign_id {
            params.push(Value::text(campaign_id));
            sql.push_str(" AND campaign_id = $2");
        }
        if let Some(after) = after {
            params.push(Value::text(after));
            sql.push_str(&format!(" AND id < ${}", params.len() + 1));
        }
        sql.push_str(" ORDER BY id DESC");
        self.page(sql, params, page, |session: &AddressSession| session.id.to_string()).await
    }
}
