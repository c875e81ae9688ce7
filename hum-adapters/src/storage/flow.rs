//! Flows and their versions.

use async_trait::async_trait;
use hum_core::{
    flow::{Flow, FlowReads, FlowVersion},
    id::FlowId,
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
impl FlowReads for OrgStore {
    async fn flow(&self, id: FlowId) -> Result<Option<Flow>, StoreError> {
        let sql = sql!(
            "SELECT {} FROM flow WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL",
            columns::<Flow>()
        );
        self.one(sql, [Value::text(id)]).await
    }

    async fn list_flows(&self, page: &Page) -> Result<Paged<Flow>, StoreError> {
        let after: Option<FlowId> = after(page)?;
        let list = List::falling(&["id"])
            .by("flow_living")
            .only("deleted_at IS NULL")
            .after(after.map(|id| [Value::text(id)]));
        self.page(list, page).await
    }

    async fn flow_version(
        &self,
        id: FlowId,
        number: i64,
    ) -> Result<Option<FlowVersion>, StoreError> {
        let sql = sql!(
            "SELECT {} FROM flow_version WHERE org_id = $1 AND flow_id = $2 AND number = $3",
            columns::<FlowVersion>()
        );
        self.one(sql, [Value::text(id), Value::Int(number)]).await
    }

    async fn list_flow_versions(
        &self,
        id: FlowId,
        page: &Page,
    ) -> Result<Paged<FlowVersion>, StoreError> {
        let after: Option<i64> = after(page)?;
        let list = List::falling(&["number"])
            .with("flow_id =", Value::text(id))
            .after(after.map(|number| [Value::Int(number)]));
        self.page(list, page).await
    }
}
