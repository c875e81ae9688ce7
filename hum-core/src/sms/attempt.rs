use crate::kernel::{
    clock::Timestamp,
    entropy::Entropy,
    id::{AttemptId, MessageId, OrgId},
    named::named,
};

/// One try at handing a message to the carrier. Committed before the carrier is called; `docs/sending.md` has the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendAttempt {
    /// Which.
    pub id: AttemptId,
    /// Whose.
    pub org: OrgId,
    /// Of what.
    pub message: MessageId,
    /// 128 random bits in the status-callback URL: what binds a callback to this try.
    pub token: String,
    /// When `dispatching` was committed.
    pub started_at: Timestamp,
    /// What is known.
    pub state: AttemptState,
    /// Store version.
    pub version: i64,
}

/// What is known of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptState {
    /// The carrier is being called.
    Dispatching,
    /// The carrier has it.
    Confirmed {
        /// The carrier's id.
        sid: String,
        /// How hum learnt it.
        by: ResolvedBy,
    },
    /// Definitely not with the carrier.
    NotSent {
        /// Why.
        reason: String,
    },
    /// May be with the carrier.
    InDoubt {
        /// Since when.
        since: Timestamp,
        /// A label: the carrier is healthy and lists nothing. A later callback still confirms it.
        presumed_absent: bool,
        /// How often the carrier's list was searched.
        looked: i64,
    },
}

named! {
    /// How hum learnt that the carrier has a text.
    pub enum ResolvedBy {
        /// The answer to the request.
        Answer = "answer",
        /// A callback with the attempt's token.
        Callback = "callback",
        /// The carrier's list.
        Listing = "listing",
    }
}

impl SendAttempt {
    /// A try that begins now.
    pub fn begin(org: OrgId, message: MessageId, now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self {
            id: AttemptId::new(now, entropy),
            org,
            message,
            token: entropy.token(),
            started_at: now,
            state: AttemptState::Dispatching,
            version: 0,
        }
    }
}
