//! Making, using, closing and listing sessions.

use std::time::Duration;

use crate::{
    access::Caller,
    address::{Address, normalize},
    app::Hum,
    kernel::{
        batch::Batch,
        clock::Timestamp,
        error::{Error, FieldError, Tries},
        id::AddressSessionId,
        idempotency::{Answer, Remember},
        job::NewJob,
    },
    planted::{Bug, planted},
};

use super::{
    AddressSession, Found, SessionRequest, SessionStatus, SessionToken,
    find::{Asking, Question},
};

/// How often a creation that waits looks whether the agents are done.
const LOOK: Duration = Duration::from_millis(25);

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

impl Hum {
    /// Opens a session for an address. Agents with local sources are done in the answer; remote ones are waited for, at
    /// most [`crate::app::Settings::session_wait`], and go on in a job after that. A failing source is never an error here.
    ///
    /// # Errors
    /// `Invalid` names every component that cannot be used.
    pub async fn create_address_session(
        &self,
        caller: &Caller,
        request: SessionRequest,
        remember: Remember<CreatedSession>,
    ) -> Result<Answer<CreatedSession>, Error> {
        let address = check(&request)?;
        let question = Question { address, given: request.coordinates() };
        let (mut found, _) = self.find(&question, Found::default(), Asking::Inline).await;
        let mut request = request;
        let is_pending = found.is_pending();
        let mut tries = Tries::new();
        let created = loop {
            let now = self.clock.now();
            if let Some(replayed) = remember.replay(&*self.reads(caller.org), &*self.cipher, now).await? {
                return Ok(replayed);
            }
            let token = SessionToken::draw(&*self.entropy);
            let session = AddressSession {
                id: AddressSessionId::new(now, &*self.entropy),
                org: caller.org,
                token_hash: if planted(Bug::TokenInTheOpen) { in_the_open(&token) } else { token.hash() },
                request,
                found,
                created_at: now,
                updated_at: now,
                expires_at: now + self.settings.session_idle,
                closed_at: None,
                version: 1,
            };
            let created = CreatedSession { session, token, answered_at: now };
            let mut batch = Batch::for_org(caller.org);
            batch.insert(created.session.clone());
            if is_pending {
                batch.enqueue(NewJob::find(created.session.id, caller.org, now, &*self.entropy));
            }
            remember.record(&mut batch, &created, &*self.cipher, now);
            match self.commit(batch).await {
                Ok(_) => break created,
                Err(error) => tries.again(error)?,
            }
            AddressSession { request, found, .. } = created.session;
        };
        if !is_pending {
            return Ok(Answer::Fresh(created));
        }
        let session = self.wait_for_agents(created.session).await;
        Ok(Answer::Fresh(CreatedSession { session, answered_at: self.clock.now(), ..created }))
    }

    /// The session is committed: from here on nothing is an error, or its only token would be lost.
    async fn wait_for_agents(&self, mut session: AddressSession) -> AddressSession {
        let began = self.clock.monotonic();
        while session.found.is_pending() && self.clock.monotonic().saturating_sub(began) < self.settings.session_wait {
            self.clock.sleep(LOOK).await;
            match self.reads(session.org).address_session(session.id).await {
                Ok(Some(now)) => session = now,
                Ok(None) | Err(_) => break,
            }
        }
        session
    }

    /// Uses a session: its half hour begins anew. `None` when there is no session with this token here that is open; why is
    /// not told, so that nobody learns of another organization's.
    ///
    /// # Errors
    /// `Store`.
    pub async fn use_address_session(&self, caller: &Caller, token: &str) -> Result<Option<AddressSession>, Error> {
        let mut tries = Tries::new();
        loop {
            let Some(mut session) = self.open_session(caller, token).await? else { return Ok(None) };
            session.expires_at = self.clock.now() + self.settings.session_idle;
            let mut batch = Batch::for_org(session.org);
            batch.put(session.clone());
            match self.commit(batch).await {
                Ok(_) => return Ok(Some(AddressSession { version: session.version + 1, ..session })),
                Err(error) => tries.again(error)?,
            }
        }
    }

    /// Closes a session: its token is worth nothing any more, and what was found is deleted. Answers the closed session;
    /// `None` as in [`Hum::use_address_session`].
    ///
    /// # Errors
    /// `Store`.
    pub async fn close_address_session(&self, caller: &Caller, token: &str) -> Result<Option<AddressSession>, Error> {
        let mut tries = Tries::new();
        loop {
            let Some(mut session) = self.open_session(caller, token).await? else { return Ok(None) };
            let now = self.clock.now();
            session.closed_at = Some(now);
            session.updated_at = now;
            session.found = Found::cleared();
            let mut batch = Batch::for_org(session.org);
            batch.put(session.clone());
            match self.commit(batch).await {
                Ok(_) => return Ok(Some(session)),
                Err(error) => tries.again(error)?,
            }
        }
    }

    /// The session of this token, if it can be used now.
    async fn open_session(&self, caller: &Caller, token: &str) -> Result<Option<AddressSession>, Error> {
        let Some(token) = SessionToken::read(token) else { return Ok(None) };
        let hash = if planted(Bug::TokenInTheOpen) { in_the_open(&token) } else { token.hash() };
        let mut session = self.reads(caller.org).find_address_session(&hash).await?;
        if session.is_none() && planted(Bug::SessionOfAnyTenant) {
            for org in self.store.system().list_organizations().await? {
                session = session.or(self.reads(org.id).find_address_session(&hash).await?);
            }
        }
        let usable = |session: &AddressSession| match session.status(self.clock.now()) {
            SessionStatus::Open => true,
            SessionStatus::Closed => planted(Bug::ClosedSessionWorks),
            SessionStatus::Expired => planted(Bug::ExpiryIsASuggestion),
        };
        Ok(session.filter(usable))
    }

    /// Asks all sources about an address at once, without a session: for agents' tools, in jobs.
    pub(crate) async fn find_internet(&self, address: Address) -> Found {
        let question = Question { address, given: None };
        self.find(&question, Found::default(), Asking::Finally).await.0
    }
}

/// A planted bug: what is stored is the token.
fn in_the_open(token: &SessionToken) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..token.reveal().len()].copy_from_slice(token.reveal().as_bytes());
    bytes
}

/// The address in its normal form.
fn check(request: &SessionRequest) -> Result<Address, Error> {
    let mut problems = Vec::new();
    let address = normalize(&request.address());
    if let Err(invalid) = &address {
        problems.extend(invalid.iter().map(|one| FieldError::new(format!("/{}", one.field), &*one.detail)));
    }
    let degrees = [("/latitude", request.latitude, 90.0), ("/longitude", request.longitude, 180.0)];
    for (pointer, value, most) in degrees {
        if value.is_some_and(|value| !(-most..=most).contains(&value)) {
            problems.push(FieldError::new(pointer, format!("must be degrees from -{most} to {most}")));
        }
    }
    match (request.latitude, request.longitude) {
        (Some(_), None) => problems.push(FieldError::new("/longitude", "must come together with latitude")),
        (None, Some(_)) => problems.push(FieldError::new("/latitude", "must come together with longitude")),
        (Some(_), Some(_)) | (None, None) => {}
    }
    if request.campaign_id.as_ref().is_some_and(|id| !(1..=100).contains(&id.chars().count())) {
        problems.push(FieldError::new("/campaign_id", "must have 1 to 100 characters"));
    }
    match address {
        Ok(address) if problems.is_empty() => Ok(address),
        Ok(_) | Err(_) => Err(Error::Invalid(problems)),
    }
}
