use hum_core::{
    access::Caller,
    cipher::Secret,
    error::Error,
    flow::FlowDefinition,
    id::FlowId,
    idempotency::{Answer, Remember},
    number::{NewNumber, Number},
    organization::{
        KeywordReplies, NewOrganization, Organization, OrganizationPatch, SetCarrierAccount,
    },
};

use super::Shared;

/// A tenant that was set up: number, agent and how the carrier knows them.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Who.
    pub organization: Organization,
    /// Acts for it.
    pub caller: Caller,
    /// Its agent.
    pub flow: FlowId,
    /// Its number.
    pub number: Number,
    /// Its account at the carrier.
    pub account: String,
}

impl Shared {
    pub(super) async fn set_up_tenant(
        &self,
        index: u64,
        definition: FlowDefinition,
        keyword_replies: KeywordReplies,
    ) -> Result<Tenant, Error> {
        let (_, hum) = self.any_process().ok_or(Error::NotFound("process"))?;
        let new = NewOrganization {
            slug: format!("tenant-{index}"),
            name: format!("Tenant {index}"),
        };
        let organization = hum.organizations().create(new).await?;
        let caller = Caller::system(organization.id);
        let patch = OrganizationPatch {
            name: None,
            keyword_replies: Some(keyword_replies),
        };
        hum.organizations().update(&caller, patch).await?;
        let account = self
            .0
            .carrier
            .open_account(&self.0.chance, keyword_replies == KeywordReplies::Carrier);
        let set = SetCarrierAccount {
            account_sid: account.account_sid.clone(),
            auth_token: Secret::new(account.auth_token.reveal().clone()),
            secondary_auth_token: None,
        };
        hum.organizations()
            .set_carrier_account(&caller, set)
            .await?;
        let flow = fresh(
            hum.flows()
                .create(&caller, definition, Remember::nothing())
                .await?,
        );
        let new = NewNumber {
            e164: format!("+1555000{index:04}")
                .parse()
                .map_err(|_| Error::NotFound("number"))?,
            friendly_name: format!("Tenant {index}"),
            sms_flow_id: Some(flow.id),
            sms_enabled: true,
        };
        let number = fresh(
            hum.numbers()
                .register(&caller, new, Remember::nothing())
                .await?,
        );
        Ok(Tenant {
            organization,
            caller,
            flow: flow.id,
            number,
            account: account.account_sid,
        })
    }
}

/// The result of something that was not remembered.
///
/// # Panics
/// When it was replayed, which cannot be.
pub fn fresh<T>(answer: Answer<T>) -> T {
    match answer {
        Answer::Fresh(result) => result,
        Answer::Replayed { .. } => panic!("nothing was remembered"),
    }
}
