//! Opting contacts out and in by hand.

use crate::{
    access::Caller,
    kernel::{
        Kernel, Reads,
        batch::Batch,
        decide::{Decision, Moment},
        e164::E164,
        error::Error,
        event::{Event, EventKind},
        id::OrgId,
        idempotency::{Answer, Remember},
    },
};

use super::{Consent, ConsentReads, ConsentSource};

/// Contacts who must not be texted.
#[derive(Clone)]
pub struct OptOuts {
    kernel: Kernel,
    reads: Reads<dyn ConsentReads>,
}

impl OptOuts {
    pub(crate) fn new(kernel: Kernel, reads: Reads<dyn ConsentReads>) -> Self {
        Self { kernel, reads }
    }

    /// Opts a contact out. Repeating it changes nothing.
    ///
    /// # Errors
    /// `Store`.
    pub async fn add(
        &self,
        caller: &Caller,
        contact: E164,
        remember: Remember<Consent>,
    ) -> Result<Answer<Consent>, Error> {
        let reads = self.reads.of(caller.org);
        let load = || async { Ok(reads.consent(&contact).await?) };
        let case = self.kernel.of(caller.org, caller.actor).once(remember);
        case.decide(load, |known, moment| {
            Ok(add(caller.org, &contact, known, moment))
        })
        .await
    }

    /// Opts a contact in again, on the word of `caller`.
    ///
    /// # Errors
    /// `NotFound` when the contact is not opted out.
    pub async fn remove(&self, caller: &Caller, contact: &E164) -> Result<(), Error> {
        let reads = self.reads.of(caller.org);
        let load = || async { Ok(reads.consent(contact).await?) };
        self.kernel
            .of(caller.org, caller.actor)
            .decide(load, remove)
            .await
    }
}

fn add(
    org: OrgId,
    contact: &E164,
    known: Option<Consent>,
    moment: Moment<'_>,
) -> Decision<Consent> {
    let mut batch = Batch::for_org(org);
    let mut consent = known.unwrap_or_else(|| Consent::unsaid(org, contact.clone()));
    if !consent.opt_out(ConsentSource::Api, moment.now) {
        return Decision::new(batch, consent);
    }
    batch.emit(changed(&consent, EventKind::SmsOptOut, moment));
    batch.save(&consent);
    Decision::new(batch, consent).audited("opt_out.add", contact)
}

fn remove(known: Option<Consent>, moment: Moment<'_>) -> Result<Decision<()>, Error> {
    let mut consent = known.ok_or(Error::NotFound("opt-out"))?;
    if !consent.opt_in(ConsentSource::Api, moment.now) {
        return Err(Error::NotFound("opt-out"));
    }
    let mut batch = Batch::for_org(consent.org);
    batch.emit(changed(&consent, EventKind::SmsOptIn, moment));
    let contact = consent.contact.clone();
    batch.put(&consent);
    Ok(Decision::new(batch, ()).audited("opt_out.remove", contact))
}

fn changed(consent: &Consent, kind: EventKind, moment: Moment<'_>) -> Event {
    let data = serde_json::json!({ "contact_e164": consent.contact, "source": ConsentSource::Api.as_str() });
    Event::new(consent.org, kind, data, moment.now, moment.entropy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{clock::Timestamp, entropy::Zero};

    fn moment() -> Moment<'static> {
        Moment {
            now: Timestamp::from_micros(1_767_225_600_000_000),
            entropy: &Zero,
        }
    }

    fn contact() -> E164 {
        "+13175550100".parse().expect("a number")
    }

    fn org() -> OrgId {
        OrgId::new(moment().now, moment().entropy)
    }

    #[test]
    fn opting_out_twice_writes_once() {
        let first = add(org(), &contact(), None, moment());
        assert!(first.answer.is_opted_out());
        assert_eq!(first.batch.writes.len(), 2, "the event and the consent");
        let second = add(org(), &contact(), Some(first.answer), moment());
        assert!(second.batch.writes.is_empty());
    }

    #[test]
    fn who_is_not_out_cannot_be_let_in() {
        assert!(matches!(remove(None, moment()), Err(Error::NotFound(_))));
        let unsaid = Consent::unsaid(org(), contact());
        assert!(matches!(
            remove(Some(unsaid), moment()),
            Err(Error::NotFound(_))
        ));
    }
}
