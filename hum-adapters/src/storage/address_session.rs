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
    list::{List, after},
    query::{OrgStore, sql},
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
        let mut list = List::falling(&["id"]).after(after.map(|id| [Value::text(id)]));
        if let Some(campaign_id) = campaign_id {
            let campaign = Value::text(campaign_id);
            list = list.led_by("address_session_campaign", "campaign_id", campaign);
        }
        self.page(list, page).await
    }
}
