//! Phone numbers.

use async_trait::async_trait;
use hum_core::{
    id::NumberId,
    number::{Number, NumberReads},
    page::{Page, Paged},
    store::StoreError,
};

use super::{
    query::{OrgStore, after, sql},
    table::{Stored, Table, Type::*, column, fixed},
    value::{Row, Value},
};

pub(crate) static NUMBER: Table = Table::new(
    "number",
    &["org_id", "id"],
    &[
        fixed("org_id", Text),
        fixed("id", Text),
        column("e164", Text),
        column("carrier_account", Text),
        column("friendly_name", Text),
        column("flow_id", Text),
        column("sms_flow_id", Text),
        column("sms_enabled", Bool),
        fixed("created_at", Int),
        column("version", Int),
    ],
)
.unique(&[&["carrier_account", "e164"]]);

impl Stored for Number {
    fn table() -> &'static Table {
        &NUMBER
    }

    fn to_row(&self) -> Vec<Value> {
        vec![
            Value::text(self.org),
            Value::text(self.id),
            Value::text(&self.e164),
            Value::text(&self.carrier_account),
            Value::text(&self.friendly_name),
            Value::opt_text(self.flow_id),
            Value::opt_text(self.sms_flow_id),
            Value::Bool(self.sms_enabled),
            Value::time(self.created_at),
            Value::Int(self.version),
        ]
    }

    fn from_row(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            org: row.parsed("org_id")?,
            id: row.parsed("id")?,
            e164: row.parsed("e164")?,
            carrier_account: row.text("carrier_account")?,
            friendly_name: row.text("friendly_name")?,
            flow_id: row.opt_parsed("flow_id")?,
            sms_flow_id: row.opt_parsed("sms_flow_id")?,
            sms_enabled: row.bool("sms_enabled")?,
            created_at: row.time("created_at")?,
            version: row.int("version")?,
        })
    }
}

#[async_trait]
impl NumberReads for OrgStore {
    async fn number(&self, id: NumberId) -> Result<Option<Number>, StoreError> {
        self.one(sql!("SELECT {} FROM number WHERE org_id = $1 AND id = $2", NUMBER.columns()), [Value::text(id)]).await
    }

    async fn list_numbers(&self, page: &Page) -> Result<Paged<Number>, StoreError> {
        let after: Option<NumberId> = after(page)?;
        let older = if after.is_some() { " AND id < $2" } else { "" };
        let sql = format!("SELECT {} FROM number WHERE org_id = $1{older} ORDER BY id DESC", NUMBER.columns());
        self.page(sql, after.map(Value::text).into_iter().collect(), page, |number: &Number| number.id.to_string()).await
    }
}
