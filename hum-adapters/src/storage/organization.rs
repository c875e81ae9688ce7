//! Organizations and their carrier accounts.

use async_trait::async_trait;
use hum_core::{
    organization::{CarrierAccount, KeywordReplies, Organization},
    store::{OrganizationReads, StoreError},
};

use super::{
    query::{OrgStore, sql},
    table::{Stored, Table, Type::*, column, fixed},
    value::{Row, Value},
};

pub(crate) static ORGANIZATION: Table = Table::new(
    "organization",
    &["org_id"],
    &[
        fixed("org_id", Text),
        column("slug", Text),
        column("name", Text),
        column("keyword_replies", Text),
        fixed("created_at", Int),
        column("version", Int),
    ],
)
.unique(&[&["slug"]]);

impl Stored for Organization {
    fn table() -> &'static Table {
        &ORGANIZATION
    }

    fn to_row(&self) -> Vec<Value> {
        vec![
            Value::text(self.id),
            Value::text(&self.slug),
            Value::text(&self.name),
            Value::text(self.keyword_replies.as_str()),
            Value::time(self.created_at),
            Value::Int(self.version),
        ]
    }

    fn from_row(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.parsed("org_id")?,
            slug: row.text("slug")?,
            name: row.text("name")?,
            keyword_replies: row.named("keyword_replies", KeywordReplies::parse)?,
            created_at: row.time("created_at")?,
            version: row.int("version")?,
        })
    }
}

pub(crate) static CARRIER_ACCOUNT: Table = Table::new(
    "carrier_account",
    &["org_id"],
    &[
        fixed("org_id", Text),
        column("account_sid", Text),
        column("auth_token", Bytes),
        column("secondary_auth_token", Bytes),
        column("updated_at", Int),
        column("version", Int),
    ],
)
.unique(&[&["account_sid"]]);

impl Stored for CarrierAccount {
    fn table() -> &'static Table {
        &CARRIER_ACCOUNT
    }

    fn to_row(&self) -> Vec<Value> {
        vec![
            Value::text(self.org),
            Value::text(&self.account_sid),
            Value::Bytes(self.auth_token.clone()),
            Value::opt_bytes(self.secondary_auth_token.as_deref()),
            Value::time(self.updated_at),
            Value::Int(self.version),
        ]
    }

    fn from_row(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            org: row.parsed("org_id")?,
            account_sid: row.text("account_sid")?,
            auth_token: row.bytes("auth_token")?,
            secondary_auth_token: row.opt_bytes("secondary_auth_token")?,
            updated_at: row.time("updated_at")?,
            version: row.int("version")?,
        })
    }
}

#[async_trait]
impl OrganizationReads for OrgStore {
    async fn organization(&self) -> Result<Option<Organization>, StoreError> {
        self.one(sql!("SELECT {} FROM organization WHERE org_id = $1", ORGANIZATION.columns()), []).await
    }

    async fn carrier_account(&self) -> Result<Option<CarrierAccount>, StoreError> {
        self.one(sql!("SELECT {} FROM carrier_account WHERE org_id = $1", CARRIER_ACCOUNT.columns()), []).await
    }
}
