//! Twilio: texts through its REST API of 2010-04-01, webhooks signed with the account's auth token.

mod client;
mod config;
mod error;
pub(super) mod form;
pub mod signature;
mod wire;

use async_trait::async_trait;
use hum_core::telephony::{
    Accepted, CarrierCredentials, CarrierForm, CarrierMessage, CarrierWebhooks, InboundSms,
    ListQuery, OutboundSms, RefusedForm, SendError, StatusCallback, TelephonyError, Texting,
};

pub use config::TwilioConfig;
pub(super) use error::OPTED_OUT;

/// The carrier Twilio.
pub struct Twilio {
    client: client::Client,
}

impl Twilio {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// A sentence for the operator: the URL of the API is not an origin, or TLS cannot be set up.
    pub fn new(config: TwilioConfig) -> Result<Self, String> {
        Ok(Self {
            client: client::Client::new(config)?,
        })
    }
}

#[async_trait]
impl Texting for Twilio {
    async fn send(
        &self,
        account: &CarrierCredentials,
        sms: &OutboundSms,
    ) -> Result<Accepted, SendError> {
        self.client
            .create_message(account, &wire::create_form(sms))
            .await
    }

    fn status_callback_url(&self, public_url: &str, token: &str) -> String {
        status_callback_url(public_url, token)
    }

    async fn fetch(
        &self,
        account: &CarrierCredentials,
        sid: &str,
    ) -> Result<Option<CarrierMessage>, TelephonyError> {
        self.client.message(account, sid).await
    }

    async fn list(
        &self,
        account: &CarrierCredentials,
        query: &ListQuery,
    ) -> Result<Vec<CarrierMessage>, TelephonyError> {
        self.client.messages(account, query).await
    }
}

impl CarrierWebhooks for Twilio {
    fn claimed_account<'a>(&self, form: &'a CarrierForm) -> Option<&'a str> {
        form::claimed_account(form)
    }

    fn verify(&self, account: &CarrierCredentials, form: &CarrierForm) -> Result<(), RefusedForm> {
        signature::verify(account, form, signature::Algorithm::HmacSha1)
    }

    fn inbound(&self, form: &CarrierForm) -> Result<InboundSms, RefusedForm> {
        form::inbound(form)
    }

    fn status(&self, form: &CarrierForm) -> Result<StatusCallback, RefusedForm> {
        form::status(form)
    }
}

/// Where hum's server takes status callbacks of Twilio; the token is the last part of the path.
pub(super) fn status_callback_url(public_url: &str, token: &str) -> String {
    format!("{public_url}/carrier/twilio/status/{token}")
}
