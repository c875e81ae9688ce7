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
    query::{OrgStore, after, sql},
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
        let older = if after.is_some() { " AND id < $2" } else { "" };
        let sql = format!(
            "SELECT {} FROM flow WHERE org_id = $1 AND deleted_at IS NULL{older} ORDER BY id DESC",
            columns::<Flow>()
        );
        self.page(
            sql,
            after.map(Value::text).into_iter().collect(),
            page,
            |flow: &Flow| flow.id.to_string(),
        )
        .await
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
        let older = if after.is_some() {
            " AND number < $3"
        } else {
            ""
        };
        let sql = format!(
            "SELECT {} FROM flow_version WHERE org_id = $1 AND flow_id = $2{older} ORDER BY number DESC",
            columns::<FlowVersion>()
        );
        let params = std::iter::once(Value::text(id))
            .chain(after.map(Value::Int))
            .collect();
        self.page(sql, params, page, |version: &FlowVersion| {
            version.number.to_string()
        })
        .await
    }
}
