//! Address sessions.

use async_trait::async_trait;
use hum_core::{
    address_session::{AddressSession, AddressSessionReads},
    id::AddressSessionId,
    page::{Page, Paged},
    record::Value,
    store::StoreError,
};

use super::{
    query::{OrgStore, after, sql},
    table::columns,
};

#[async_trait]
impl AddressSessionReads for OrgStore {
    async fn find_address_session(
        &self,
        token_hash: &[u8; 32],
    ) -> Result<Option<AddressSession>, StoreError> {
        let sql = sql!(
            "SELECT {} FROM address_session WHERE org_id = $1 AND token_hash = $2",
            columns::<AddressSession>()
        );
        self.one(sql, [Value::Bytes(token_hash.to_vec())]).await
    }

    async fn address_session(
        &self,
        id: AddressSessionId,
    ) -> Result<Option<AddressSession>, StoreError> {
        let sql = sql!(
            "SELECT {} FROM address_session WHERE org_id = $1 AND id = $2",
            columns::<AddressSession>()
        );
        self.one(sql, [Value::text(id)]).await
    }

    async fn list_address_sessions(
        &self,
        campaign_id: Option<&str>,
        page: &Page,
    ) -> Result<Paged<AddressSession>, StoreError> {
        let after: Option<AddressSessionId> = after(page)?;
        let mut sql = format!(
            "SELECT {} FROM address_session WHERE org_id = $1",
            columns::<AddressSession>()
        );
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
        self.page(sql, params, page, |session: &AddressSession| {
            session.id.to_string()
        })
        .await
    }
}
