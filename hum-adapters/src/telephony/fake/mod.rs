//! A carrier in memory, with handsets, for trying hum without an account anywhere, for tests and
//! for simulations.
//!
//! It speaks Twilio's dialect: the same forms, signatures, statuses and error codes, so that
//! everything on hum's side of the wire is what runs in production. It has no task of its own:
//! whoever runs it asks [`FakeCarrier::take_due`] for the webhooks that are due and delivers them,
//! a server over HTTP, a simulator by hand.

mod handset;
mod line;
mod schedule;
mod text;
mod webhook;

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
    telephony::{
        Accepted, CarrierCredentials, CarrierForm, CarrierMessage, CarrierStatus, CarrierWebhooks,
        InboundSms, ListQuery, OutboundSms, RefusedForm, SendError, StatusCallback, TelephonyError,
        Texting,
    },
};

use super::twilio::{form, signature};

pub use handset::{Direction, HandsetText};
pub use line::{Line, segments};
pub use schedule::Schedule;
pub use text::{News, Text};
pub use webhook::{INBOUND_PATH, inbound_form, status_form};

/// What is reported of every text, one delay after the other.
const STEPS: [CarrierStatus; 3] = [
    CarrierStatus::Queued,
    CarrierStatus::Sent,
    CarrierStatus::Delivered,
];

/// How the fake carrier behaves.
#[derive(Debug, Clone)]
pub struct FakeConfig {
    /// The public origin of hum, for the webhooks of texts that come in.
    pub public_url: String,
    /// Between two steps of a text: queued, sent, delivered.
    pub callback_delay: Duration,
    /// The carrier answers STOP, START and HELP itself and blocks texts to who said STOP, as Twilio
    /// does unless it is told otherwise (<https://help.twilio.com/articles/223134027>). Otherwise
    /// keywords are ordinary texts to it.
    pub keyword_replies: bool,
}

impl Default for FakeConfig {
    fn default() -> Self {
        let public_url = "http://localhost:8080".into();
        Self {
            public_url,
            callback_delay: Duration::from_millis(300),
            keyword_replies: true,
        }
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
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    line: Line,
    due: Schedule<Timestamp, CarrierRequest>,
}

impl FakeCarrier {
    /// A carrier with one account, whose id and token are drawn from `entropy`.
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>, config: FakeConfig) -> Self {
        let account = CarrierCredentials {
            account_sid: format!("ACfake{}", &entropy.token()[..28]),
            auth_token: Secret::new(entropy.token()),
            secondary_auth_token: None,
        };
        Self {
            clock,
            entropy,
            config,
            account,
            state: Mutex::default(),
        }
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
        let form = inbound_form(
            &self.account,
            &self.config.public_url,
            &sid,
            (&from, &to),
            body,
        );
        let mut state = self.state();
        state.line.record(Text::inbound(
            sid.clone(),
            from.clone(),
            to.clone(),
            body.to_owned(),
            now,
        ));
        state.due.put(
            now,
            CarrierRequest {
                path: CarrierPath::Inbound,
                form,
            },
        );
        if self.config.keyword_replies
            && let Some((_, answer)) = state.line.keyword(&from, &to, body)
        {
            state
                .line
                .record(Text::automatic(self.sid(), to, from, answer, now));
        }
        sid
    }

    /// Everything that a handset received and wrote, oldest first.
    pub fn handset(&self, number: &E164) -> Vec<HandsetText> {
        self.state()
            .line
            .texts()
            .filter_map(|text| HandsetText::of(text, number))
            .collect()
    }

    /// The webhooks that are due, in the order in which they fell due. Each is answered once.
    pub fn take_due(&self, now: Timestamp) -> Vec<CarrierRequest> {
        self.state().due.take_due(now)
    }

    /// When the next webhook falls due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.state().due.next_due()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics in the middle of a change, so what a poisoned lock holds is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sid(&self) -> String {
        format!("SM{}", self.entropy.token())
    }

    fn is_ours(&self, account: &CarrierCredentials) -> bool {
        account.account_sid == self.account.account_sid
            && account.auth_token == self.account.auth_token
    }

    fn accept(&self, sms: &OutboundSms) -> Result<Accepted, SendError> {
        let (now, sid) = (self.clock.now(), self.sid());
        let mut state = self.state();
        state.line.check(sms)?;
        let steps = (1..).zip(STEPS);
        let news: Vec<News> = steps
            .map(|(step, status)| News {
                after: self.config.callback_delay * step,
                status,
                error_code: None,
            })
            .collect();
        for step in &news {
            let ends = (&sms.from, &sms.to);
            let form = status_form(
                &self.account,
                &sms.status_callback,
                &sid,
                ends,
                (step.status, step.error_code),
            );
            let path = CarrierPath::Status(sms.status_callback.clone());
            state
                .due
                .put(now + step.after, CarrierRequest { path, form });
        }
        state
            .line
            .record(Text::outbound(sid.clone(), sms, now, news));
        Ok(Accepted {
            sid,
            status: CarrierStatus::Queued,
            segments: Some(segments(&sms.body)),
        })
    }
}

#[async_trait]
impl Texting for FakeCarrier {
    async fn send(
        &self,
        account: &CarrierCredentials,
        sms: &OutboundSms,
    ) -> Result<Accepted, SendError> {
        if !self.is_ours(account) {
            return Err(SendError::Rejected {
                code: Some(20003),
                detail: "Authenticate".into(),
            });
        }
        self.accept(sms)
    }

    fn status_callback_url(&self, public_url: &str, token: &str) -> String {
        super::twilio::status_callback_url(public_url, token)
    }

    async fn fetch(
        &self,
        account: &CarrierCredentials,
        sid: &str,
    ) -> Result<Option<CarrierMessage>, TelephonyError> {
        if !self.is_ours(account) {
            return Err(TelephonyError("HTTP 401".into()));
        }
        let now = self.clock.now();
        Ok(self
            .state()
            .line
            .texts()
            .find(|text| text.sid == sid)
            .map(|text| text.listed(now)))
    }

    async fn list(
        &self,
        account: &CarrierCredentials,
        query: &ListQuery,
    ) -> Result<Vec<CarrierMessage>, TelephonyError> {
        if !self.is_ours(account) {
            return Err(TelephonyError("HTTP 401".into()));
        }
        let now = self.clock.now();
        Ok(self
            .state()
            .line
            .matching(query)
            .rev()
            .map(|text| text.listed(now))
            .collect())
    }
}

impl CarrierWebhooks for FakeCarrier {
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
