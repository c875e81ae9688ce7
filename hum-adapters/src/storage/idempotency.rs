//! Stored replies.

use async_trait::async_trait;
use hum_core::{
    idempotency::{StoredReply, StoredReplyReads},
    store::StoreError,
};

use super::{
    query::{OrgStore, sql},
    table::{Stored, Table, Type::*, fixed},
    value::{Row, Value},
};

pub(crate) static STORED_REPLY: Table = Table::new(
    "stored_reply",
    &["org_id", "key"],
    &[
        fixed("org_id", Text),
        fixed("key", Text),
        fixed("fingerprint", Bytes),
        fixed("status", Int),
        fixed("body", Bytes),
        fixed("expires_at", Int),
    ],
);

impl Stored for StoredReply {
    fn table() -> &'static Table {
        &STORED_REPLY
    }

    fn to_row(&self) -> Vec<Value> {
        vec![
            Value::text(self.org),
            Value::text(&self.key),
            Value::Bytes(self.fingerprint.to_vec()),
            Value::Int(self.status.into()),
            Value::Bytes(self.body.clone()),
            Value::time(self.expires_at),
        ]
    }

    fn from_row(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            org: row.parsed("org_id")?,
            key: row.text("key")?,
            fingerprint: row.hash("fingerprint")?,
            status: row.small("status")?,
            body: row.bytes("body")?,
            expires_at: row.time("expires_at")?,
        })
    }
}

#[async_trait]
impl StoredReplyReads for OrgStore {
    async fn stored_reply(&self, key: &str) -> Result<Option<StoredReply>, StoreError> {
        let sql = sql!("SELECT {} FROM stored_reply WHERE org_id = $1 AND key = $2", STORED_REPLY.columns());
        self.one(sql, [key.into()]).await
    }
}
