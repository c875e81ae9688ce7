//! Flows: AI agents, their settings and versions.

mod definition;
mod flows;

use async_trait::async_trait;

use crate::kernel::{
    actor::Actor,
    clock::Timestamp,
    decide::Moment,
    id::{FlowId, OrgId},
    page::{Page, Paged},
    record::{RecordType, record},
    store::StoreError,
};

pub use definition::{Channel, FlowDefinition, FlowKind, MAX_BODY_CHARS, SmsConfig, TriggerType};
pub use flows::{FlowChange, Flows};

record! {
    /// An AI agent. Every change of its definition is a new version; a turn is pinned to the
    /// version it began with.
    #[derive(Debug, Clone, PartialEq)]
    pub struct Flow in "flow" {
        /// Whose.
        key pub org: OrgId => "org_id",
        /// Which.
        key pub id: FlowId => "id",
        /// The number of the newest version, from 1.
        column latest: i64 => "latest",
        /// The newest version's content.
        json definition: FlowDefinition => "definition",
        /// When it was made.
        fixed pub created_at: Timestamp => "created_at",
        /// When it was last changed.
        column updated_at: Timestamp => "updated_at",
        /// Since when it is gone; numbers that point to it have no agent.
        column deleted_at: Option<Timestamp> => "deleted_at",
        /// Store version.
        version pub version: i64 => "version",
    }
    derived {
        column "debounce_ms": u32 = |flow| flow.definition.sms.debounce_ms;
    }
}

impl Flow {
    /// A new flow, in its first version.
    pub fn new(org: OrgId, definition: FlowDefinition, moment: Moment<'_>) -> Self {
        let Moment { now, entropy } = moment;
        Self {
            id: FlowId::new(now, entropy),
            org,
            latest: 1,
            definition,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            version: 0,
        }
    }

    /// The number of the newest version, from 1.
    pub fn latest(&self) -> i64 {
        self.latest
    }

    /// The newest version's content.
    pub fn definition(&self) -> &FlowDefinition {
        &self.definition
    }

    /// When it was last changed.
    pub fn updated_at(&self) -> Timestamp {
        self.updated_at
    }

    /// The next version.
    pub fn next(self, definition: FlowDefinition, now: Timestamp) -> Self {
        Self {
            definition,
            latest: self.latest + 1,
            updated_at: now,
            ..self
        }
    }

    /// Gone from now on.
    pub fn delete(self, now: Timestamp) -> Self {
        Self {
            deleted_at: Some(now),
            ..self
        }
    }

    /// Its newest version, to be kept; `by` made it.
    pub fn snapshot(&self, by: Actor) -> FlowVersion {
        FlowVersion {
            org: self.org,
            flow: self.id,
            number: self.latest,
            definition: self.definition.clone(),
            created_at: self.updated_at,
            created_by: by.to_string(),
        }
    }
}

record! {
    /// One version of a flow. Never changed.
    #[derive(Debug, Clone, PartialEq)]
    pub struct FlowVersion in "flow_version" {
        /// Whose.
        key pub org: OrgId => "org_id",
        /// Of which flow.
        key pub flow: FlowId => "flow_id",
        /// From 1.
        key pub number: i64 => "number",
        /// What it said.
        fixed_json pub definition: FlowDefinition => "definition",
        /// When it was made.
        fixed pub created_at: Timestamp => "created_at",
        /// By whom; see [`crate::actor::Actor`].
        fixed pub created_by: String => "created_by",
    }
}

/// Reads of flows. Deleted flows are not found.
#[async_trait]
pub trait FlowReads: Send + Sync {
    /// By id.
    async fn flow(&self, id: FlowId) -> Result<Option<Flow>, StoreError>;
    /// Newest first.
    async fn list_flows(&self, page: &Page) -> Result<Paged<Flow>, StoreError>;
    /// One version, of deleted flows too.
    async fn flow_version(
        &self,
        id: FlowId,
        number: i64,
    ) -> Result<Option<FlowVersion>, StoreError>;
    /// Newest first.
    async fn list_flow_versions(
        &self,
        id: FlowId,
        page: &Page,
    ) -> Result<Paged<FlowVersion>, StoreError>;
}

/// What is stored here.
pub(crate) const RECORDS: &[RecordType] =
    &[RecordType::of::<Flow>(), RecordType::of::<FlowVersion>()];
