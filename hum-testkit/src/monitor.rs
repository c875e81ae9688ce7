//! The witness: sees every commit and every effect, in order, and lets the invariants judge.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hum_core::{
    batch::{Batch, Committed},
    clock::{Clock as _, Timestamp},
    consent::Keyword,
    id::{JobId, MessageId, OrgId},
    job::Claimed,
    number::E164,
    sms::CarrierStatus,
};
use sha2::{Digest as _, Sha256};

use crate::{
    clock::VirtualClock,
    invariant::{self, Commit, Findings, Mirror},
    process::ProcessId,
    session_log::{Asked, Call, Outcome, Question, SessionLog, SourceAnswer, Told, Wanted},
};

/// Something that must never be, was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which invariant, such as `INV-02`.
    pub invariant: &'static str,
    /// When, in the world.
    pub at: Timestamp,
    /// What was seen.
    pub detail: String,
}

/// The carrier accepted a text.
#[derive(Debug, Clone)]
pub struct Effect {
    /// The carrier's id.
    pub sid: String,
    /// The attempt's token.
    pub token: String,
    /// Sender.
    pub from: E164,
    /// Recipient.
    pub to: E164,
    /// When.
    pub at: Timestamp,
}

/// What hum was told of a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerKind {
    /// 201 and a sid.
    Accepted,
    /// Certainly not sent.
    Definite,
    /// A 500: may have been sent.
    ServerError,
    /// A reset or a time-out: may have been sent.
    Reset,
}

/// A customer's endpoint was called.
#[derive(Debug, Clone)]
pub struct Called {
    /// Where.
    pub url: String,
    /// With what.
    pub headers: Vec<(String, String)>,
    /// With what.
    pub body: Vec<u8>,
    /// When.
    pub at: Timestamp,
    /// What it meant to answer.
    pub status: u16,
}

/// A text that a handset wrote.
#[derive(Debug, Clone)]
pub struct Written {
    /// From whom.
    pub from: E164,
    /// To whom.
    pub to: E164,
    /// The text.
    pub body: String,
    /// What a person means by it.
    pub means: Option<Keyword>,
}

/// What the world knows and hum does not.
#[derive(Debug, Default)]
pub struct WorldLog {
    /// What the carrier accepted.
    pub effects: Vec<Effect>,
    /// What hum was told, by token.
    pub answers: BTreeMap<String, AnswerKind>,
    /// Status callbacks that hum took, by token.
    pub callbacks: BTreeMap<String, Vec<(CarrierStatus, Option<u32>)>>,
    /// Calls of endpoints.
    pub calls: Vec<Called>,
    /// Signing secrets by URL, with the time from which each is valid.
    pub secrets: BTreeMap<String, Vec<(String, Timestamp)>>,
    /// Texts that handsets wrote, by sid.
    pub written: BTreeMap<String, Written>,
    /// Opt-outs that the carrier confirmed, by its number and the contact.
    pub carrier_confirmations: Vec<(E164, E164)>,
    /// Messages that the API acknowledged.
    pub acknowledged: Vec<(OrgId, MessageId)>,
    /// When the claim of a job began that is still held, from the start of the world.
    pub claims: BTreeMap<JobId, Duration>,
    /// What it knows of address sessions.
    pub sessions: SessionLog,
}

struct State {
    mirror: Mirror,
    log: WorldLog,
    findings: Findings,
    trace: Sha256,
    lines: Option<Vec<String>>,
    steps: u64,
}

/// The witness. Clones share what they saw.
#[derive(Clone)]
pub struct Monitor {
    clock: VirtualClock,
    state: Arc<Mutex<State>>,
}

impl Monitor {
    /// Saw nothing yet. With `keep_lines` the whole trace is kept, to be printed.
    pub fn new(clock: VirtualClock, keep_lines: bool) -> Self {
        let state = State {
            mirror: Mirror::default(),
            log: WorldLog::default(),
            findings: Findings::default(),
            trace: Sha256::new(),
            lines: keep_lines.then(Vec::new),
            steps: 0,
        };
        Self { clock, state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, state: &mut State, line: impl FnOnce() -> String) {
        let line = format!("{} {}", self.clock.elapsed().as_micros(), line());
        state.trace.update(line.as_bytes());
        state.trace.update(b"\n");
        state.steps += 1;
        if let Some(lines) = &mut state.lines {
            lines.push(line);
        }
    }

    /// A batch was committed.
    pub fn committed(&self, process: ProcessId, batch: &Batch, committed: &Committed) {
        let mut state = self.state();
        let text = format!("commit {batch:?} {committed:?}");
        self.note(&mut state, || text.clone());
        let State { mirror, log, findings, .. } = &mut *state;
        findings.now = self.clock.now();
        let commit = Commit { before: mirror, batch, log, process, clock: &self.clock, now: self.clock.now() };
        invariant::on_commit(&commit, findings);
        log.sessions.committed(batch, &text, findings);
        mirror.apply(batch, committed);
    }

    /// Jobs were claimed, by somebody whose wall clock said `now` a moment ago: it may have been set since.
    pub fn claimed(&self, claimed: &[Claimed], now: Timestamp, lease_until: Timestamp) {
        let mut state = self.state();
        let (_, latest) = self.clock.walls_since(Duration::ZERO);
        let now = now.min(latest);
        findings_at(&mut state, self.clock.now());
        for job in claimed {
            self.note(&mut state, || format!("claim {job:?}"));
            let State { mirror, log, findings, .. } = &mut *state;
            mirror.claim(job, lease_until, now, findings);
            log.claims.insert(job.id, self.clock.elapsed());
        }
    }

    /// A claim was renewed, or not.
    pub fn heartbeat(&self, job: JobId, fence: i64, held: bool, lease_until: Timestamp) {
        let mut state = self.state();
        findings_at(&mut state, self.clock.now());
        let State { mirror, findings, .. } = &mut *state;
        mirror.heartbeat(job, fence, held, lease_until, findings);
    }

    /// A claim was given back.
    pub fn released(&self, job: JobId, fence: i64) {
        self.state().mirror.release(job, fence);
    }

    /// Claims that ran out were taken back.
    pub fn swept(&self, now: Timestamp, count: u64) {
        let mut state = self.state();
        findings_at(&mut state, self.clock.now());
        if count > 0 {
            self.note(&mut state, || format!("sweep {count}"));
        }
        let State { mirror, findings, .. } = &mut *state;
        mirror.sweep(now, count, findings);
    }

    /// The carrier accepted a text.
    pub fn effect(&self, effect: Effect) {
        let mut state = self.state();
        findings_at(&mut state, self.clock.now());
        self.note(&mut state, || format!("effect {effect:?}"));
        let State { mirror, log, findings, .. } = &mut *state;
        invariant::on_effect(mirror, log, &effect, findings);
        log.effects.push(effect);
    }

    /// hum was told something of a send.
    pub fn answered(&self, token: &str, kind: AnswerKind) {
        self.state().log.answers.insert(token.to_owned(), kind);
    }

    /// A customer's endpoint was called.
    pub fn called(&self, called: Called) {
        let mut state = self.state();
        findings_at(&mut state, self.clock.now());
        self.note(&mut state, || format!("call {} {} {}", called.url, called.status, String::from_utf8_lossy(&called.body)));
        let State { log, findings, .. } = &mut *state;
        invariant::on_call(log, &called, findings);
        log.calls.push(called);
    }

    /// A source was asked; answers the number of the question.
    pub fn asked(&self, process: ProcessId, asked: Asked) -> usize {
        let mut state = self.state();
        self.note(&mut state, || format!("ask {process:?} {asked:?}"));
        let questions = &mut state.log.sessions.questions;
        questions.push(Question { process, at: self.clock.elapsed(), asked, answer: None });
        questions.len() - 1
    }

    /// A source answered a question.
    pub fn told(&self, question: usize, release: usize, told: Told) {
        let mut state = self.state();
        self.note(&mut state, || format!("told {question} {told:?}"));
        let answer = SourceAnswer { at: self.clock.elapsed(), release, told };
        if let Some(question) = state.log.sessions.questions.get_mut(question) {
            question.answer = Some(answer);
        }
    }

    /// Somebody begins to make, use or close an address session; answers the number of the call.
    pub fn session_call(&self, org: OrgId, wanted: Wanted) -> usize {
        let mut state = self.state();
        let sessions = &mut state.log.sessions;
        let commits = sessions.commits;
        sessions.calls.push(Call { org, wanted, start: self.clock.elapsed(), commits, in_flight: true });
        sessions.calls.len() - 1
    }

    /// A creation ended, with a session and its token or without.
    pub fn session_created(&self, call: usize, token: Option<&str>) {
        let mut state = self.state();
        findings_at(&mut state, self.clock.now());
        let State { mirror, log, findings, .. } = &mut *state;
        invariant::on_session_created(mirror, &mut log.sessions, call, token, findings);
    }

    /// A use or a close ended.
    pub fn session_called(&self, call: usize, outcome: &Outcome) {
        let mut state = self.state();
        findings_at(&mut state, self.clock.now());
        self.note(&mut state, || format!("session call {call} {outcome:?}"));
        let State { mirror, log, findings, .. } = &mut *state;
        invariant::on_session_call(mirror, &mut log.sessions, call, outcome, &self.clock, findings);
    }

    /// Something that happened outside of hum, for whoever reads the trace.
    pub fn remark(&self, line: impl FnOnce() -> String) {
        self.note(&mut self.state(), line);
    }

    /// Something that the scenario knows and hum does not.
    pub fn log(&self, change: impl FnOnce(&mut WorldLog)) {
        change(&mut self.state().log);
    }

    /// The carrier confirmed an opt-out by itself.
    pub fn carrier_confirmed(&self, number: &E164, contact: &E164) {
        self.log(|log| log.carrier_confirmations.push((number.clone(), contact.clone())));
    }

    /// The API acknowledged a message.
    pub fn acknowledged(&self, org: OrgId, message: MessageId) {
        let mut state = self.state();
        findings_at(&mut state, self.clock.now());
        let State { mirror, log, findings, .. } = &mut *state;
        if !mirror.messages.contains_key(&message) {
            findings.add("INV-01", format!("{message} was acknowledged but not committed"));
        }
        log.acknowledged.push((org, message));
    }

    /// The scenario saw something that must not be.
    pub fn violate(&self, invariant: &'static str, detail: String) {
        let mut state = self.state();
        findings_at(&mut state, self.clock.now());
        state.findings.add(invariant, detail);
    }

    /// Looks at the mirror.
    pub fn mirror<T>(&self, look: impl FnOnce(&Mirror) -> T) -> T {
        look(&self.state().mirror)
    }

    /// Looks at what the world knows.
    pub fn with_log<T>(&self, look: impl FnOnce(&WorldLog) -> T) -> T {
        look(&self.state().log)
    }

    /// All is quiet: what must hold in the end?
    pub fn quiescent(&self) {
        let mut state = self.state();
        findings_at(&mut state, self.clock.now());
        let State { mirror, log, findings, .. } = &mut *state;
        invariant::at_quiescence(mirror, log, findings);
    }

    /// What was found so far.
    pub fn violations(&self) -> Vec<Violation> {
        self.state().findings.violations.clone()
    }

    /// How many steps the trace has.
    pub fn steps(&self) -> u64 {
        self.state().steps
    }

    /// SHA-256 of everything that happened, in lower-case hex.
    pub fn trace_hash(&self) -> String {
        self.state().trace.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The trace, if it was kept.
    pub fn lines(&self) -> Vec<String> {
        self.state().lines.clone().unwrap_or_default()
    }
}

fn findings_at(state: &mut State, now: Timestamp) {
    state.findings.now = now;
}
