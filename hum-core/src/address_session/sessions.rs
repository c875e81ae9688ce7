//! Making, using, closing and listing sessions.

use std::{pin::pin, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, select_biased};

use crate::{
    access::Caller,
    address::{Address, normalize},
    broadband::BroadbandMap,
    geocode::Geocoder,
    kernel::{
        Kernel, Reads,
        batch::Batch,
        clock::Timestamp,
        decide::{Decision, Moment},
        error::{Error, FieldError},
        id::OrgId,
        idempotency::{Answer, Remember},
    },
};

use super::{
    AddressSession, AddressSessionReads, Found, SessionRequest, SessionStatus, SessionToken,
    ask::{Asking, Question},
    cache::Cache,
    find::find_job,
};

/// How often a creation that waits looks whether the agents are done, should it not be told.
const LOOK: Duration = Duration::from_millis(500);
/// And how often at most: signals of other news of the organization wake it too.
const REST: Duration = Duration::from_millis(10);

/// A session that was just made: the only time its token exists.
#[derive(Debug, Clone)]
pub struct CreatedSession {
    /// What is kept.
    pub session: AddressSession,
    /// To be shown once.
    pub token: SessionToken,
    /// When that was.
    pub answered_at: Timestamp,
}

/// An address in, providers and plans out.
#[derive(Clone)]
pub struct AddressSessions {
    pub(super) kernel: Kernel,
    pub(super) reads: Reads<dyn AddressSessionReads>,
    pub(super) geocoder: Arc<dyn Geocoder>,
    pub(super) broadband_map: Arc<dyn BroadbandMap>,
    pub(super) cache: Arc<Cache>,
    /// How long one answer of a source may take.
    pub(super) source_timeout: Duration,
    /// After how long without use a session expires.
    idle: Duration,
    /// How long a creation waits for remote sources.
    wait: Duration,
}

/// What [`AddressSessions`] is made of besides the kernel.
pub(crate) struct Parts {
    pub reads: Reads<dyn AddressSessionReads>,
    pub geocoder: Arc<dyn Geocoder>,
    pub broadband_map: Arc<dyn BroadbandMap>,
    pub idle: Duration,
    pub wait: Duration,
    pub source_timeout: Duration,
}

impl AddressSessions {
    pub(crate) fn new(kernel: Kernel, parts: Parts) -> Self {
        let Parts {
            reads,
            geocoder,
            broadband_map,
            idle,
            wait,
            source_timeout,
        } = parts;
        Self {
            kernel,
            reads,
            geocoder,
            broadband_map,
            cache: Arc::default(),
            source_timeout,
            idle,
            wait,
        }
    }

    /// Opens a session for an address. Agents with local sources are done in the answer; remote
    /// ones are waited for, at most [`crate::Settings::session_wait`], and go on in a job after
    /// that. A failing source is never an error here.
    ///
    /// # Errors
    /// `Invalid` names every component that cannot be used.
    pub async fn create(
        &self,
        caller: &Caller,
        request: SessionRequest,
        remember: Remember<CreatedSession>,
    ) -> Result<Answer<CreatedSession>, Error> {
        let address = check(&request)?;
        let question = Question {
            address,
            given: request.coordinates(),
        };
        let load = || async {
            let (found, _) = self.find(&question, Found::default(), Asking::Inline).await;
            Ok(found)
        };
        let open =
            |found, moment: Moment<'_>| Ok(open(caller.org, &request, found, self.idle, moment));
        let case = self.kernel.of(caller.org, caller.actor).once(remember);
        let created = match case.decide(load, open).await? {
            Answer::Fresh(created) if created.session.found().is_pending() => created,
            answer => return Ok(answer),
        };
        let session = self.wait_for_agents(created.session).await;
        Ok(Answer::Fresh(CreatedSession {
            session,
            answered_at: self.kernel.now(),
            ..created
        }))
    }

    /// The session is committed: from here on nothing is an error, or its only token would be lost.
    async fn wait_for_agents(&self, mut session: AddressSession) -> AddressSession {
        let clock = self.kernel.clock();
        let until = clock.monotonic() + self.wait;
        let mut signals = self.kernel.live_bus().subscribe(session.org);
        // What was done before anybody listened is seen at once.
        let mut pause = Duration::ZERO;
        while session.found().is_pending() && clock.monotonic() < until {
            let mut told = pin!(signals.next().fuse());
            let mut look = pin!(clock.sleep(pause).fuse());
            select_biased! {
                _ = told => {}
                () = look => {}
            }
            if !pause.is_zero() {
                clock.sleep(REST).await;
            }
            pause = LOOK.min(until.saturating_sub(clock.monotonic()));
            match self.reads.of(session.org).address_session(session.id).await {
                Ok(Some(now)) => session = now,
                Ok(None) | Err(_) => break,
            }
        }
        session
    }

    /// Uses a session: its half hour begins anew. `None` when there is no session with this token
    /// here that is open; why is not told, so that nobody learns of another organization's.
    ///
    /// # Errors
    /// `Store`.
    pub async fn use_session(
        &self,
        caller: &Caller,
        token: &str,
    ) -> Result<Option<AddressSession>, Error> {
        let Some(token) = SessionToken::read(token) else {
            return Ok(None);
        };
        let load = || self.of_token(caller.org, &token);
        let case = self.kernel.of(caller.org, caller.actor);
        case.decide(load, |session, moment| {
            Ok(use_session(caller.org, session, self.idle, moment))
        })
        .await
    }

    /// Closes a session: its token is worth nothing any more, and what was found is deleted.
    /// Answers the closed session; `None` as in [`AddressSessions::use_session`].
    ///
    /// # Errors
    /// `Store`.
    pub async fn close(
        &self,
        caller: &Caller,
        token: &str,
    ) -> Result<Option<AddressSession>, Error> {
        let Some(token) = SessionToken::read(token) else {
            return Ok(None);
        };
        let load = || self.of_token(caller.org, &token);
        let case = self.kernel.of(caller.org, caller.actor);
        case.decide(load, |session, moment| {
            Ok(close(caller.org, session, moment))
        })
        .await
    }

    /// The session of this token, also if it cannot be used any more.
    async fn of_token(
        &self,
        org: OrgId,
        token: &SessionToken,
    ) -> Result<Option<AddressSession>, Error> {
        Ok(self
            .reads
            .of(org)
            .find_address_session(&token.hash())
            .await?)
    }

    /// Asks all sources about an address at once, without a session: for agents' tools, in jobs.
    pub(crate) async fn find_internet(&self, address: Address) -> Found {
        let question = Question {
            address,
            given: None,
        };
        self.find(&question, Found::default(), Asking::Finally)
            .await
            .0
    }
}

fn open(
    org: OrgId,
    request: &SessionRequest,
    found: Found,
    idle: Duration,
    moment: Moment<'_>,
) -> Decision<CreatedSession> {
    let token = SessionToken::draw(moment.entropy);
    let session = AddressSession::open(
        org,
        &token,
        request.clone(),
        found,
        moment.now + idle,
        moment,
    );
    let mut batch = Batch::for_org(org);
    let place = batch.insert(&session);
    if session.found().is_pending() {
        batch.enqueue(find_job(session.id, org, moment));
    }
    let created = CreatedSession {
        session,
        token,
        answered_at: moment.now,
    };
    Decision::new(batch, created)
        .stamped(place, |created, version| created.session.version = version)
}

fn use_session(
    org: OrgId,
    session: Option<AddressSession>,
    idle: Duration,
    moment: Moment<'_>,
) -> Decision<Option<AddressSession>> {
    change(org, session, moment, |session| {
        session.use_until(moment.now + idle)
    })
}

fn close(
    org: OrgId,
    session: Option<AddressSession>,
    moment: Moment<'_>,
) -> Decision<Option<AddressSession>> {
    change(org, session, moment, |session| session.close(moment.now))
}

/// Changes the session, if it can be used now.
fn change(
    org: OrgId,
    session: Option<AddressSession>,
    moment: Moment<'_>,
    change: impl FnOnce(AddressSession) -> AddressSession,
) -> Decision<Option<AddressSession>> {
    let mut batch = Batch::for_org(org);
    let Some(session) = session
        .filter(|session| session.status(moment.now) == SessionStatus::Open)
        .map(change)
    else {
        return Decision::new(batch, None);
    };
    let place = batch.put(&session);
    let set = |answer: &mut Option<AddressSession>, version| {
        answer
            .iter_mut()
            .for_each(|session| session.version = version)
    };
    Decision::new(batch, Some(session)).stamped(place, set)
}

/// The address in its normal form.
fn check(request: &SessionRequest) -> Result<Address, Error> {
    let mut problems = Vec::new();
    let address = normalize(&request.address());
    if let Err(invalid) = &address {
        problems.extend(
            invalid
                .iter()
                .map(|one| FieldError::new(format!("/{}", one.field), &*one.detail)),
        );
    }
    let degrees = [
        ("/latitude", request.latitude, 90.0),
        ("/longitude", request.longitude, 180.0),
    ];
    for (pointer, value, most) in degrees {
        if value.is_some_and(|value| !(-most..=most).contains(&value)) {
            problems.push(FieldError::new(
                pointer,
                format!("must be degrees from -{most} to {most}"),
            ));
        }
    }
    match (request.latitude, request.longitude) {
        (Some(_), None) => problems.push(FieldError::new(
            "/longitude",
            "must come together with latitude",
        )),
        (None, Some(_)) => problems.push(FieldError::new(
            "/latitude",
            "must come together with longitude",
        )),
        (Some(_), Some(_)) | (None, None) => {}
    }
    if request
        .campaign_id
        .as_ref()
        .is_some_and(|id| !(1..=100).contains(&id.chars().count()))
    {
        problems.push(FieldError::new(
            "/campaign_id",
            "must have 1 to 100 characters",
        ));
    }
    match address {
        Ok(address) if problems.is_empty() => Ok(address),
        Ok(_) | Err(_) => Err(Error::Invalid(problems)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        address_session::{FIND, Geocoded},
        kernel::{batch::Write, entropy::Zero},
    };

    const IDLE: Duration = Duration::from_secs(1_800);

    fn moment_after(seconds: u64) -> Moment<'static> {
        let start = Timestamp::from_micros(1_767_225_600_000_000);
        Moment {
            now: start + Duration::from_secs(seconds),
            entropy: &Zero,
        }
    }

    fn org() -> OrgId {
        OrgId::new(moment_after(0).now, &Zero)
    }

    fn request() -> SessionRequest {
        SessionRequest {
            street1: "29090 Tiffany Dr E".into(),
            zip: Some("48034".into()),
            ..SessionRequest::default()
        }
    }

    fn opened(found: &Found) -> Decision<CreatedSession> {
        open(org(), &request(), found.clone(), IDLE, moment_after(0))
    }

    #[test]
    fn only_a_pending_session_orders_a_job() {
        for (found, jobs) in [(Found::default(), 1), (Found::cleared(), 0)] {
            let decision = opened(&found);
            let session = &decision.answer.session;
            assert_eq!(
                decision.batch.inserted::<AddressSession>(),
                std::slice::from_ref(session)
            );
            let wanted = |write: &&Write| matches!(write, Write::Enqueue(job) if (job.kind, &job.key) == (FIND, &session.id.to_string()));
            assert_eq!(
                decision.batch.writes.iter().filter(wanted).count(),
                jobs,
                "{found:?}"
            );
        }
    }

    #[test]
    fn what_is_stored_of_the_token_is_its_hash() {
        let CreatedSession { session, token, .. } = opened(&Found::default()).answer;
        assert_eq!(session.token_hash, token.hash());
    }

    #[test]
    fn each_use_begins_the_half_hour_anew_and_none_comes_too_late() {
        let session = opened(&Found::default()).answer.session;
        for (seconds, usable) in [(0, true), (1_799, true), (1_800, false), (9_999, false)] {
            let decision = use_session(org(), Some(session.clone()), IDLE, moment_after(seconds));
            let until = decision.answer.as_ref().map(AddressSession::expires_at);
            assert_eq!(
                until,
                usable.then(|| moment_after(seconds).now + IDLE),
                "after {seconds} s"
            );
            assert_eq!(
                decision.batch.changed::<AddressSession>().len(),
                usize::from(usable)
            );
        }
    }

    #[test]
    fn nothing_is_left_of_a_closed_session() {
        let found = Found {
            geocoding: Geocoded::Failed,
            ..Found::default()
        };
        let session = opened(&found).answer.session;
        let closed = close(org(), Some(session), moment_after(1))
            .answer
            .expect("it is open");
        assert_eq!(
            (closed.found(), closed.closed_at()),
            (&Found::cleared(), Some(moment_after(1).now))
        );
        assert!(!closed.wants_more());
        for decision in [
            use_session(org(), Some(closed.clone()), IDLE, moment_after(2)),
            close(org(), Some(closed), moment_after(2)),
            close(org(), None, moment_after(2)),
        ] {
            assert!(decision.answer.is_none() && decision.batch.writes.is_empty());
        }
    }

    #[test]
    fn a_wrong_request_is_told_every_part() {
        let wrong = SessionRequest {
            latitude: Some(91.0),
            campaign_id: Some(String::new()),
            ..request()
        };
        let Err(Error::Invalid(problems)) = check(&wrong) else {
            panic!("it is wrong")
        };
        let pointers: Vec<&str> = problems.iter().map(|problem| &*problem.pointer).collect();
        assert_eq!(pointers, ["/latitude", "/longitude", "/campaign_id"]);
    }
}
