//! Jobs: what is done after a commit. `docs/jobs.md` has the states and the diagram.

mod worker;

use std::time::Duration;

use async_trait::async_trait;

use crate::kernel::{
    clock::Timestamp,
    entropy::Entropy,
    id::{AddressSessionId, ConversationId, DeliveryId, EventId, JobId, MessageId, OrgId},
    named::named,
    store::StoreError,
};

pub use worker::{CONCURRENCY, Shutdown};

named! {
    /// What a job does. The payload is its key: an id, never a copy of data.
    pub enum JobKind {
        /// Answers a conversation. Key: conversation.
        AiTurn = "sms.ai_turn",
        /// Hands one message to the carrier. Key: message.
        SendSms = "sms.send",
        /// Finds out what became of a message in doubt. Key: message.
        ResolveSms = "sms.resolve",
        /// Makes deliveries of new events. Key: organization.
        FanOut = "webhook.fan_out",
        /// Tries one delivery. Key: delivery.
        Deliver = "webhook.deliver",
        /// Asks remote sources about an address. Key: address session.
        FindInternet = "address_session.find",
    }
}

/// A job to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Which.
    pub id: JobId,
    /// Whose.
    pub org: OrgId,
    /// What.
    pub kind: JobKind,
    /// On what. At most one job of a kind and key is queued, and at most one runs, at any time.
    pub key: String,
    /// When, at the earliest.
    pub run_at: Timestamp,
    /// What happens when such a job is queued already.
    pub merge: Merge,
}

/// What happens when a job of the same kind and key is queued already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// The queued one moves to the new time: debouncing.
    Move,
    /// The queued one keeps the earlier of the two times.
    Sooner,
}

impl NewJob {
    fn new(id: JobId, org: OrgId, kind: JobKind, key: impl ToString, run_at: Timestamp, merge: Merge) -> Self {
        Self { id, org, kind, key: key.to_string(), run_at, merge }
    }

    /// Answer this conversation at `run_at`, or later if more texts come.
    pub fn ai_turn(conversation: ConversationId, org: OrgId, run_at: Timestamp, now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self::new(JobId::new(now, entropy), org, JobKind::AiTurn, conversation, run_at, Merge::Move)
    }

    /// Send this message.
    pub fn send(message: MessageId, org: OrgId, now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self::new(JobId::new(now, entropy), org, JobKind::SendSms, message, now, Merge::Sooner)
    }

    /// Look for this message at the carrier.
    pub fn resolve(message: MessageId, org: OrgId, run_at: Timestamp, now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self::new(JobId::new(now, entropy), org, JobKind::ResolveSms, message, run_at, Merge::Sooner)
    }

    /// Try this delivery.
    pub fn deliver(delivery: DeliveryId, org: OrgId, run_at: Timestamp, now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self::new(JobId::new(now, entropy), org, JobKind::Deliver, delivery, run_at, Merge::Sooner)
    }

    /// Ask the remote sources about the address of this session.
    pub fn find(session: AddressSessionId, org: OrgId, now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self::new(JobId::new(now, entropy), org, JobKind::FindInternet, session, now, Merge::Sooner)
    }

    /// Take new events to the webhooks. The id is the event's, so that no extra chance is drawn.
    pub(crate) fn fan_out(event: EventId, org: OrgId, now: Timestamp) -> Self {
        Self::new(JobId::from(event), org, JobKind::FanOut, org, now, Merge::Sooner)
    }

    /// Take new events to the webhooks, without an event: after a webhook was enabled.
    pub fn fan_out_now(org: OrgId, now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self::new(JobId::new(now, entropy), org, JobKind::FanOut, org, now, Merge::Sooner)
    }
}

/// A job that this worker may run until `lease_until`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Which.
    pub id: JobId,
    /// Whose.
    pub org: OrgId,
    /// What.
    pub kind: JobKind,
    /// On what.
    pub key: String,
    /// Rises with every claim; whatever the job commits bears it.
    pub fence: i64,
    /// How many runs began, this one included.
    pub attempt: i64,
}

/// How long a claim holds without a heartbeat.
pub const LEASE: Duration = Duration::from_secs(30);
/// How often a claim is renewed.
pub const HEARTBEAT: Duration = Duration::from_secs(10);
/// How often expired claims are given back.
pub const SWEEP: Duration = Duration::from_secs(5);

/// The queue. Jobs enter and leave it as part of a [`crate::kernel::batch::Batch`]; this port is what a worker needs besides.
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Claims up to `limit` due jobs of the given kinds, oldest due first, each until `lease_until`.
    ///
    /// A job whose kind and key is running already is not claimed. Two claims never return the same job.
    /// Jobs of other kinds stay queued for the builds that know them.
    async fn claim(
        &self,
        kinds: &[JobKind],
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Claimed>, StoreError>;

    /// Extends a claim; `false` when it is no longer held and the run must stop.
    async fn heartbeat(&self, org: OrgId, job: JobId, fence: i64, lease_until: Timestamp) -> Result<bool, StoreError>;

    /// Gives a claim back without having run, on shutdown; does nothing when it is no longer held.
    async fn release(&self, org: OrgId, job: JobId, fence: i64, now: Timestamp) -> Result<(), StoreError>;

    /// Queues again whatever is claimed and past its lease; answers how many. Where a job of the same kind and key
    /// is queued meanwhile, that one is due now and the expired one is deleted.
    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// When there is something to do next: the earliest time that a queued job of these kinds is due, or that a claim of
    /// any kind runs out and is to be swept.
    async fn next_due(&self, kinds: &[JobKind]) -> Result<Option<Timestamp>, StoreError>;
}
