use std::collections::BTreeMap;

use hum_core::{
    address_session::AddressSession,
    batch::{Batch, Committed, Finished, Record, Write},
    clock::Timestamp,
    consent::Consent,
    event::Event,
    flow::FlowVersion,
    id::{AddressSessionId, AttemptId, ConversationId, DeliveryId, FlowId, JobId, MessageId, NumberId, OrgId, TurnId, WebhookId},
    job::{Claimed, JobKind},
    number::{E164, Number},
    organization::Organization,
    sms::{Conversation, Message, SendAttempt},
    turn::Turn,
    webhook::{Delivery, Webhook},
};

use super::Findings;

/// What the store must hold, rebuilt from the commits alone.
#[derive(Default)]
pub struct Mirror {
    /// Tenants.
    pub organizations: BTreeMap<OrgId, Organization>,
    /// Numbers.
    pub numbers: BTreeMap<NumberId, Number>,
    /// Flow versions.
    pub flows: BTreeMap<(FlowId, i64), FlowVersion>,
    /// Threads.
    pub conversations: BTreeMap<ConversationId, Conversation>,
    /// Texts.
    pub messages: BTreeMap<MessageId, Message>,
    /// Tries at sending.
    pub attempts: BTreeMap<AttemptId, SendAttempt>,
    /// The try that a token belongs to.
    pub tokens: BTreeMap<String, AttemptId>,
    /// Consent.
    pub consents: BTreeMap<(OrgId, E164), Consent>,
    /// AI turns.
    pub turns: BTreeMap<TurnId, Turn>,
    /// Endpoints.
    pub webhooks: BTreeMap<WebhookId, Webhook>,
    /// Deliveries.
    pub deliveries: BTreeMap<DeliveryId, Delivery>,
    /// Address sessions.
    pub address_sessions: BTreeMap<AddressSessionId, AddressSession>,
    /// Jobs that are not done.
    pub jobs: BTreeMap<JobId, MirrorJob>,
    /// The feed of each tenant.
    pub events: BTreeMap<OrgId, Vec<Event>>,
}

/// A job that is not done.
#[derive(Debug, Clone)]
pub struct MirrorJob {
    /// What.
    pub kind: JobKind,
    /// Whose and on what.
    pub key: (OrgId, String),
    /// When it is due.
    pub run_at: Timestamp,
    /// The claim: fence, and until when.
    pub claim: Option<(i64, Timestamp)>,
    /// Given up.
    pub failed: bool,
}

impl Mirror {
    /// Takes a commit in.
    pub fn apply(&mut self, batch: &Batch, committed: &Committed) {
        let emitted = batch.writes.iter().filter(|write| matches!(write, Write::Emit(_))).count();
        let mut seq = committed.last_event_seq.unwrap_or(0) - i64::try_from(emitted).unwrap_or(0);
        for write in &batch.writes {
            match write {
                Write::Insert(record) => self.keep(record, true),
                Write::Put(record) => self.keep(record, false),
                Write::Guard(_) => {}
                Write::Emit(event) => {
                    seq += 1;
                    self.events.entry(event.org).or_default().push(Event { seq, ..event.clone() });
                }
                Write::Enqueue(job) => {
                    let key = (job.org, job.key.clone());
                    let twin = self
                        .jobs
                        .values_mut()
                        .find(|queued| queued.kind == job.kind && queued.key == key && queued.claim.is_none() && !queued.failed);
                    match (twin, job.merge) {
                        (Some(twin), hum_core::job::Merge::Move) => twin.run_at = job.run_at,
                        (Some(twin), hum_core::job::Merge::Sooner) => twin.run_at = twin.run_at.min(job.run_at),
                        (None, _) => {
                            let job = (job.id, MirrorJob { kind: job.kind, key, run_at: job.run_at, claim: None, failed: false });
                            self.jobs.insert(job.0, job.1);
                        }
                    }
                }
                Write::Finish(finish) => match &finish.how {
                    Finished::Done => {
                        self.jobs.remove(&finish.job);
                    }
                    Finished::Again { at, .. } => self.queue_again(finish.job, *at),
                    Finished::Failed { .. } => {
                        if let Some(job) = self.jobs.get_mut(&finish.job) {
                            job.failed = true;
                            job.claim = None;
                        }
                    }
                },
            }
        }
    }

    fn keep(&mut self, record: &Record, is_new: bool) {
        macro_rules! keep {
            ($map:ident, $key:expr, $record:expr) => {{
                let mut record = $record.clone();
                // The mirror holds versions as the store does after the commit.
                record.version = if is_new { 1 } else { record.version + 1 };
                self.$map.insert($key, record);
            }};
        }
        match record {
            Record::Organization(record) => keep!(organizations, record.id, record),
            Record::Number(record) => keep!(numbers, record.id, record),
            Record::FlowVersion(record) => {
                self.flows.insert((record.flow, record.number), record.clone());
            }
            Record::Conversation(record) => keep!(conversations, record.id, record),
            Record::Message(record) => keep!(messages, record.id, record),
            Record::Attempt(record) => {
                self.tokens.insert(record.token.clone(), record.id);
                keep!(attempts, record.id, record);
            }
            Record::Consent(record) => keep!(consents, (record.org, record.contact.clone()), record),
            Record::Turn(record) => keep!(turns, record.id, record),
            Record::Webhook(record) => keep!(webhooks, record.id, record),
            Record::Delivery(record) => keep!(deliveries, record.id, record),
            Record::AddressSession(record) => keep!(address_sessions, record.id, record),
            Record::CarrierAccount(_) | Record::ApiKey(_) | Record::Flow(_) | Record::StoredReply(_) | Record::Audit(_) => {}
        }
    }

    fn queue_again(&mut self, id: JobId, at: Timestamp) {
        let Some(job) = self.jobs.get(&id).cloned() else { return };
        let is_twin =
            |other: &MirrorJob| other.kind == job.kind && other.key == job.key && other.claim.is_none() && !other.failed;
        let twin = self.jobs.iter().find(|(other, twin)| **other != id && is_twin(twin)).map(|(other, _)| *other);
        if let Some(twin) = twin {
            self.jobs.remove(&id);
            if let Some(twin) = self.jobs.get_mut(&twin) {
                twin.run_at = twin.run_at.min(at);
            }
        } else if let Some(job) = self.jobs.get_mut(&id) {
            job.claim = None;
            job.run_at = at;
        }
    }

    pub(crate) fn claim(&mut self, claimed: &Claimed, lease_until: Timestamp, now: Timestamp, findings: &mut Findings) {
        let Some(job) = self.jobs.get(&claimed.id).cloned() else {
            findings.add("INV-17", format!("{claimed:?} was claimed, but it is done"));
            return;
        };
        if job.claim.is_some_and(|(fence, until)| now < until || claimed.fence <= fence) {
            findings.add("INV-17", format!("{claimed:?} was claimed while {:?} holds", job.claim));
        }
        if job.run_at > now {
            findings.add("INV-20", format!("{claimed:?} was claimed before it was due at {}", job.run_at));
        }
        let running = |other: &MirrorJob| other.kind == job.kind && other.key == job.key && other.claim.is_some();
        if self.jobs.iter().any(|(other, twin)| *other != claimed.id && running(twin)) {
            findings.add("INV-39", format!("{claimed:?} runs beside its twin"));
        }
        if let Some(job) = self.jobs.get_mut(&claimed.id) {
            job.claim = Some((claimed.fence, lease_until));
        }
    }

    pub(crate) fn heartbeat(&mut self, id: JobId, fence: i64, held: bool, lease_until: Timestamp, findings: &mut Findings) {
        let Some(job) = self.jobs.get_mut(&id) else {
            if held {
                findings.add("INV-17", format!("a heartbeat revived {id}"));
            }
            return;
        };
        match job.claim {
            Some((current, _)) if current == fence && held => job.claim = Some((fence, lease_until)),
            claim if held => findings.add("INV-17", format!("a heartbeat with fence {fence} renewed {claim:?}")),
            _ => {}
        }
    }

    pub(crate) fn release(&mut self, id: JobId, fence: i64) {
        let Some(job) = self.jobs.get(&id).filter(|job| job.claim.is_some_and(|(current, _)| current == fence)) else { return };
        let at = job.run_at;
        self.queue_again(id, at);
    }

    pub(crate) fn sweep(&mut self, now: Timestamp, count: u64, findings: &mut Findings) {
        let expired: Vec<JobId> =
            self.jobs.iter().filter(|(_, job)| job.claim.is_some_and(|(_, until)| until <= now)).map(|(id, _)| *id).collect();
        if expired.len() as u64 != count {
            findings.add("INV-18", format!("{} claims ran out, but the sweep took {count} back", expired.len()));
        }
        for id in expired {
            self.queue_again(id, now);
        }
    }

    /// The last try at sending a message.
    pub fn last_attempt(&self, message: MessageId) -> Option<&SendAttempt> {
        self.attempts.values().filter(|attempt| attempt.message == message).max_by_key(|attempt| attempt.id)
    }
}
