//! Making organizations and their settings.

use crate::{
    access::Caller,
    app::Hum,
    kernel::{
        audit::AuditRow,
        batch::Batch,
        cipher::Secret,
        error::{Error, FieldError, Tries},
        id::OrgId,
        store::{CommitError, Conflict},
    },
};

use super::{CarrierAccount, KeywordReplies, Organization};

/// A new tenant.
#[derive(Debug, Clone)]
pub struct NewOrganization {
    /// `[a-z0-9-]{1,63}`, unique.
    pub slug: String,
    /// For people, 1 to 200 characters.
    pub name: String,
}

/// Changes; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct OrganizationPatch {
    /// For people, 1 to 200 characters.
    pub name: Option<String>,
    /// Who confirms keywords.
    pub keyword_replies: Option<KeywordReplies>,
}

/// The organization's own carrier account.
#[derive(Debug, Clone)]
pub struct SetCarrierAccount {
    /// `AC` and 32 hex digits at Twilio.
    pub account_sid: String,
    /// Primary token.
    pub auth_token: Secret<String>,
    /// Secondary token, while tokens are rotated.
    pub secondary_auth_token: Option<Secret<String>>,
}

impl Hum {
    /// Makes an organization.
    ///
    /// # Errors
    /// `Invalid`; `Conflict` when the slug is taken.
    pub async fn create_organization(&self, new: NewOrganization) -> Result<Organization, Error> {
        let slug_ok = (1..=63).contains(&new.slug.len())
            && new.slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !slug_ok {
            return Err(Error::invalid("/slug", "must be 1 to 63 of a-z, 0-9 and -"));
        }
        check_name(&new.name)?;
        let now = self.clock.now();
        let organization = Organization {
            id: OrgId::new(now, &*self.entropy),
            slug: new.slug,
            name: new.name,
            keyword_replies: KeywordReplies::Carrier,
            created_at: now,
            version: 0,
        };
        let mut batch = Batch::for_org(organization.id);
        batch.insert(organization.clone());
        match self.commit(batch).await {
            Ok(_) => Ok(organization),
            Err(CommitError::Conflict(Conflict::Exists)) => {
                Err(Error::Conflict(format!("there is an organization {:?} already", organization.slug)))
            }
            Err(error) => Err(Tries::new().again(error).err().unwrap_or(Error::Conflict("try again".into()))),
        }
    }

    /// Changes an organization's settings.
    ///
    /// # Errors
    /// `Invalid`, `NotFound`.
    pub async fn update_organization(&self, caller: &Caller, patch: OrganizationPatch) -> Result<Organization, Error> {
        if let Some(name) = &patch.name {
            check_name(name)?;
        }
        let mut tries = Tries::new();
        loop {
            let mut organization = self.reads(caller.org).organization().await?.ok_or(Error::NotFound("organization"))?;
            organization.name = patch.name.clone().unwrap_or(organization.name);
            organization.keyword_replies = patch.keyword_replies.unwrap_or(organization.keyword_replies);
            let mut batch = Batch::for_org(caller.org);
            batch.insert(AuditRow::by(caller, "organization.update", caller.org, self.clock.now(), &*self.entropy));
            batch.put(organization.clone());
            match self.commit(batch).await {
                Ok(_) => return Ok(organization),
                Err(error) => tries.again(error)?,
            }
        }
    }

    /// Sets the organization's own carrier account. Tokens are sealed at rest and never shown again.
    ///
    /// # Errors
    /// `Invalid`; `Conflict` when another organization has this account.
    pub async fn set_carrier_account(&self, caller: &Caller, set: SetCarrierAccount) -> Result<CarrierAccount, Error> {
        let mut problems = Vec::new();
        let mut check = |pointer: &str, value: &str| {
            if value.is_empty() || value.len() > 128 || !value.bytes().all(|byte| byte.is_ascii_graphic()) {
                problems.push(FieldError::new(pointer, "must be 1 to 128 printable ASCII characters without spaces"));
            }
        };
        check("/account_sid", &set.account_sid);
        check("/auth_token", set.auth_token.reveal());
        if let Some(secondary) = &set.secondary_auth_token {
            check("/secondary_auth_token", secondary.reveal());
        }
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        let mut tries = Tries::new();
        loop {
            let now = self.clock.now();
            let existing = self.reads(caller.org).carrier_account().await?;
            let seal = |column: &str, secret: &Secret<String>| {
                self.cipher.seal(&CarrierAccount::context(caller.org, column), secret.reveal().as_bytes())
            };
            let account = CarrierAccount {
                org: caller.org,
                account_sid: set.account_sid.clone(),
                auth_token: seal("auth_token", &set.auth_token),
                secondary_auth_token: set.secondary_auth_token.as_ref().map(|secret| seal("secondary_auth_token", secret)),
                updated_at: now,
                version: existing.as_ref().map_or(0, |existing| existing.version),
            };
            let taken = self.store.system().find_carrier_account(&set.account_sid).await?;
            if taken.is_some_and(|taken| taken.org != caller.org) {
                return Err(Error::Conflict("this carrier account is in use".into()));
            }
            let mut batch = Batch::for_org(caller.org);
            batch.insert(AuditRow::by(caller, "carrier_account.set", &set.account_sid, now, &*self.entropy));
            if existing.is_some() {
                batch.put(account.clone())
            } else {
                batch.insert(account.clone())
            }
            match self.commit(batch).await {
                Ok(_) => return Ok(account),
                Err(error) => tries.again(error)?,
            }
        }
    }

    /// The carrier account id that an organization's numbers are on.
    pub(crate) async fn account_sid_of(&self, org: OrgId) -> Result<Option<String>, Error> {
        let own = self.reads(org).carrier_account().await?;
        Ok(own
            .map(|own| own.account_sid)
            .or_else(|| self.settings.default_account.as_ref().map(|default| default.account_sid.clone())))
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    if name.trim().is_empty() || name.chars().count() > 200 || name.contains('\0') {
        return Err(Error::invalid("/name", "must have 1 to 200 characters"));
    }
    Ok(())
}
