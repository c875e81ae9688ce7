//! Organizations and their carrier accounts.

use async_trait::async_trait;
use hum_core::{
    organization::{CarrierAccount, Organization, OrganizationReads},
    store::StoreError,
};

use super::{
    query::{OrgStore, sql},
    table::columns,
};

#[async_trait]
impl OrganizationReads for OrgStore {
    async fn organization(&self) -> Result<Option<Organization>, StoreError> {
        self.one(
            sql!(
                "SELECT {} FROM organization WHERE org_id = $1",
                columns::<Organization>()
            ),
            [],
        )
        .await
    }

    async fn carrier_account(&self) -> Result<Option<CarrierAccount>, StoreError> {
        self.one(
            sql!(
                "SELECT {} FROM carrier_account WHERE org_id = $1",
                columns::<CarrierAccount>()
            ),
            [],
        )
        .await
    }
}
