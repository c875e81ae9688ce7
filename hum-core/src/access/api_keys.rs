//! Making, using and revoking API keys.

use std::{sync::Arc, time::Duration};

use crate::kernel::{
    Kernel, Reads,
    batch::Batch,
    decide::{Decision, Moment},
    error::{Error, FieldError},
    id::{ApiKeyId, OrgId},
    idempotency::{Answer, Remember},
    store::StoreError,
};

use super::{ApiKey, ApiKeyReads, ApiKeySecret, Caller, KeyDirectory, KeyMode, OPERATIONS, Role};

/// A new key.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// For people, 1 to 100 characters.
    pub name: String,
    /// At most the maker's own.
    pub role: Role,
    /// `*`, or scopes of [`OPERATIONS`]; at least one.
    pub scopes: Vec<String>,
    /// The prefix.
    pub mode: KeyMode,
}

/// A key that was just made: the only time its text exists.
#[derive(Debug, Clone)]
pub struct CreatedApiKey {
    /// What is kept.
    pub key: ApiKey,
    /// To be shown once.
    pub secret: ApiKeySecret,
}

/// The presented text is no key that works. Deliberately says no more.
#[derive(Debug, thiserror::Error)]
pub enum NotAuthenticated {
    /// Unknown, malformed or revoked.
    #[error("no valid API key; send `Authorization: Bearer hum_live_…`")]
    NoValidKey,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// `last_used_at` is kept to this precision, so that a busy key does not cost a write per request.
const LAST_USED_PRECISION: Duration = Duration::from_secs(60);

/// API keys: who may do what without a person.
#[derive(Clone)]
pub struct ApiKeys {
    kernel: Kernel,
    reads: Reads<dyn ApiKeyReads>,
    directory: Arc<dyn KeyDirectory>,
}

impl ApiKeys {
    pub(crate) fn new(
        kernel: Kernel,
        reads: Reads<dyn ApiKeyReads>,
        directory: Arc<dyn KeyDirectory>,
    ) -> Self {
        Self {
            kernel,
            reads,
            directory,
        }
    }

    /// Who presents this key. Revocation bites at once: nothing is cached.
    ///
    /// # Errors
    /// See [`NotAuthenticated`].
    pub async fn authenticate(&self, presented: &str) -> Result<Caller, NotAuthenticated> {
        let secret: ApiKeySecret = presented
            .parse()
            .map_err(|_| NotAuthenticated::NoValidKey)?;
        let key = self
            .directory
            .find_api_key(&secret.hash())
            .await?
            .ok_or(NotAuthenticated::NoValidKey)?;
        if key.revoked_at().is_some() {
            return Err(NotAuthenticated::NoValidKey);
        }
        let now = self.kernel.now();
        if key
            .last_used_at
            .is_none_or(|at| now.since(at) >= LAST_USED_PRECISION)
            && let Err(error) = self.directory.touch_api_key(key.org, key.id, now).await
        {
            tracing::warn!(key = %key.id, %error, "could not note that a key was used");
        }
        Ok(key.caller())
    }

    /// Whether somebody who was let in would still be: that the key was not revoked since. Whoever
    /// came without a key needs none.
    ///
    /// # Errors
    /// The store failed.
    pub async fn still_holds(&self, caller: &Caller) -> Result<bool, StoreError> {
        let Some(id) = caller.actor.key() else {
            return Ok(true);
        };
        let key = self.reads.of(caller.org).api_key(id).await?;
        Ok(key.is_some_and(|key| key.revoked_at().is_none()))
    }

    /// Makes a key.
    ///
    /// # Errors
    /// `Invalid`; `Forbidden` for a role above the caller's own.
    pub async fn create(
        &self,
        caller: &Caller,
        new: NewApiKey,
        remember: Remember<CreatedApiKey>,
    ) -> Result<Answer<CreatedApiKey>, Error> {
        new.check()?;
        caller.may_give(&new)?;
        let case = self.kernel.of(caller.org, caller.actor).once(remember);
        case.decide(
            || async { Ok(()) },
            |(), moment| Ok(create(caller.org, &new, moment)),
        )
        .await
    }

    /// Revokes a key. Repeating it changes nothing.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn revoke(&self, caller: &Caller, id: ApiKeyId) -> Result<(), Error> {
        let reads = self.reads.of(caller.org);
        let load = || async { reads.api_key(id).await?.ok_or(Error::NotFound("API key")) };
        self.kernel
            .of(caller.org, caller.actor)
            .decide(load, |key, moment| Ok(revoke(key, moment)))
            .await
    }
}

impl NewApiKey {
    fn check(&self) -> Result<(), Error> {
        let mut problems = Vec::new();
        if self.name.trim().is_empty()
            || self.name.chars().count() > 100
            || self.name.contains('\0')
        {
            problems.push(FieldError::new("/name", "must have 1 to 100 characters"));
        }
        if self.scopes.is_empty() {
            problems.push(FieldError::new(
                "/scopes",
                "must have at least one scope; [\"*\"] is all that the role allows",
            ));
        }
        for (index, scope) in self.scopes.iter().enumerate() {
            if scope != "*" && !OPERATIONS.iter().any(|operation| operation.scope == scope) {
                problems.push(FieldError::new(
                    format!("/scopes/{index}"),
                    "no such scope; they look like sms:read or flows:write",
                ));
            }
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(problems))
        }
    }
}

impl Caller {
    /// Nobody gives more than he has.
    fn may_give(&self, new: &NewApiKey) -> Result<(), Error> {
        if new.role > self.role {
            return Err(Error::Forbidden(format!(
                "a {} cannot make a key for a {}",
                self.role.as_str(),
                new.role.as_str()
            )));
        }
        let escalates = |scope: &String| !self.scopes.iter().any(|own| own == "*" || own == scope);
        match new.scopes.iter().find(|scope| escalates(scope)) {
            Some(scope) => Err(Error::Forbidden(format!(
                "this key lacks the scope {scope} itself"
            ))),
            None => Ok(()),
        }
    }
}

fn create(org: OrgId, new: &NewApiKey, moment: Moment<'_>) -> Decision<CreatedApiKey> {
    let secret = ApiKeySecret::draw(new.mode, moment.entropy);
    let key = ApiKey::new(org, new, &secret, moment);
    let mut batch = Batch::for_org(org);
    batch.insert(&key);
    let id = key.id;
    Decision::new(batch, CreatedApiKey { key, secret }).audited("api_key.create", id)
}

fn revoke(key: ApiKey, moment: Moment<'_>) -> Decision<()> {
    let mut batch = Batch::for_org(key.org);
    let id = key.id;
    let Some(revoked) = key.revoke(moment.now) else {
        return Decision::new(batch, ());
    };
    batch.put(&revoked);
    Decision::new(batch, ()).audited("api_key.revoke", id)
}
