use crate::kernel::{
    clock::Timestamp,
    decide::Moment,
    id::{AttemptId, MessageId, OrgId},
    named::named,
    record::{fields, record},
};

record! {
    /// One try at handing a message to the carrier. Committed before the carrier is called;
    /// `docs/sending.md` has the protocol.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct SendAttempt in "attempt" {
        /// Whose.
        key pub org: OrgId => "org_id",
        /// Which.
        key pub id: AttemptId => "id",
        /// Of what.
        fixed pub message: MessageId => "message_id",
        /// 128 random bits in the status-callback URL: what binds a callback to this try.
        fixed pub token: String => "token",
        /// When `dispatching` was committed.
        fixed pub started_at: Timestamp => "started_at",
        /// What is known.
        group state: AttemptState => ..,
        /// Store version.
        version pub version: i64 => "version",
    }
    unique { ["token"] }
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

fields! {
    AttemptState by "state" {
        "dispatching" => Dispatching,
        "confirmed" => Confirmed { sid: sid, by: confirmed_by },
        "not_sent" => NotSent { reason: reason },
        "in_doubt" => InDoubt { since: in_doubt_since, presumed_absent: presumed_absent, looked: looked },
    } in {
        sid: String,
        confirmed_by: ResolvedBy,
        reason: String,
        in_doubt_since: Timestamp,
        presumed_absent: bool,
        looked: i64,
    }
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
    pub fn begin(org: OrgId, message: MessageId, moment: Moment<'_>) -> Self {
        let Moment { now, entropy } = moment;
        Self {
            org,
            id: AttemptId::new(now, entropy),
            message,
            token: entropy.token(),
            started_at: now,
            state: AttemptState::Dispatching,
            version: 0,
        }
    }

    /// What is known.
    pub fn state(&self) -> &AttemptState {
        &self.state
    }

    /// The carrier's id, once it is known that the carrier has the text.
    pub fn sid(&self) -> Option<&str> {
        match &self.state {
            AttemptState::Confirmed { sid, .. } => Some(sid),
            AttemptState::Dispatching
            | AttemptState::NotSent { .. }
            | AttemptState::InDoubt { .. } => None,
        }
    }

    /// The carrier has it, whatever was thought before; `None` when that is known already.
    pub fn confirm(self, sid: &str, by: ResolvedBy) -> Option<Self> {
        let state = AttemptState::Confirmed {
            sid: sid.into(),
            by,
        };
        self.sid().is_none().then_some(Self { state, ..self })
    }

    /// Definitely not with the carrier; `None` when it was proved that it is.
    pub fn not_sent(self, reason: String) -> Option<Self> {
        self.sid().is_none().then_some(Self {
            state: AttemptState::NotSent { reason },
            ..self
        })
    }

    /// May be with the carrier; `None` when there is an outcome already.
    pub fn fall_in_doubt(self, now: Timestamp) -> Option<Self> {
        let state = AttemptState::InDoubt {
            since: now,
            presumed_absent: false,
            looked: 0,
        };
        (self.state == AttemptState::Dispatching).then_some(Self { state, ..self })
    }

    /// Since when it is in doubt, and how often the carrier's list was searched.
    pub fn doubt(&self) -> Option<(Timestamp, i64)> {
        match self.state {
            AttemptState::InDoubt { since, looked, .. } => Some((since, looked)),
            AttemptState::Dispatching
            | AttemptState::Confirmed { .. }
            | AttemptState::NotSent { .. } => None,
        }
    }

    /// The carrier's list was searched in vain, once more; only what is in doubt changes.
    pub fn looked(self, presumed_absent: bool) -> Self {
        match self.state {
            AttemptState::InDoubt { since, looked, .. } => Self {
                state: AttemptState::InDoubt {
                    since,
                    presumed_absent,
                    looked: looked + 1,
                },
                ..self
            },
            AttemptState::Dispatching
            | AttemptState::Confirmed { .. }
            | AttemptState::NotSent { .. } => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kernel::record::Record as _,
        sms::fixture::{moment, org},
    };

    fn attempt() -> SendAttempt {
        let Moment { now, entropy } = moment();
        SendAttempt::begin(org(), MessageId::new(now, entropy), moment())
    }

    /// One in each state.
    fn each() -> [SendAttempt; 4] {
        let confirmed = attempt()
            .confirm("SM1", ResolvedBy::Listing)
            .expect("it was not");
        let not_sent = attempt()
            .not_sent("busy".into())
            .expect("nothing was proved");
        [
            attempt(),
            confirmed,
            not_sent,
            attempt()
                .fall_in_doubt(moment().now)
                .expect("it was under way")
                .looked(true),
        ]
    }

    #[test]
    fn every_state_is_stored() {
        for attempt in each() {
            assert_eq!(
                SendAttempt::from_row(attempt.to_row()).expect("an attempt"),
                attempt
            );
        }
    }

    #[test]
    fn a_proof_is_never_taken_back() {
        let [.., in_doubt] = each();
        for (attempt, confirms, refuses, doubts) in [
            (attempt(), true, true, true),
            (each()[1].clone(), false, false, false),
            (each()[2].clone(), true, true, false),
            (in_doubt, true, true, false),
        ] {
            let state = attempt.state().clone();
            assert_eq!(
                attempt
                    .clone()
                    .confirm("SM2", ResolvedBy::Callback)
                    .is_some(),
                confirms,
                "{state:?}"
            );
            assert_eq!(
                attempt.clone().not_sent("refused".into()).is_some(),
                refuses,
                "{state:?}"
            );
            assert_eq!(
                attempt.fall_in_doubt(moment().now).is_some(),
                doubts,
                "{state:?}"
            );
        }
    }

    #[test]
    fn looks_are_counted_while_it_is_in_doubt() {
        let [under_way, .., in_doubt] = each();
        assert_eq!(in_doubt.looked(false).doubt(), Some((moment().now, 2)));
        assert_eq!(under_way.clone().looked(true), under_way);
    }
}
