//! Opting contacts out and in by hand.

use crate::{
    access::Caller,
    app::Hum,
    kernel::{
        audit::AuditRow,
        batch::Batch,
        error::{Error, Tries},
        event::{Event, EventKind},
        idempotency::{Answer, Remember},
    },
    number::E164,
};

use super::{Consent, ConsentSource, ConsentState};

impl Hum {
    /// Opts a contact out. Repeating it changes nothing.
    ///
    /// # Errors
    /// `Store`.
    pub async fn add_opt_out(
        &self,
        caller: &Caller,
        contact: E164,
        remember: Remember<Consent>,
    ) -> Result<Answer<Consent>, Error> {
        let mut tries = Tries::new();
        loop {
            let now = self.clock.now();
            if let Some(replayed) = remember.replay(&*self.reads(caller.org), &*self.cipher, now).await? {
                return Ok(replayed);
            }
            let known = self.reads(caller.org).consent(&contact).await?;
            let exists = known.is_some();
            let mut consent = known.unwrap_or_else(|| Consent::unsaid(caller.org, contact.clone()));
            let mut batch = Batch::for_org(caller.org);
            let changes = !consent.is_opted_out();
            if changes {
                consent.state = ConsentState::OptedOut { at: now, source: ConsentSource::Api };
                self.consent_changed(caller, &consent, EventKind::SmsOptOut, "opt_out.add", &mut batch);
                if exists { batch.put(consent.clone()) } else { batch.insert(consent.clone()) }
            }
            remember.record(&mut batch, &consent, &*self.cipher, now);
            if batch.writes.is_empty() {
                return Ok(Answer::Fresh(consent));
            }
            match self.commit(batch).await {
                Ok(_) => return Ok(Answer::Fresh(consent)),
                Err(error) => tries.again(error)?,
            }
        }
    }

    /// Opts a contact in again, on the word of `caller`.
    ///
    /// # Errors
    /// `NotFound` when the contact is not opted out.
    pub async fn remove_opt_out(&self, caller: &Caller, contact: &E164) -> Result<(), Error> {
        let mut tries = Tries::new();
        loop {
            let known = self.reads(caller.org).consent(contact).await?;
            let mut consent = known.filter(Consent::is_opted_out).ok_or(Error::NotFound("opt-out"))?;
            consent.state = ConsentState::OptedIn { at: self.clock.now(), source: ConsentSource::Api };
            let mut batch = Batch::for_org(caller.org);
            self.consent_changed(caller, &consent, EventKind::SmsOptIn, "opt_out.remove", &mut batch);
            batch.put(consent);
            match self.commit(batch).await {
                Ok(_) => return Ok(()),
                Err(error) => tries.again(error)?,
            }
        }
    }

    fn consent_changed(&self, caller: &Caller, consent: &Consent, kind: EventKind, action: &'static str, batch: &mut Batch) {
        let now = self.clock.now();
        let data = serde_json::json!({ "contact_e164": consent.contact, "source": ConsentSource::Api.as_str() });
        batch.emit(Event::new(caller.org, kind, data, now, &*self.entropy));
        batch.insert(AuditRow::by(caller, action, &consent.contact, now, &*self.entropy));
    }
}
