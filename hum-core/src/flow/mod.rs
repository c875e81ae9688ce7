//! Flows: AI agents, their settings and versions.

mod definition;
mod flows;

use async_trait::async_trait;

use crate::kernel::{
    clock::Timestamp,
    id::{FlowId, OrgId},
    page::{Page, Paged},
    store::StoreError,
};

pub use definition::{Channel, FlowDefinition, FlowKind, MAX_BODY_CHARS, SmsConfig, TriggerType};
pub use flows::FlowChange;

/// An AI agent. Every change of its definition is a new version; a turn is pinned to the version it began with.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    /// Which.
    pub id: FlowId,
    /// Whose.
    pub org: OrgId,
    /// The number of the newest version, from 1.
    pub latest: i64,
    /// The newest version's content.
    pub definition: FlowDefinition,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Since when it is gone; numbers that point to it have no agent.
    pub deleted_at: Option<Timestamp>,
    /// Store version.
    pub version: i64,
}

/// One version of a flow. Never changed.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowVersion {
    /// Whose.
    pub org: OrgId,
    /// Of which flow.
    pub flow: FlowId,
    /// From 1.
    pub number: i64,
    /// What it said.
    pub definition: FlowDefinition,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom; see [`crate::access::Caller::actor`].
    pub created_by: String,
}

/// Reads of flows. Deleted flows are not found.
#[async_trait]
pub trait FlowReads: Send + Sync {
    /// By id.
    async fn flow(&self, id: FlowId) -> Result<Option<Flow>, StoreError>;
    /// Newest first.
    async fn list_flows(&self, page: &Page) -> Result<Paged<Flow>, StoreError>;
    /// One version, of deleted flows too.
    async fn flow_version(&self, id: FlowId, number: i64) -> Result<Option<FlowVersion>, StoreError>;
    /// Newest first.
    async fn list_flow_versions(&self, id: FlowId, page: &Page) -> Result<Paged<FlowVersion>, StoreError>;
}
