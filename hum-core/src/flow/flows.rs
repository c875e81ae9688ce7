//! Making, changing, copying and removing flows.

use std::sync::Arc;

use crate::{
    access::Caller,
    kernel::{
        Kernel, Reads,
        batch::Batch,
        decide::{Decision, Moment},
        error::Error,
        id::{FlowId, OrgId},
        idempotency::{Answer, Remember},
    },
};

use super::{Flow, FlowDefinition, FlowReads};

/// A change of a definition: from the newest one to the next.
pub type FlowChange<'a> = &'a (dyn Fn(FlowDefinition) -> Result<FlowDefinition, Error> + Sync);

/// The names of the tools that exist.
pub(crate) type KnownTools = Arc<[&'static str]>;

fn check(definition: &FlowDefinition, tools: &[&str]) -> Result<(), Error> {
    let problems = definition.problems(tools);
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(problems))
    }
}

/// AI agents: making, changing, copying and removing them.
#[derive(Clone)]
pub struct Flows {
    kernel: Kernel,
    reads: Reads<dyn FlowReads>,
    tools: KnownTools,
}

impl Flows {
    pub(crate) fn new(kernel: Kernel, reads: Reads<dyn FlowReads>, tools: KnownTools) -> Self {
        Self {
            kernel,
            reads,
            tools,
        }
    }

    fn checked(&self, definition: FlowDefinition) -> Result<FlowDefinition, Error> {
        check(&definition, &self.tools).map(|()| definition)
    }

    /// Makes a flow.
    ///
    /// # Errors
    /// `Invalid`.
    pub async fn create(
        &self,
        caller: &Caller,
        definition: FlowDefinition,
        remember: Remember<Flow>,
    ) -> Result<Answer<Flow>, Error> {
        check(&definition, &self.tools)?;
        let case = self.kernel.of(caller.org, caller.actor).once(remember);
        case.decide(
            || async { Ok(()) },
            |(), moment| Ok(create(caller, definition.clone(), moment)),
        )
        .await
    }

    /// Changes a flow: a new version, which turns that begin from now on are pinned to.
    /// A change that changes nothing makes no version.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`.
    pub async fn update(
        &self,
        caller: &Caller,
        id: FlowId,
        change: FlowChange<'_>,
    ) -> Result<Flow, Error> {
        let load = || self.found(caller.org, id);
        let case = self.kernel.of(caller.org, caller.actor);
        case.decide(load, |flow, moment| {
            update(caller, flow, |next| self.checked(change(next)?), moment)
        })
        .await
    }

    /// Copies a flow's newest version into a new flow.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn duplicate(
        &self,
        caller: &Caller,
        id: FlowId,
        remember: Remember<Flow>,
    ) -> Result<Answer<Flow>, Error> {
        let load = || self.found(caller.org, id);
        let case = self.kernel.of(caller.org, caller.actor).once(remember);
        case.decide(load, |flow, moment| Ok(duplicate(caller, flow, moment)))
            .await
    }

    /// Removes a flow. Numbers that point to it have no agent from now on; its versions stay for
    /// the record.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete(&self, caller: &Caller, id: FlowId) -> Result<(), Error> {
        let load = || self.found(caller.org, id);
        self.kernel
            .of(caller.org, caller.actor)
            .decide(load, |flow, moment| Ok(delete(flow, moment)))
            .await
    }

    async fn found(&self, org: OrgId, id: FlowId) -> Result<Flow, Error> {
        let flow = self.reads.of(org).flow(id).await?;
        flow.ok_or(Error::NotFound("flow"))
    }
}

fn create(caller: &Caller, definition: FlowDefinition, moment: Moment<'_>) -> Decision<Flow> {
    let flow = Flow::new(caller.org, definition, moment);
    let mut batch = Batch::for_org(caller.org);
    batch.insert(&flow.snapshot(caller.actor));
    batch.insert(&flow);
    let id = flow.id;
    Decision::new(batch, flow).audited("flow.create", id)
}

fn update(
    caller: &Caller,
    flow: Flow,
    change: impl Fn(FlowDefinition) -> Result<FlowDefinition, Error>,
    moment: Moment<'_>,
) -> Result<Decision<Flow>, Error> {
    let mut batch = Batch::for_org(flow.org);
    let definition = change(flow.definition().clone())?;
    if definition == *flow.definition() {
        return Ok(Decision::new(batch, flow));
    }
    let flow = flow.next(definition, moment.now);
    batch.insert(&flow.snapshot(caller.actor));
    batch.put(&flow);
    let id = flow.id;
    Ok(Decision::new(batch, flow).audited("flow.update", id))
}

fn duplicate(caller: &Caller, of: Flow, moment: Moment<'_>) -> Decision<Flow> {
    let mut definition = of.definition().clone();
    let stem: String = definition
        .name
        .chars()
        .take(200 - " (copy)".len())
        .collect();
    definition.name = format!("{stem} (copy)");
    create(caller, definition, moment)
}

fn delete(flow: Flow, moment: Moment<'_>) -> Decision<()> {
    let mut batch = Batch::for_org(flow.org);
    let id = flow.id;
    batch.put(&flow.delete(moment.now));
    Decision::new(batch, ()).audited("flow.delete", id)
}
