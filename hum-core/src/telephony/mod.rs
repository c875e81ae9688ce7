//! The ports to a carrier, one for each thing that a carrier can do.
//!
//! | Port | For |
//! |---|---|
//! | [`CarrierWebhooks`] | reading what the carrier sends; no input or output |
//! | [`Texting`] | sending texts, and finding out what became of them |
//!
//! A carrier's adapter implements those that it can; calls, numbers and lookups get ports of their
//! own beside these.

mod carrier_status;
mod texting;
mod webhook;

use crate::kernel::cipher::Secret;

pub use carrier_status::CarrierStatus;
pub use texting::{
    Accepted, CarrierMessage, ListQuery, OutboundSms, SendError, TelephonyError, Texting,
};
pub use webhook::{CarrierForm, CarrierWebhooks, InboundSms, RefusedForm, StatusCallback};

/// Opened credentials, passed to the carrier adapter with each call, so that "acting as whom" stays
/// visible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarrierCredentials {
    /// The carrier's account id.
    pub account_sid: String,
    /// Signs requests both ways.
    pub auth_token: Secret<String>,
    /// Also accepted on webhooks.
    pub secondary_auth_token: Option<Secret<String>>,
}
