//! Registering numbers and giving them agents.

use crate::{
    access::Caller,
    app::Hum,
    kernel::{
        audit::AuditRow,
        batch::Batch,
        error::{Error, Tries},
        id::{FlowId, NumberId},
        idempotency::{Answer, Remember},
        store::{CommitError, Conflict},
    },
};

use super::{E164, Number};

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

impl Hum {
    /// Registers a number.
    ///
    /// # Errors
    /// `Invalid`; `Conflict` when it is registered already, or when there is no carrier account to have it on.
    pub async fn register_number(
        &self,
        caller: &Caller,
        new: NewNumber,
        remember: Remember<Number>,
    ) -> Result<Answer<Number>, Error> {
        check_name(&new.friendly_name)?;
        let now = self.clock.now();
        if let Some(replayed) = remember.replay(&*self.reads(caller.org), &*self.cipher, now).await? {
            return Ok(replayed);
        }
        self.check_flow(caller, "/sms_flow_id", new.sms_flow_id).await?;
        let carrier_account = self.account_sid_of(caller.org).await?.ok_or_else(|| {
            Error::Conflict("this organization has no carrier account yet: set one with PUT /api/organization/carrier".into())
        })?;
        let number = Number {
            id: NumberId::new(now, &*self.entropy),
            org: caller.org,
            e164: new.e164,
            carrier_account,
            friendly_name: new.friendly_name,
            flow_id: None,
            sms_flow_id: new.sms_flow_id,
            sms_enabled: new.sms_enabled,
            created_at: now,
            version: 0,
        };
        let mut batch = Batch::for_org(caller.org);
        batch.insert(number.clone());
        batch.insert(AuditRow::by(caller, "number.register", number.id, now, &*self.entropy));
        remember.record(&mut batch, &number, &*self.cipher, now);
        match self.commit(batch).await {
            Ok(_) => Ok(Answer::Fresh(number)),
            Err(CommitError::Conflict(Conflict::Exists)) => {
                match remember.replay(&*self.reads(caller.org), &*self.cipher, now).await? {
                    Some(replayed) => Ok(replayed),
                    None => Err(Error::Conflict("this number is registered already".into())),
                }
            }
            Err(error) => Err(Tries::new().again(error).err().unwrap_or(Error::Conflict("try again".into()))),
        }
    }

    /// Changes a number's name or agents.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`.
    pub async fn update_number(&self, caller: &Caller, id: NumberId, patch: NumberPatch) -> Result<Number, Error> {
        if let Some(name) = &patch.friendly_name {
            check_name(name)?;
        }
        self.check_flow(caller, "/flow_id", patch.flow_id.flatten()).await?;
        self.check_flow(caller, "/sms_flow_id", patch.sms_flow_id.flatten()).await?;
        let mut tries = Tries::new();
        loop {
            let mut number = self.reads(caller.org).number(id).await?.ok_or(Error::NotFound("number"))?;
            number.friendly_name = patch.friendly_name.clone().unwrap_or(number.friendly_name);
            number.flow_id = patch.flow_id.unwrap_or(number.flow_id);
            number.sms_flow_id = patch.sms_flow_id.unwrap_or(number.sms_flow_id);
            number.sms_enabled = patch.sms_enabled.unwrap_or(number.sms_enabled);
            let mut batch = Batch::for_org(caller.org);
            batch.put(number.clone());
            batch.insert(AuditRow::by(caller, "number.update", id, self.clock.now(), &*self.entropy));
            match self.commit(batch).await {
                Ok(_) => return Ok(number),
                Err(error) => tries.again(error)?,
            }
        }
    }

    async fn check_flow(&self, caller: &Caller, pointer: &str, flow: Option<FlowId>) -> Result<(), Error> {
        match flow {
            Some(flow) if self.reads(caller.org).flow(flow).await?.is_none() => {
                Err(Error::invalid(pointer, "there is no flow with this id"))
            }
            _ => Ok(()),
        }
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    if name.chars().count() > 100 || name.contains('\0') {
        return Err(Error::invalid("/friendly_name", "must have at most 100 characters"));
    }
    Ok(())
}
