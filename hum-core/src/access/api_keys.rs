//! Making, using and revoking API keys.

use std::time::Duration;

use crate::{
    app::Hum,
    kernel::{
        audit::AuditRow,
        batch::Batch,
        error::{Error, FieldError, Tries},
        id::ApiKeyId,
        idempotency::{Answer, Remember},
        store::StoreError,
    },
};

use super::{ApiKey, ApiKeySecret, Caller, KeyMode, OPERATIONS, Role};

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

impl Hum {
    /// Who presents this key. Revocation bites at once: nothing is cached.
    ///
    /// # Errors
    /// See [`NotAuthenticated`].
    pub async fn authenticate(&self, presented: &str) -> Result<Caller, NotAuthenticated> {
        let secret: ApiKeySecret = presented.parse().map_err(|_| NotAuthenticated::NoValidKey)?;
        let key = self.store.system().find_api_key(&secret.hash()).await?.ok_or(NotAuthenticated::NoValidKey)?;
        if key.revoked_at.is_some() {
            return Err(NotAuthenticated::NoValidKey);
        }
        let now = self.clock.now();
        if key.last_used_at.is_none_or(|at| now.since(at) >= LAST_USED_PRECISION)
            && let Err(error) = self.store.system().touch_api_key(key.org, key.id, now).await
        {
            tracing::warn!(key = %key.id, %error, "could not note that a key was used");
        }
        Ok(key.caller())
    }

    /// Makes a key.
    ///
    /// # Errors
    /// `Invalid`; `Forbidden` for a role above the caller's own.
    pub async fn create_api_key(
        &self,
        caller: &Caller,
        new: NewApiKey,
        remember: Remember<CreatedApiKey>,
    ) -> Result<Answer<CreatedApiKey>, Error> {
        let mut problems = Vec::new();
        if new.name.trim().is_empty() || new.name.chars().count() > 100 || new.name.contains('\0') {
            problems.push(FieldError::new("/name", "must have 1 to 100 characters"));
        }
        if new.scopes.is_empty() {
            problems.push(FieldError::new("/scopes", "must have at least one scope; [\"*\"] is all that the role allows"));
        }
        for (index, scope) in new.scopes.iter().enumerate() {
            if scope != "*" && !OPERATIONS.iter().any(|operation| operation.scope == scope) {
                problems
                    .push(FieldError::new(format!("/scopes/{index}"), "no such scope; they look like sms:read or flows:write"));
            }
        }
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        if new.role > caller.role {
            return Err(Error::Forbidden(format!("a {} cannot make a key for a {}", caller.role.as_str(), new.role.as_str())));
        }
        let escalates = |scope: &String| !caller.scopes.iter().any(|own| own == "*" || own == scope);
        if let Some(scope) = new.scopes.iter().find(|scope| escalates(scope)) {
            return Err(Error::Forbidden(format!("this key lacks the scope {scope} itself")));
        }
        let mut tries = Tries::new();
        loop {
            let now = self.clock.now();
            if let Some(replayed) = remember.replay(&*self.reads(caller.org), &*self.cipher, now).await? {
                return Ok(replayed);
            }
            let secret = ApiKeySecret::draw(new.mode, &*self.entropy);
            let key = ApiKey {
                id: ApiKeyId::new(now, &*self.entropy),
                org: caller.org,
                name: new.name.clone(),
                role: new.role,
                scopes: new.scopes.clone(),
                hash: secret.hash(),
                last_four: secret.last_four(),
                created_at: now,
                last_used_at: None,
                revoked_at: None,
                version: 0,
            };
            let created = CreatedApiKey { key, secret };
            let mut batch = Batch::for_org(caller.org);
            batch.insert(created.key.clone());
            batch.insert(AuditRow::by(caller, "api_key.create", created.key.id, now, &*self.entropy));
            remember.record(&mut batch, &created, &*self.cipher, now);
            match self.commit(batch).await {
                Ok(_) => return Ok(Answer::Fresh(created)),
                Err(error) => tries.again(error)?,
            }
        }
    }

    /// Revokes a key. Repeating it changes nothing.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn revoke_api_key(&self, caller: &Caller, id: ApiKeyId) -> Result<(), Error> {
        let mut tries = Tries::new();
        loop {
            let mut key = self.reads(caller.org).api_key(id).await?.ok_or(Error::NotFound("API key"))?;
            if key.revoked_at.is_some() {
                return Ok(());
            }
            let now = self.clock.now();
            key.revoked_at = Some(now);
            let mut batch = Batch::for_org(caller.org);
            batch.put(key);
            batch.insert(AuditRow::by(caller, "api_key.revoke", id, now, &*self.entropy));
            match self.commit(batch).await {
                Ok(_) => return Ok(()),
                Err(error) => tries.again(error)?,
            }
        }
    }
}
