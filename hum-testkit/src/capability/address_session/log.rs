use std::{collections::BTreeMap, time::Duration};

use hum_core::{
    address::Address,
    address_session::AddressSession,
    broadband::{Coverage, Place},
    clock::Timestamp,
    geocode::{Coordinates, Geocoding, Reach, SourceError},
    id::{AddressSessionId, OrgId},
};
use sha2::{Digest as _, Sha256};

use super::invariant::{lifetime, token};
use crate::{
    fake::sources::{Country, reach},
    monitor::Monitor,
    process::ProcessId,
};

/// SHA-256 of a token, by which a session is known.
pub type TokenHash = [u8; 32];

/// What was asked of a source.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// The geocoder: where is this?
    Where(Address, Option<Coordinates>),
    /// The map: who offers internet there?
    Who(Place),
}

/// What a source said.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// The geocoder's answer.
    Where(Geocoding),
    /// The map's answer.
    Who(Coverage),
    /// Nothing.
    Failure(SourceError),
}

/// A question of one process to one source. Without an answer, it waits, or nobody listens any
/// more.
#[derive(Debug, Clone)]
pub struct Question {
    /// Who asked.
    pub process: ProcessId,
    /// When, from the start of the world.
    pub at: Duration,
    /// What.
    pub asked: Asked,
    /// The answer.
    pub answer: Option<SourceAnswer>,
}

/// The answer to a question.
#[derive(Debug, Clone)]
pub struct SourceAnswer {
    /// When, from the start of the world.
    pub at: Duration,
    /// The release of the data that it is from.
    pub release: usize,
    /// What.
    pub told: Told,
}

/// What somebody wants of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A new one; the client's name for it is of this request alone.
    Create {
        /// The client's name for it.
        campaign: String,
        /// Whether it comes with an `Idempotency-Key`.
        keyed: bool,
    },
    /// An answer of the one with this token.
    Use(TokenHash),
    /// The end of the one with this token.
    Close(TokenHash),
}

/// A request about a session.
#[derive(Debug, Clone)]
pub struct Call {
    /// Whose caller.
    pub org: OrgId,
    /// What.
    pub wanted: Wanted,
    /// When it began, from the start of the world.
    pub start: Duration,
    /// How many commits there were by then.
    pub commits: u64,
    /// Whether it may still commit something.
    pub in_flight: bool,
}

/// How a use or a close ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// With the session.
    Answered(Box<AddressSession>),
    /// There is no such session.
    Refused,
    /// The store failed, or the process died: it may have happened.
    Unknown,
    /// With an error that does not belong there.
    Failed(String),
}

/// A state of a session, from its commit to the next.
#[derive(Debug, Clone)]
pub struct State {
    /// The number of its commit.
    pub commit: u64,
    /// What was stored.
    pub expires_at: Timestamp,
    /// Whether it was closed.
    pub closed: bool,
    /// The store's version of it.
    pub version: i64,
}

/// What the world knows of address sessions: who called when, who was told which token, and what
/// the sources said.
#[derive(Debug, Default)]
pub struct SessionLog {
    /// How far away the sources are, the farther one; `None` when they are not the world's own, and
    /// nobody hears them.
    pub sources: Option<Reach>,
    /// What is true, and since when.
    pub country: Country,
    /// Every question to a source.
    pub questions: Vec<Question>,
    /// Every request.
    pub calls: Vec<Call>,
    /// Every commit of every session, in order.
    pub states: BTreeMap<TokenHash, Vec<State>>,
    /// Tokens that were shown.
    pub tokens: BTreeMap<AddressSessionId, String>,
    /// What was committed about sessions whose token nobody has seen yet.
    pub unread: BTreeMap<AddressSessionId, Vec<String>>,
    /// How many batches were committed so far.
    pub commits: u64,
}

impl SessionLog {
    /// Hears the sources of the world, which say what is true in `country`.
    pub fn hear(&mut self, country: Country, is_remote: bool) {
        self.country = country;
        self.sources = Some(reach(is_remote));
    }

    /// The requests that may have made a commit about the session of this token, or under this
    /// client's name.
    pub fn in_flight(&self, wanted: impl Fn(&Wanted) -> bool) -> impl Iterator<Item = &Call> {
        self.calls
            .iter()
            .filter(move |call| call.in_flight && wanted(&call.wanted))
    }

    /// The request that may have made a session; its client's name for it is of this request alone.
    pub fn creation_of(&self, session: &AddressSession) -> Option<&Call> {
        let name = session.request.campaign_id.as_deref().unwrap_or_default();
        self.in_flight(
            |wanted| matches!(wanted, Wanted::Create { campaign, .. } if campaign == name),
        )
        .next()
    }

    /// The states that somebody who called could meet: the one when the call began, and those that
    /// came since.
    pub fn met_by(&self, call: &Call, token: &TokenHash) -> &[State] {
        let states = self
            .states
            .get(token)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let first = states
            .iter()
            .rposition(|state| state.commit <= call.commits)
            .unwrap_or(0);
        states.get(first..).unwrap_or_default()
    }
}

/// How a session is found by its token.
pub fn token_hash(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

impl Monitor {
    /// A source was asked; answers the number of the question.
    pub fn asked(&self, process: ProcessId, asked: Asked) -> usize {
        self.see(|witness| {
            witness.note(format!("ask {process:?} {asked:?}"));
            let (at, questions) = (witness.clock.elapsed(), &mut witness.log.sessions.questions);
            questions.push(Question {
                process,
                at,
                asked,
                answer: None,
            });
            questions.len() - 1
        })
    }

    /// A source answered a question.
    pub fn told(&self, question: usize, release: usize, told: Told) {
        self.see(|witness| {
            witness.note(format!("told {question} {told:?}"));
            let answer = SourceAnswer {
                at: witness.clock.elapsed(),
                release,
                told,
            };
            if let Some(question) = witness.log.sessions.questions.get_mut(question) {
                question.answer = Some(answer);
            }
        });
    }

    /// Somebody begins to make, use or close an address session; answers the number of the call.
    pub fn session_call(&self, org: OrgId, wanted: Wanted) -> usize {
        self.see(|witness| {
            let (start, log) = (witness.clock.elapsed(), &mut witness.log.sessions);
            let commits = log.commits;
            log.calls.push(Call {
                org,
                wanted,
                start,
                commits,
                in_flight: true,
            });
            log.calls.len() - 1
        })
    }

    /// A creation ended, with a session and its token or without.
    pub fn session_created(&self, call: usize, token: Option<&str>) {
        self.see(|witness| token::shown(witness, call, token));
    }

    /// A use or a close ended.
    pub fn session_called(&self, call: usize, outcome: &Outcome) {
        self.see(|witness| {
            witness.note(format!("session call {call} {outcome:?}"));
            lifetime::called(witness, call, outcome);
        });
    }
}
