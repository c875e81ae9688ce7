//! What a decision wants to be true: everything in a batch happens, or nothing does.

use std::time::Duration;

use crate::{
    access::ApiKey,
    address_session::AddressSession,
    consent::Consent,
    flow::{Flow, FlowVersion},
    kernel::{
        audit::AuditRow,
        clock::Timestamp,
        event::Event,
        id::{ConversationId, JobId, OrgId, WebhookId},
        idempotency::StoredReply,
        job::NewJob,
    },
    number::{E164, Number},
    organization::{CarrierAccount, Organization},
    sms::{Conversation, Message, SendAttempt},
    turn::Turn,
    webhook::{Delivery, Webhook},
};

/// A set of writes of one organization that is applied whole or not at all.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Whose data this is; every write in the batch belongs to this organization.
    pub org: OrgId,
    /// In no particular order: no write of a batch depends on another one of the same batch.
    pub writes: Vec<Write>,
}

/// One write. Closed on purpose: a store matches it without a wildcard.
#[derive(Debug, Clone)]
pub enum Write {
    /// A new record, stored with version 1. `Conflict::Exists` when its key or a unique column is taken.
    Insert(Record),
    /// A changed record. Its `version` is the one it was read at; it is stored with that version plus one.
    /// `Conflict::Changed` when the stored version is another one.
    Put(Record),
    /// The decision rests on this record still being at this version; nothing is written.
    /// `Conflict::Changed` otherwise. Holds until the commit is durable, against every other writer.
    Guard(Guard),
    /// An event. The store gives it the next gap-free number of the organization.
    Emit(Event),
    /// A job. With a queued job of the same kind and key, `Enqueue` says what becomes of the two.
    Enqueue(NewJob),
    /// The end of a claimed job's run. `Conflict::StaleFence` when the claim is no longer this one.
    Finish(Finish),
}

/// Every kind of record that is stored. Its key is (organization, id) unless the record says otherwise.
#[derive(Debug, Clone)]
pub enum Record {
    /// Unique: slug.
    Organization(Organization),
    /// Key: organization. Unique: account sid.
    CarrierAccount(CarrierAccount),
    /// Unique: hash.
    ApiKey(ApiKey),
    /// See [`Flow`].
    Flow(Flow),
    /// Key: organization, flow, number. Never changed.
    FlowVersion(FlowVersion),
    /// Unique: carrier account and E.164.
    Number(Number),
    /// Unique: number and contact.
    Conversation(Conversation),
    /// Unique: conversation and seq; carrier sid where there is one.
    Message(Message),
    /// Unique: token.
    Attempt(SendAttempt),
    /// Key: organization, E.164.
    Consent(Consent),
    /// See [`Turn`].
    Turn(Turn),
    /// See [`Webhook`].
    Webhook(Webhook),
    /// Unique: webhook and event seq, for deliveries of the feed.
    Delivery(Delivery),
    /// Key: organization, idempotency key.
    StoredReply(StoredReply),
    /// Never changed.
    Audit(AuditRow),
    /// Unique: organization and token hash.
    AddressSession(AddressSession),
}

/// A record that a decision read and did not change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// The conversation is still at this version.
    Conversation(ConversationId, i64),
    /// The consent record of this contact is still at this version.
    Consent(E164, i64),
    /// The webhook is still at this version.
    Webhook(WebhookId, i64),
    /// The job is still claimed with this fence; `Conflict::StaleFence` otherwise.
    Claim(JobId, i64),
}

/// The end of one run of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish {
    /// Which job.
    pub job: JobId,
    /// The fence of the claim; an older one changes nothing.
    pub fence: i64,
    /// What becomes of the job.
    pub how: Finished,
}

/// What becomes of a job after a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finished {
    /// Done; the row is deleted.
    Done,
    /// Queued again. When a queued job of the same kind and key exists already, that one does the work.
    Again {
        /// When, at the earliest.
        at: Timestamp,
        /// Why, for people.
        error: Option<String>,
    },
    /// Given up; the row stays for people to see.
    Failed {
        /// Why.
        error: String,
    },
}

/// What a store says after a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// The number of the last event emitted, if there was one.
    pub last_event_seq: Option<i64>,
}

impl Batch {
    /// An empty batch of one organization.
    pub fn for_org(org: OrgId) -> Self {
        Self { org, writes: Vec::with_capacity(8) }
    }

    /// Adds a new record.
    pub fn insert(&mut self, record: impl Into<Record>) {
        self.writes.push(Write::Insert(record.into()));
    }

    /// Adds a changed record, guarded by the version it was read at.
    pub fn put(&mut self, record: impl Into<Record>) {
        self.writes.push(Write::Put(record.into()));
    }

    /// Adds a condition.
    pub fn guard(&mut self, guard: Guard) {
        self.writes.push(Write::Guard(guard));
    }

    /// Adds an event, and the job that takes events to the webhooks.
    pub fn emit(&mut self, event: Event) {
        let fan_out = NewJob::fan_out(event.id, self.org, event.at);
        if !self.writes.iter().any(|write| matches!(write, Write::Enqueue(job) if job.kind == fan_out.kind)) {
            self.enqueue(fan_out);
        }
        self.writes.push(Write::Emit(event));
    }

    /// Adds a job.
    pub fn enqueue(&mut self, job: NewJob) {
        self.writes.push(Write::Enqueue(job));
    }

    /// Adds the end of a job's run.
    pub fn finish(&mut self, job: JobId, fence: i64, how: Finished) {
        self.writes.push(Write::Finish(Finish { job, fence, how }));
    }

    /// When the earliest job of this batch is due, if it has one.
    pub fn next_job_at(&self) -> Option<Timestamp> {
        let due = self.writes.iter().filter_map(|write| match write {
            Write::Enqueue(job) => Some(job.run_at),
            Write::Finish(Finish { how: Finished::Again { at, .. }, .. }) => Some(*at),
            _ => None,
        });
        due.min()
    }
}

macro_rules! records {
    ($($variant:ident($kind:ty)),* $(,)?) => {$(
        impl From<$kind> for Record {
            fn from(record: $kind) -> Self {
                Self::$variant(record)
            }
        }
    )*};
}

records! {
    Organization(Organization), CarrierAccount(CarrierAccount), ApiKey(ApiKey), Flow(Flow), FlowVersion(FlowVersion),
    Number(Number), Conversation(Conversation), Message(Message), Attempt(SendAttempt), Consent(Consent), Turn(Turn),
    Webhook(Webhook), Delivery(Delivery), StoredReply(StoredReply), Audit(AuditRow), AddressSession(AddressSession),
}

/// How long stored replies of idempotency keys are kept.
pub const REPLY_RETENTION: Duration = Duration::from_secs(72 * 3600);
