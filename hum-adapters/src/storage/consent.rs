//! Consent of contacts.

use async_trait::async_trait;
use hum_core::{
    consent::{Consent, ConsentReads},
    number::E164,
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
impl ConsentReads for OrgStore {
    async fn consent(&self, contact: &E164) -> Result<Option<Consent>, StoreError> {
        let sql = sql!(
            "SELECT {} FROM consent WHERE org_id = $1 AND contact = $2",
            columns::<Consent>()
        );
        self.one(sql, [Value::text(contact)]).await
    }

    async fn list_opted_out(&self, page: &Page) -> Result<Paged<Consent>, StoreError> {
        let after: Option<E164> = after(page)?;
        let list = List::rising(&["contact"])
            .by("consent_opted_out")
            .only("state = 'opted_out'")
            .after(after.map(|contact| [Value::text(contact)]));
        self.page(list, page).await
    }
}
