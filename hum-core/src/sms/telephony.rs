use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{kernel::clock::Timestamp, number::E164, organization::CarrierCredentials};

use super::CarrierStatus;

/// A telephone carrier.
///
/// Credentials are passed with every call, so that "acting as whom" stays visible. An adapter never repeats a request
/// by itself: Twilio's create has no idempotency key, so a second POST may be a second text
/// (<https://www.twilio.com/docs/errors/20500>).
#[async_trait]
pub trait Telephony: Send + Sync {
    /// Hands one text to the carrier: one request, never repeated. Returns when the carrier has accepted it.
    ///
    /// # Errors
    /// [`SendError`] says whether the text can have left.
    async fn send(&self, account: &CarrierCredentials, sms: &OutboundSms) -> Result<Accepted, SendError>;

    /// One text by its sid; `None` when the carrier has none. Safe to repeat.
    async fn fetch(&self, account: &CarrierCredentials, sid: &str) -> Result<Option<CarrierMessage>, TelephonyError>;

    /// Texts between two numbers in a time window, every page of the list. Safe to repeat.
    /// A text that was just accepted may be missing for a while.
    async fn list(&self, account: &CarrierCredentials, query: &ListQuery) -> Result<Vec<CarrierMessage>, TelephonyError>;

    /// The account that a webhook claims to come from. Nothing is checked yet.
    fn claimed_account<'a>(&self, form: &'a CarrierForm) -> Option<&'a str>;

    /// Checks the signature of a webhook with the account's tokens, in constant time, over the URL and all parameters.
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

/// A carrier that is shared is a carrier: whoever assembles hum can keep a handle, such as on the fake carrier's handsets.
#[async_trait]
impl<T: Telephony + ?Sized> Telephony for Arc<T> {
    async fn send(&self, account: &CarrierCredentials, sms: &OutboundSms) -> Result<Accepted, SendError> {
        (**self).send(account, sms).await
    }

    async fn fetch(&self, account: &CarrierCredentials, sid: &str) -> Result<Option<CarrierMessage>, TelephonyError> {
        (**self).fetch(account, sid).await
    }

    async fn list(&self, account: &CarrierCredentials, query: &ListQuery) -> Result<Vec<CarrierMessage>, TelephonyError> {
        (**self).list(account, query).await
    }

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

/// One text to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundSms {
    /// One of the organization's numbers.
    pub from: E164,
    /// The contact.
    pub to: E164,
    /// At most 1,600 characters.
    pub body: String,
    /// Media to attach, at most ten.
    pub media: Vec<String>,
    /// Where the carrier reports what becomes of it; bears the attempt's token.
    pub status_callback: String,
    /// The carrier drops the text rather than keep it longer than this, whole seconds, 1 to 36,000.
    pub validity: Duration,
}

/// The carrier accepted a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The carrier's id of the text.
    pub sid: String,
    /// Its first status.
    pub status: CarrierStatus,
    /// How many segments are billed, when the carrier says.
    pub segments: Option<u32>,
}

/// Why a send was not accepted, and whether the text can have left all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Nothing was written to the carrier. May be tried again.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The carrier refused it definitely. Trying again gives the same answer.
    #[error("rejected by the carrier{}: {detail}", code.map(|code| format!(" ({code})")).unwrap_or_default())]
    Rejected {
        /// The carrier's error code, such as 21610 for a recipient who is opted out.
        code: Option<u32>,
        /// For people; without personal data.
        detail: String,
    },
    /// The carrier is busy (429) and did not take it. May be tried again after a while.
    #[error("the carrier is busy")]
    Busy {
        /// When the carrier said so.
        retry_after: Option<Duration>,
    },
    /// No parsed answer after the first byte was written, or a 5xx: the text may have left. Must not be tried again.
    #[error("unknown whether it was sent: {0}")]
    Unknown(String),
}

/// A read at the carrier failed. Worth retrying; it had no effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the carrier did not answer: {0}")]
pub struct TelephonyError(pub String);

/// A text as the carrier lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarrierMessage {
    /// The carrier's id.
    pub sid: String,
    /// Sender.
    pub from: String,
    /// Recipient.
    pub to: String,
    /// The text.
    pub body: String,
    /// Its status now.
    pub status: CarrierStatus,
    /// The error code, if it has one.
    pub error_code: Option<u32>,
    /// When the carrier made it.
    pub created_at: Timestamp,
}

/// Which texts to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    /// Sender.
    pub from: E164,
    /// Recipient.
    pub to: E164,
    /// Made at or after.
    pub since: Timestamp,
    /// Made at or before.
    pub until: Timestamp,
}

/// A webhook of the carrier as it arrived.
#[derive(Clone, PartialEq, Eq)]
pub struct CarrierForm {
    /// The public origin that is configured, then the path and query that were received. Never from headers.
    pub url: String,
    /// Every parameter, in the order received.
    pub params: Vec<(String, String)>,
    /// The signature header.
    pub signature: Option<String>,
}

/// Shows nothing of the parameters: they are personal, and possibly forged.
impl std::fmt::Debug for CarrierForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CarrierForm").field("params", &self.params.len()).finish_non_exhaustive()
    }
}

impl CarrierForm {
    /// The first value of a parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
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
