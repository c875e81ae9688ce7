//! Registering numbers and giving them agents.

use crate::{
    access::Caller,
    flow::FlowReads,
    kernel::{
        Kernel, Reads,
        batch::Batch,
        decide::{Decision, Moment},
        error::Error,
        id::{FlowId, NumberId, OrgId},
        idempotency::{Answer, Remember},
    },
    organization::Organizations,
};

use super::{E164, Number, NumberReads};

/// A number that the organization has at its carrier.
#[derive(Debug, Clone)]
pub struct NewNumber {
    /// The number.
    pub e164: E164,
    /// For people, at most 100 characters.
    pub friendly_name: String,
    /// Answers texts.
    pub sms_flow_id: Option<FlowId>,
    /// Whether the agent answers texts.
    pub sms_enabled: bool,
}

/// Changes; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct NumberPatch {
    /// For people.
    pub friendly_name: Option<String>,
    /// Answers calls.
    pub flow_id: Option<Option<FlowId>>,
    /// Answers texts.
    pub sms_flow_id: Option<Option<FlowId>>,
    /// Whether the agent answers texts.
    pub sms_enabled: Option<bool>,
}

/// The numbers that organizations receive and send on.
#[derive(Clone)]
pub struct Numbers {
    kernel: Kernel,
    reads: Reads<dyn NumberReads>,
    flows: Reads<dyn FlowReads>,
    organizations: Organizations,
}

impl Numbers {
    pub(crate) fn new(
        kernel: Kernel,
        reads: Reads<dyn NumberReads>,
        flows: Reads<dyn FlowReads>,
        organizations: Organizations,
    ) -> Self {
        Self {
            kernel,
            reads,
            flows,
            organizations,
        }
    }

    /// Registers a number.
    ///
    /// # Errors
    /// `Invalid`; `Conflict` when it is registered already, or when there is no carrier account to
    /// have it on.
    pub async fn register(
        &self,
        caller: &Caller,
        new: NewNumber,
        remember: Remember<Number>,
    ) -> Result<Answer<Number>, Error> {
        check_name(&new.friendly_name)?;
        let load = || async {
            self.check_flow(caller, "/sms_flow_id", new.sms_flow_id)
                .await?;
            self.organizations
                .account_sid_of(caller.org)
                .await?
                .ok_or_else(|| {
                    let how = "set one with PUT /api/organization/carrier";
                    Error::Conflict(format!(
                        "this organization has no carrier account yet: {how}"
                    ))
                })
        };
        let case = self
            .kernel
            .of(caller.org, caller.actor)
            .taken("this number is registered already")
            .once(remember);
        case.decide(load, |account, moment| {
            Ok(register(caller.org, account, &new, moment))
        })
        .await
    }

    /// Changes a number's name or agents.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`.
    pub async fn update(
        &self,
        caller: &Caller,
        id: NumberId,
        patch: NumberPatch,
    ) -> Result<Number, Error> {
        if let Some(name) = &patch.friendly_name {
            check_name(name)?;
        }
        let reads = self.reads.of(caller.org);
        let load = || async {
            self.check_flow(caller, "/flow_id", patch.flow_id.flatten())
                .await?;
            self.check_flow(caller, "/sms_flow_id", patch.sms_flow_id.flatten())
                .await?;
            reads.number(id).await?.ok_or(Error::NotFound("number"))
        };
        self.kernel
            .of(caller.org, caller.actor)
            .decide(load, |number, _| Ok(update(number, &patch)))
            .await
    }

    async fn check_flow(
        &self,
        caller: &Caller,
        pointer: &str,
        flow: Option<FlowId>,
    ) -> Result<(), Error> {
        match flow {
            Some(flow) if self.flows.of(caller.org).flow(flow).await?.is_none() => {
                Err(Error::invalid(pointer, "there is no flow with this id"))
            }
            _ => Ok(()),
        }
    }
}

fn register(
    org: OrgId,
    carrier_account: String,
    new: &NewNumber,
    moment: Moment<'_>,
) -> Decision<Number> {
    let number = Number {
        id: NumberId::new(moment.now, moment.entropy),
        org,
        e164: new.e164.clone(),
        carrier_account,
        friendly_name: new.friendly_name.clone(),
        flow_id: None,
        sms_flow_id: new.sms_flow_id,
        sms_enabled: new.sms_enabled,
        created_at: moment.now,
        version: 0,
    };
    let mut batch = Batch::for_org(org);
    batch.insert(&number);
    let id = number.id;
    Decision::new(batch, number).audited("number.register", id)
}

fn update(mut number: Number, patch: &NumberPatch) -> Decision<Number> {
    number.friendly_name = patch.friendly_name.clone().unwrap_or(number.friendly_name);
    number.flow_id = patch.flow_id.unwrap_or(number.flow_id);
    number.sms_flow_id = patch.sms_flow_id.unwrap_or(number.sms_flow_id);
    number.sms_enabled = patch.sms_enabled.unwrap_or(number.sms_enabled);
    let mut batch = Batch::for_org(number.org);
    batch.put(&number);
    let id = number.id;
    Decision::new(batch, number).audited("number.update", id)
}

fn check_name(name: &str) -> Result<(), Error> {
    if name.chars().count() > 100 || name.contains('\0') {
        return Err(Error::invalid(
            "/friendly_name",
            "must have at most 100 characters",
        ));
    }
    Ok(())
}
