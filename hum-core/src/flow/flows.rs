//! Making, changing, copying and removing flows.

use crate::{
    access::Caller,
    app::Hum,
    kernel::{
        audit::AuditRow,
        batch::Batch,
        clock::Timestamp,
        entropy::Entropy,
        error::{Error, Tries},
        id::FlowId,
        idempotency::{Answer, Remember},
    },
};

use super::{Flow, FlowDefinition, FlowVersion};

/// A change of a definition: from the newest one to the next.
pub type FlowChange<'a> = &'a (dyn Fn(FlowDefinition) -> Result<FlowDefinition, Error> + Sync);

impl Flow {
    fn new(caller: &Caller, definition: FlowDefinition, now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self {
            id: FlowId::new(now, entropy),
            org: caller.org,
            latest: 1,
            definition,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            version: 0,
        }
    }

    fn snapshot(&self, caller: &Caller) -> FlowVersion {
        FlowVersion {
            org: self.org,
            flow: self.id,
            number: self.latest,
            definition: self.definition.clone(),
            created_at: self.updated_at,
            created_by: caller.actor(),
        }
    }
}

fn check(definition: &FlowDefinition) -> Result<(), Error> {
    let problems = definition.problems();
    if problems.is_empty() { Ok(()) } else { Err(Error::Invalid(problems)) }
}

impl Hum {
    /// Makes a flow.
    ///
    /// # Errors
    /// `Invalid`.
    pub async fn create_flow(
        &self,
        caller: &Caller,
        definition: FlowDefinition,
        remember: Remember<Flow>,
    ) -> Result<Answer<Flow>, Error> {
        check(&definition)?;
        let mut tries = Tries::new();
        loop {
            let now = self.clock.now();
            if let Some(replayed) = remember.replay(&*self.reads(caller.org), &*self.cipher, now).await? {
                return Ok(replayed);
            }
            let flow = Flow::new(caller, definition.clone(), now, &*self.entropy);
            let mut batch = Batch::for_org(caller.org);
            batch.insert(flow.snapshot(caller));
            batch.insert(AuditRow::by(caller, "flow.create", flow.id, now, &*self.entropy));
            batch.insert(flow.clone());
            remember.record(&mut batch, &flow, &*self.cipher, now);
            match self.commit(batch).await {
                Ok(_) => return Ok(Answer::Fresh(flow)),
                Err(error) => tries.again(error)?,
            }
        }
    }

    /// Changes a flow: a new version, which turns that begin from now on are pinned to.
    /// A change that changes nothing makes no version.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`.
    pub async fn update_flow(&self, caller: &Caller, id: FlowId, change: FlowChange<'_>) -> Result<Flow, Error> {
        let mut tries = Tries::new();
        loop {
            let mut flow = self.reads(caller.org).flow(id).await?.ok_or(Error::NotFound("flow"))?;
            let definition = change(flow.definition.clone())?;
            check(&definition)?;
            if definition == flow.definition {
                return Ok(flow);
            }
            let now = self.clock.now();
            flow.definition = definition;
            flow.latest += 1;
            flow.updated_at = now;
            let mut batch = Batch::for_org(caller.org);
            batch.insert(flow.snapshot(caller));
            batch.insert(AuditRow::by(caller, "flow.update", id, now, &*self.entropy));
            batch.put(flow.clone());
            match self.commit(batch).await {
                Ok(_) => return Ok(flow),
                Err(error) => tries.again(error)?,
            }
        }
    }

    /// Copies a flow's newest version into a new flow.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn duplicate_flow(&self, caller: &Caller, id: FlowId, remember: Remember<Flow>) -> Result<Answer<Flow>, Error> {
        let reads = self.reads(caller.org);
        if let Some(replayed) = remember.replay(&*reads, &*self.cipher, self.clock.now()).await? {
            return Ok(replayed);
        }
        let mut definition = reads.flow(id).await?.ok_or(Error::NotFound("flow"))?.definition;
        let stem: String = definition.name.chars().take(200 - " (copy)".len()).collect();
        definition.name = format!("{stem} (copy)");
        self.create_flow(caller, definition, remember).await
    }

    /// Removes a flow. Numbers that point to it have no agent from now on; its versions stay for the record.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete_flow(&self, caller: &Caller, id: FlowId) -> Result<(), Error> {
        let mut tries = Tries::new();
        loop {
            let mut flow = self.reads(caller.org).flow(id).await?.ok_or(Error::NotFound("flow"))?;
            let now = self.clock.now();
            flow.deleted_at = Some(now);
            let mut batch = Batch::for_org(caller.org);
            batch.put(flow);
            batch.insert(AuditRow::by(caller, "flow.delete", id, now, &*self.entropy));
            match self.commit(batch).await {
                Ok(_) => return Ok(()),
                Err(error) => tries.again(error)?,
            }
        }
    }
}
