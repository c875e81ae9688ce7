//! Flows and their versions.

use async_trait::async_trait;
use hum_core::{
    flow::{Flow, FlowReads, FlowVersion},
    id::FlowId,
    page::{Page, Paged},
    store::StoreError,
};

use super::{
    query::{OrgStore, after, sql},
    table::{Stored, Table, Type::*, column, fixed},
    value::{Row, Value},
};

pub(crate) static FLOW: Table = Table::new(
    "flow",
    &["org_id", "id"],
    &[
        fixed("org_id", Text),
        fixed("id", Text),
        column("latest", Int),
        column("definition", Text),
        // Repeats the definition, so that taking a text in need not parse it.
        column("debounce_ms", Int),
        fixed("created_at", Int),
        column("updated_at", Int),
        column("deleted_at", Int),
        column("version", Int),
    ],
);

impl Stored for Flow {
    fn table() -> &'static Table {
        &FLOW
    }

    fn to_row(&self) -> Vec<Value> {
        vec![
            Value::text(self.org),
            Value::text(self.id),
            Value::Int(self.latest),
            Value::json(&self.definition),
            Value::Int(self.definition.sms.debounce_ms.into()),
            Value::time(self.created_at),
            Value::time(self.updated_at),
            Value::opt_time(self.deleted_at),
            Value::Int(self.version),
        ]
    }

    fn from_row(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            org: row.parsed("org_id")?,
            id: row.parsed("id")?,
            latest: row.int("latest")?,
            definition: row.json("definition")?,
            created_at: row.time("created_at")?,
            updated_at: row.time("updated_at")?,
            deleted_at: row.opt_time("deleted_at")?,
            version: row.int("version")?,
        })
    }
}

pub(crate) static FLOW_VERSION: Table = Table::new(
    "flow_version",
    &["org_id", "flow_id", "number"],
    &[
        fixed("org_id", Text),
        fixed("flow_id", Text),
        fixed("number", Int),
        fixed("definition", Text),
        fixed("created_at", Int),
        fixed("created_by", Text),
    ],
);

impl Stored for FlowVersion {
    fn table() -> &'static Table {
        &FLOW_VERSION
    }

    fn to_row(&self) -> Vec<Value> {
        vec![
            Value::text(self.org),
            Value::text(self.flow),
            Value::Int(self.number),
            Value::json(&self.definition),
            Value::time(self.created_at),
            Value::text(&self.created_by),
        ]
    }

    fn from_row(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            org: row.parsed("org_id")?,
            flow: row.parsed("flow_id")?,
            number: row.int("number")?,
            definition: row.json("definition")?,
            created_at: row.time("created_at")?,
            created_by: row.text("created_by")?,
        })
    }
}

#[async_trait]
impl FlowReads for OrgStore {
    async fn flow(&self, id: FlowId) -> Result<Option<Flow>, StoreError> {
        let sql = sql!("SELECT {} FROM flow WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL", FLOW.columns());
        self.one(sql, [Value::text(id)]).await
    }

    async fn list_flows(&self, page: &Page) -> Result<Paged<Flow>, StoreError> {
        let after: Option<FlowId> = after(page)?;
        let older = if after.is_some() { " AND id < $2" } else { "" };
        let sql = format!("SELECT {} FROM flow WHERE org_id = $1 AND deleted_at IS NULL{older} ORDER BY id DESC", FLOW.columns());
        self.page(sql, after.map(Value::text).into_iter().collect(), page, |flow: &Flow| flow.id.to_string()).await
    }

    async fn flow_version(&self, id: FlowId, number: i64) -> Result<Option<FlowVersion>, StoreError> {
        let sql = sql!("SELECT {} FROM flow_version WHERE org_id = $1 AND flow_id = $2 AND number = $3", FLOW_VERSION.columns());
        self.one(sql, [Value::text(id), Value::Int(number)]).await
    }

    async fn list_flow_versions(&self, id: FlowId, page: &Page) -> Result<Paged<FlowVersion>, StoreError> {
        let after: Option<i64> = after(page)?;
        let older = if after.is_some() { " AND number < $3" } else { "" };
        let sql = format!(
            "SELECT {} FROM flow_version WHERE org_id = $1 AND flow_id = $2{older} ORDER BY number DESC",
            FLOW_VERSION.columns()
        );
        let params = std::iter::once(Value::text(id)).chain(after.map(Value::Int)).collect();
        self.page(sql, params, page, |version: &FlowVersion| version.number.to_string()).await
    }
}
