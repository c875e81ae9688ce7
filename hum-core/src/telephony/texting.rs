use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::kernel::{clock::Timestamp, e164::E164};

use super::{CarrierCredentials, CarrierStatus};

/// Sends texts by a carrier.
///
/// Credentials are passed with every call, so that "acting as whom" stays visible. An adapter never
/// repeats a request by itself: Twilio's create has no idempotency key, so a second POST may be a
/// second text (<https://www.twilio.com/docs/errors/20500>).
#[async_trait]
pub trait Texting: Send + Sync {
    /// Hands one text to the carrier: one request, never repeated. Returns when the carrier has
    /// accepted it.
    ///
    /// # Errors
    /// [`SendError`] says whether the text can have left.
    async fn send(
        &self,
        account: &CarrierCredentials,
        sms: &OutboundSms,
    ) -> Result<Accepted, SendError>;

    /// The address at which the carrier is to report what becomes of a text; `token` names the
    /// attempt in it.
    fn status_callback_url(&self, public_url: &str, token: &str) -> String;

    /// One text by its sid; `None` when the carrier has none. Safe to repeat.
    async fn fetch(
        &self,
        account: &CarrierCredentials,
        sid: &str,
    ) -> Result<Option<CarrierMessage>, TelephonyError>;

    /// Texts between two numbers in a time window, every page of the list. Safe to repeat.
    /// A text that was just accepted may be missing for a while.
    async fn list(
        &self,
        account: &CarrierCredentials,
        query: &ListQuery,
    ) -> Result<Vec<CarrierMessage>, TelephonyError>;
}

/// A carrier that is shared is a carrier: whoever assembles hum can keep a handle, such as on the
/// fake carrier's handsets.
#[async_trait]
impl<T: Texting + ?Sized> Texting for Arc<T> {
    async fn send(
        &self,
        account: &CarrierCredentials,
        sms: &OutboundSms,
    ) -> Result<Accepted, SendError> {
        (**self).send(account, sms).await
    }

    fn status_callback_url(&self, public_url: &str, token: &str) -> String {
        (**self).status_callback_url(public_url, token)
    }

    async fn fetch(
        &self,
        account: &CarrierCredentials,
        sid: &str,
    ) -> Result<Option<CarrierMessage>, TelephonyError> {
        (**self).fetch(account, sid).await
    }

    async fn list(
        &self,
        account: &CarrierCredentials,
        query: &ListQuery,
    ) -> Result<Vec<CarrierMessage>, TelephonyError> {
        (**self).list(account, query).await
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
        /// The carrier's error code.
        code: Option<u32>,
        /// For people; without personal data.
        detail: String,
    },
    /// The carrier refused it definitely, because the recipient opted out there.
    #[error("rejected by the carrier{}: {detail}", code.map(|code| format!(" ({code})")).unwrap_or_default())]
    OptedOut {
        /// The carrier's error code, such as 21610 at Twilio.
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
    /// No parsed answer after the first byte was written, or a 5xx: the text may have left. Must
    /// not be tried again.
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
