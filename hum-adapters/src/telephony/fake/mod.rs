//! A carrier in memory, with handsets, for trying hum without an account anywhere, for tests and for simulations.
//!
//! It speaks Twilio's dialect: the same forms, signatures, statuses and error codes, so that everything on hum's side of
//! the wire is what runs in production. It has no task of its own: whoever runs it asks [`FakeCarrier::take_due`] for the
//! webhooks that are due and delivers them, a server over HTTP, a simulator by hand.

mod handset;
mod line;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use hum_core::{
    cipher::Secret,
    clock::{Clock, Timestamp},
    entropy::Entropy,
    number::E164,
    organization::CarrierCredentials,
    sms::{
        Accepted, CarrierForm, CarrierMessage, CarrierStatus, InboundSms, ListQuery, OutboundSms, RefusedForm, SendError,
        StatusCallback, Telephony, TelephonyError,
    },
};

use super::twilio::{form, signature};
use line::{Line, Text};

pub use handset::{Direction, HandsetText};

/// Where webhooks of texts that come in are delivered, below the public URL.
pub const INBOUND_PATH: &str = "/carrier/twilio/sms";

/// How the fake carrier behaves.
#[derive(Debug, Clone)]
pub struct FakeConfig {
    /// The public origin of hum, for the webhooks of texts that come in.
    pub public_url: String,
    /// Between two steps of a text: queued, sent, delivered.
    pub callback_delay: Duration,
    /// The carrier answers STOP, START and HELP itself and blocks texts to who said STOP, as Twilio does unless it is
    /// told otherwise (<https://help.twilio.com/articles/223134027>). Otherwise keywords are ordinary texts to it.
    pub keyword_replies: bool,
}

impl Default for FakeConfig {
    fn default() -> Self {
        let public_url = "http://localhost:8080".into();
        Self { public_url, callback_delay: Duration::from_millis(300), keyword_replies: true }
    }
}

/// A webhook that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarrierRequest {
    /// Which kind.
    pub path: CarrierPath,
    /// Signed; `form.url` is where it goes.
    pub form: CarrierForm,
}

/// What a webhook is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CarrierPath {
    /// A text came in.
    Inbound,
    /// News of a text that was sent, for the address that was given with it.
    Status(String),
}

/// The fake carrier.
pub struct FakeCarrier {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    config: FakeConfig,
    account: CarrierCredentials,
    line: Mutex<Line>,
}

impl FakeCarrier {
    /// A carrier with one account, whose id and token are drawn from `entropy`.
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>, config: FakeConfig) -> Self {
        let account = CarrierCredentials {
            account_sid: format!("ACfake{}", &entropy.token()[..28]),
            auth_token: Secret::new(entropy.token()),
            secondary_auth_token: None,
        };
        Self { clock, entropy, config, account, line: Mutex::default() }
    }

    /// The same with a known account: for a server whose database outlives the carrier.
    #[must_use]
    pub fn with_account(mut self, account: CarrierCredentials) -> Self {
        self.account = account;
        self
    }

    /// The account's credentials, to be registered with an organization.
    pub fn credentials(&self) -> CarrierCredentials {
        self.account.clone()
    }

    /// Somebody writes a text on a handset. Answers its sid; the webhook is due at once.
    pub fn text(&self, from: E164, to: E164, body: &str) -> String {
        let (now, sid) = (self.clock.now(), self.sid());
        let webhook = self.inbound_webhook(&sid, &from, &to, body);
        let mut line = self.line();
        line.record(Text::inbound(sid.clone(), from.clone(), to.clone(), body.to_owned(), now));
        line.schedule(now, webhook);
        if self.config.keyword_replies
            && let Some(reply) = line.keyword(&from, &to, body)
        {
            let reply = Text::reply(self.sid(), to, from, reply.to_owned(), now);
            line.record(reply);
        }
        sid
    }

    /// Everything that a handset received and wrote, oldest first.
    pub fn handset(&self, number: &E164) -> Vec<HandsetText> {
        self.line().texts().filter_map(|text| HandsetText::of(text, number)).collect()
    }

    /// The webhooks that are due, in the order in which they fell due. Each is answered once.
    pub fn take_due(&self, now: Timestamp) -> Vec<CarrierRequest> {
        self.line().take_due(now)
    }

    /// When the next webhook falls due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.line().next_due()
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        // Nothing panics in the middle of a change, so what a poisoned lock holds is whole.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sid(&self) -> String {
        format!("SM{}", self.entropy.token())
    }

    fn is_ours(&self, account: &CarrierCredentials) -> bool {
        account.account_sid == self.account.account_sid && account.auth_token == self.account.auth_token
    }

    fn signed(&self, path: CarrierPath, url: String, params: Vec<(&str, String)>) -> CarrierRequest {
        let params: Vec<(String, String)> = params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let token = self.account.auth_token.reveal();
        let signature = Some(signature::sign(token, &url, &params, signature::Algorithm::HmacSha1));
        CarrierRequest { path, form: CarrierForm { url, params, signature } }
    }

    fn inbound_webhook(&self, sid: &str, from: &E164, to: &E164, body: &str) -> CarrierRequest {
        let url = format!("{}{INBOUND_PATH}", self.config.public_url.trim_end_matches('/'));
        let params = vec![
            ("ToCountry", "US".into()),
            ("SmsMessageSid", sid.into()),
            ("NumMedia", "0".into()),
            ("SmsSid", sid.into()),
            ("SmsStatus", "received".into()),
            ("Body", body.into()),
            ("To", to.to_string()),
            ("NumSegments", "1".into()),
            ("MessageSid", sid.into()),
            ("AccountSid", self.account.account_sid.clone()),
            ("From", from.to_string()),
            ("ApiVersion", "2010-04-01".into()),
        ];
        self.signed(CarrierPath::Inbound, url, params)
    }

    fn status_webhook(&self, sid: &str, sms: &OutboundSms, status: CarrierStatus) -> CarrierRequest {
        let params = vec![
            ("SmsSid", sid.into()),
            ("SmsStatus", status.as_str().into()),
            ("MessageStatus", status.as_str().into()),
            ("To", sms.to.to_string()),
            ("MessageSid", sid.into()),
            ("AccountSid", self.account.account_sid.clone()),
            ("From", sms.from.to_string()),
            ("ApiVersion", "2010-04-01".into()),
        ];
        self.signed(CarrierPath::Status(sms.status_callback.clone()), sms.status_callback.clone(), params)
    }

    fn accept(&self, sms: &OutboundSms) -> Result<Accepted, SendError> {
        let (now, sid) = (self.clock.now(), self.sid());
        let mut line = self.line();
        line.check(sms)?;
        line.record(Text::outbound(sid.clone(), sms, now, self.config.callback_delay));
        for (step, status) in (1..).zip(line::STEPS) {
            line.schedule(now + self.config.callback_delay * step, self.status_webhook(&sid, sms, status));
        }
        Ok(Accepted { sid, status: CarrierStatus::Queued, segments: Some(line::segments(&sms.body)) })
    }
}

#[async_trait]
impl Telephony for FakeCarrier {
    async fn send(&self, account: &CarrierCredentials, sms: &OutboundSms) -> Result<Accepted, SendError> {
        if !self.is_ours(account) {
            return Err(SendError::Rejected { code: Some(20003), detail: "Authenticate".into() });
        }
        self.accept(sms)
    }

    async fn fetch(&self, account: &CarrierCredentials, sid: &str) -> Result<Option<CarrierMessage>, TelephonyError> {
        if !self.is_ours(account) {
            return Err(TelephonyError("HTTP 401".into()));
        }
        let now = self.clock.now();
        Ok(self.line().texts().find(|text| text.sid == sid).map(|text| text.listed(now)))
    }

    async fn list(&self, account: &CarrierCredentials, query: &ListQuery) -> Result<Vec<CarrierMessage>, TelephonyError> {
        if !self.is_ours(account) {
            return Err(TelephonyError("HTTP 401".into()));
        }
        let now = self.clock.now();
        let wanted =
            |text: &&Text| text.from == query.from && text.to == query.to && text.at >= query.since && text.at <= query.until;
        Ok(self.line().texts().rev().filter(wanted).map(|text| text.listed(now)).collect())
    }

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
