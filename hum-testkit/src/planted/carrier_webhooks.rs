//! A wrong adapter that reads the webhooks of the carrier.

use hum_core::{
    entropy::Entropy,
    telephony::{
        CarrierCredentials, CarrierForm, CarrierWebhooks, InboundSms, RefusedForm, StatusCallback,
    },
};

use super::{Site, Wrong};
use crate::{chance::Chance, ports::Ports};

/// What an adapter that reads the carrier's webhooks does wrong. Whatever is left out is done
/// right.
pub(super) trait FormFault: Send + Sync + 'static {
    /// See [`CarrierWebhooks::verify`].
    fn verify(
        &self,
        right: &dyn CarrierWebhooks,
        account: &CarrierCredentials,
        form: &CarrierForm,
    ) -> Result<(), RefusedForm> {
        right.verify(account, form)
    }

    /// See [`CarrierWebhooks::inbound`].
    fn inbound(
        &self,
        right: &dyn CarrierWebhooks,
        form: &CarrierForm,
    ) -> Result<InboundSms, RefusedForm> {
        right.inbound(form)
    }

    /// See [`CarrierWebhooks::status`].
    fn status(
        &self,
        right: &dyn CarrierWebhooks,
        form: &CarrierForm,
    ) -> Result<StatusCallback, RefusedForm> {
        right.status(form)
    }
}

impl<F: FormFault> CarrierWebhooks for Wrong<dyn CarrierWebhooks, F> {
    fn claimed_account<'a>(&self, form: &'a CarrierForm) -> Option<&'a str> {
        self.right.claimed_account(form)
    }

    fn verify(&self, account: &CarrierCredentials, form: &CarrierForm) -> Result<(), RefusedForm> {
        self.fault.verify(&*self.right, account, form)
    }

    fn inbound(&self, form: &CarrierForm) -> Result<InboundSms, RefusedForm> {
        self.fault.inbound(&*self.right, form)
    }

    fn status(&self, form: &CarrierForm) -> Result<StatusCallback, RefusedForm> {
        self.fault.status(&*self.right, form)
    }
}

/// Verifies nothing.
struct Trusting;

impl FormFault for Trusting {
    fn verify(
        &self,
        _: &dyn CarrierWebhooks,
        _: &CarrierCredentials,
        _: &CarrierForm,
    ) -> Result<(), RefusedForm> {
        Ok(())
    }
}

pub(super) fn unsigned_is_fine(ports: Ports, _: &Site) -> Ports {
    Ports {
        carrier_webhooks: Wrong::new(ports.carrier_webhooks, Trusting),
        ..ports
    }
}

/// Gives a text another id each time that it is delivered.
struct Renames(Chance);

impl FormFault for Renames {
    fn inbound(
        &self,
        right: &dyn CarrierWebhooks,
        form: &CarrierForm,
    ) -> Result<InboundSms, RefusedForm> {
        let text = right.inbound(form)?;
        Ok(InboundSms {
            sid: format!("{}-{}", text.sid, (&self.0 as &dyn Entropy).token()),
            ..text
        })
    }
}

pub(super) fn new_id_each_delivery(ports: Ports, site: &Site) -> Ports {
    Ports {
        carrier_webhooks: Wrong::new(ports.carrier_webhooks, Renames(site.fate.chance().clone())),
        ..ports
    }
}
