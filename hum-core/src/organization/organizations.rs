//! Making organizations and their settings.

use std::sync::Arc;

use crate::{
    access::Caller,
    kernel::{
        Kernel, Reads,
        actor::Actor,
        batch::Batch,
        cipher::{Cipher, Secret},
        decide::{Decision, Moment},
        error::{Error, FieldError},
        id::OrgId,
    },
    telephony::CarrierCredentials,
};

use super::{
    CarrierAccount, KeywordReplies, Organization, OrganizationDirectory, OrganizationReads,
};

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

/// Tenants, their settings and their carrier accounts.
#[derive(Clone)]
pub struct Organizations {
    kernel: Kernel,
    reads: Reads<dyn OrganizationReads>,
    directory: Arc<dyn OrganizationDirectory>,
    /// The carrier account of organizations that have none of their own.
    default_account: Option<CarrierCredentials>,
}

impl Organizations {
    pub(crate) fn new(
        kernel: Kernel,
        reads: Reads<dyn OrganizationReads>,
        directory: Arc<dyn OrganizationDirectory>,
        default_account: Option<CarrierCredentials>,
    ) -> Self {
        Self {
            kernel,
            reads,
            directory,
            default_account,
        }
    }

    /// Organizations by what others call them.
    pub(crate) fn directory(&self) -> &dyn OrganizationDirectory {
        &*self.directory
    }

    /// Makes an organization.
    ///
    /// # Errors
    /// `Invalid`; `Conflict` when the slug is taken.
    pub async fn create(&self, new: NewOrganization) -> Result<Organization, Error> {
        let slug_ok = (1..=63).contains(&new.slug.len())
            && new
                .slug
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !slug_ok {
            return Err(Error::invalid("/slug", "must be 1 to 63 of a-z, 0-9 and -"));
        }
        check_name(&new.name)?;
        let id = OrgId::new(self.kernel.now(), self.kernel.entropy());
        let taken = format!("there is an organization {:?} already", new.slug);
        let case = self.kernel.of(id, Actor::System).taken(&taken);
        case.decide(
            || async { Ok(()) },
            |(), moment| Ok(create(id, &new, moment)),
        )
        .await
    }

    /// Changes an organization's settings.
    ///
    /// # Errors
    /// `Invalid`, `NotFound`.
    pub async fn update(
        &self,
        caller: &Caller,
        patch: OrganizationPatch,
    ) -> Result<Organization, Error> {
        if let Some(name) = &patch.name {
            check_name(name)?;
        }
        let reads = self.reads.of(caller.org);
        let load = || async {
            reads
                .organization()
                .await?
                .ok_or(Error::NotFound("organization"))
        };
        self.kernel
            .of(caller.org, caller.actor)
            .decide(load, |state, _| Ok(update(state, &patch)))
            .await
    }

    /// Sets the organization's own carrier account. Tokens are sealed at rest and never shown
    /// again.
    ///
    /// # Errors
    /// `Invalid`; `Conflict` when another organization has this account.
    pub async fn set_carrier_account(
        &self,
        caller: &Caller,
        set: SetCarrierAccount,
    ) -> Result<CarrierAccount, Error> {
        set.check()?;
        let reads = self.reads.of(caller.org);
        let load = || async {
            let existing = reads.carrier_account().await?;
            Ok((
                existing,
                self.directory
                    .find_carrier_account(&set.account_sid)
                    .await?,
            ))
        };
        let decide = |(existing, holder): (Option<CarrierAccount>, Option<CarrierAccount>),
                      moment: Moment<'_>| {
            if holder.is_some_and(|holder| holder.org != caller.org) {
                return Err(Error::Conflict("this carrier account is in use".into()));
            }
            Ok(set_account(
                caller.org,
                existing,
                &set,
                self.kernel.cipher(),
                moment,
            ))
        };
        self.kernel
            .of(caller.org, caller.actor)
            .decide(load, decide)
            .await
    }

    /// The carrier account id that an organization's numbers are on.
    ///
    /// # Errors
    /// `Store`.
    pub(crate) async fn account_sid_of(&self, org: OrgId) -> Result<Option<String>, Error> {
        let own = self
            .reads
            .of(org)
            .carrier_account()
            .await?
            .map(|own| own.account_sid);
        Ok(own.or_else(|| {
            self.default_account
                .as_ref()
                .map(|default| default.account_sid.clone())
        }))
    }

    /// The credentials that an organization uses a carrier account with.
    ///
    /// # Errors
    /// `Store`, also when the account's tokens do not open.
    pub(crate) async fn account_of(
        &self,
        org: OrgId,
        account_sid: &str,
    ) -> Result<Option<CarrierCredentials>, Error> {
        self.credentials_of(
            account_sid,
            self.reads.of(org).carrier_account().await?.as_ref(),
        )
    }

    /// The credentials of a carrier account: an organization's own, or the server's.
    ///
    /// # Errors
    /// `Store` when the account's tokens do not open.
    pub(crate) fn credentials_of(
        &self,
        account_sid: &str,
        own: Option<&CarrierAccount>,
    ) -> Result<Option<CarrierCredentials>, Error> {
        let Some(own) = own.filter(|own| own.account_sid == account_sid) else {
            return Ok(self
                .default_account
                .clone()
                .filter(|default| default.account_sid == account_sid));
        };
        let open = |sealed: &[u8], column: &'static str| {
            self.kernel.open(
                &CarrierAccount::context(own.org, column),
                sealed,
                "carrier_account",
                column,
            )
        };
        let secondary = own
            .secondary_auth_token
            .as_deref()
            .map(|sealed| open(sealed, "secondary_auth_token"));
        Ok(Some(CarrierCredentials {
            account_sid: own.account_sid.clone(),
            auth_token: open(&own.auth_token, "auth_token")?,
            secondary_auth_token: secondary.transpose()?,
        }))
    }
}

impl SetCarrierAccount {
    fn check(&self) -> Result<(), Error> {
        let mut problems = Vec::new();
        let mut check = |pointer: &str, value: &str| {
            if value.is_empty()
                || value.len() > 128
                || !value.bytes().all(|byte| byte.is_ascii_graphic())
            {
                problems.push(FieldError::new(
                    pointer,
                    "must be 1 to 128 printable ASCII characters without spaces",
                ));
            }
        };
        check("/account_sid", &self.account_sid);
        check("/auth_token", self.auth_token.reveal());
        if let Some(secondary) = &self.secondary_auth_token {
            check("/secondary_auth_token", secondary.reveal());
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(problems))
        }
    }
}

fn create(id: OrgId, new: &NewOrganization, moment: Moment<'_>) -> Decision<Organization> {
    let organization = Organization {
        id,
        slug: new.slug.clone(),
        name: new.name.clone(),
        keyword_replies: KeywordReplies::Carrier,
        created_at: moment.now,
        version: 0,
    };
    let mut batch = Batch::for_org(id);
    batch.insert(&organization);
    Decision::new(batch, organization)
}

fn update(mut organization: Organization, patch: &OrganizationPatch) -> Decision<Organization> {
    organization.name = patch.name.clone().unwrap_or(organization.name);
    organization.keyword_replies = patch
        .keyword_replies
        .unwrap_or(organization.keyword_replies);
    let mut batch = Batch::for_org(organization.id);
    batch.put(&organization);
    let id = organization.id;
    Decision::new(batch, organization).audited("organization.update", id)
}

fn set_account(
    org: OrgId,
    existing: Option<CarrierAccount>,
    set: &SetCarrierAccount,
    cipher: &dyn Cipher,
    moment: Moment<'_>,
) -> Decision<CarrierAccount> {
    let seal = |column: &str, secret: &Secret<String>| {
        cipher.seal(
            &CarrierAccount::context(org, column),
            secret.reveal().as_bytes(),
        )
    };
    let account = CarrierAccount {
        org,
        account_sid: set.account_sid.clone(),
        auth_token: seal("auth_token", &set.auth_token),
        secondary_auth_token: set
            .secondary_auth_token
            .as_ref()
            .map(|secret| seal("secondary_auth_token", secret)),
        updated_at: moment.now,
        version: existing.as_ref().map_or(0, |existing| existing.version),
    };
    let mut batch = Batch::for_org(org);
    if existing.is_some() {
        batch.put(&account);
    } else {
        batch.insert(&account);
    }
    Decision::new(batch, account).audited("carrier_account.set", &set.account_sid)
}

fn check_name(name: &str) -> Result<(), Error> {
    if name.trim().is_empty() || name.chars().count() > 200 || name.contains('\0') {
        return Err(Error::invalid("/name", "must have 1 to 200 characters"));
    }
    Ok(())
}
