use std::sync::Arc;

use crate::kernel::e164::E164;

use super::{CarrierCredentials, CarrierStatus};

/// Reads the webhooks of a carrier: who claims to have sent one, whether that is so, what it says.
/// No input or output.
pub trait CarrierWebhooks: Send + Sync {
    /// The account that a webhook claims to come from. Nothing is checked yet.
    fn claimed_account<'a>(&self, form: &'a CarrierForm) -> Option<&'a str>;

    /// Checks the signature of a webhook with the account's tokens, in constant time, over the URL
    /// and all parameters.
    ///
    /// # Errors
    /// Not signed by this account. Nothing of the form may be used or logged then.
    fn verify(&self, account: &CarrierCredentials, form: &CarrierForm) -> Result<(), RefusedForm>;

    /// Reads an incoming text out of a verified form.
    ///
    /// # Errors
    /// A required parameter is missing or malformed.
    fn inbound(&self, form: &CarrierForm) -> Result<InboundSms, RefusedForm>;

    /// Reads a status callback out of a verified form.
    ///
    /// # Errors
    /// A required parameter is missing or malformed.
    fn status(&self, form: &CarrierForm) -> Result<StatusCallback, RefusedForm>;
}

/// A reader that is shared is a reader.
impl<T: CarrierWebhooks + ?Sized> CarrierWebhooks for Arc<T> {
    fn claimed_account<'a>(&self, form: &'a CarrierForm) -> Option<&'a str> {
        (**self).claimed_account(form)
    }

    fn verify(&self, account: &CarrierCredentials, form: &CarrierForm) -> Result<(), RefusedForm> {
        (**self).verify(account, form)
    }

    fn inbound(&self, form: &CarrierForm) -> Result<InboundSms, RefusedForm> {
        (**self).inbound(form)
    }

    fn status(&self, form: &CarrierForm) -> Result<StatusCallback, RefusedForm> {
        (**self).status(form)
    }
}

/// A webhook of the carrier as it arrived.
#[derive(Clone, PartialEq, Eq)]
pub struct CarrierForm {
    /// The public origin that is configured, then the path and query that were received. Never from
    /// headers.
    pub url: String,
    /// Every parameter, in the order received.
    pub params: Vec<(String, String)>,
    /// The signature header.
    pub signature: Option<String>,
}

/// Shows nothing of the parameters: they are personal, and possibly forged.
impl std::fmt::Debug for CarrierForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CarrierForm")
            .field("params", &self.params.len())
            .finish_non_exhaustive()
    }
}

impl CarrierForm {
    /// The first value of a parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Why a form was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefusedForm {
    /// Not signed, or not with this account's tokens.
    #[error("the signature does not match")]
    BadSignature,
    /// Signed, but not something that can be understood.
    #[error("the parameter {0} is missing or malformed")]
    Malformed(&'static str),
}

/// A text that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundSms {
    /// The carrier's id; the same one again is the same text.
    pub sid: String,
    /// One of the organization's numbers.
    pub to: E164,
    /// The contact.
    pub from: E164,
    /// The text; may be empty when there is media.
    pub body: String,
    /// URLs of attached media at the carrier.
    pub media: Vec<String>,
}

/// News about a text that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusCallback {
    /// The carrier's id.
    pub sid: String,
    /// The status it had when this was sent.
    pub status: CarrierStatus,
    /// The error code, if there is one.
    pub error_code: Option<u32>,
}
