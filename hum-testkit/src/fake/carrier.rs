//! The carrier's side of the world: what it truly accepted, what it answers, what it reports later.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use hum_adapters::telephony::twilio::{Twilio, TwilioConfig, signature};
use hum_core::{
    cipher::Secret,
    clock::{Clock as _, Timestamp},
    consent::Keyword,
    entropy::Entropy,
    number::E164,
    organization::CarrierCredentials,
    sms::{
        Accepted, CarrierForm, CarrierMessage, CarrierStatus, InboundSms, ListQuery, OutboundSms, RefusedForm, SendError,
        StatusCallback, Telephony, TelephonyError,
    },
};

use crate::{
    clock::VirtualClock,
    fake::handset::{Handsets, Text},
    monitor::{AnswerKind, Effect, Monitor, Written},
    process::{Fate, ProcessId},
};

/// A text that the carrier accepted: the truth.
#[derive(Debug, Clone)]
pub struct Carried {
    /// Its id.
    pub sid: String,
    /// Who pays.
    pub account: String,
    /// What was sent.
    pub sms: OutboundSms,
    /// When.
    pub at: Timestamp,
    /// Its status now.
    pub status: CarrierStatus,
    /// The last error code.
    pub error_code: Option<u32>,
}

/// A webhook that the carrier is going to make.
#[derive(Debug, Clone)]
pub struct Callback {
    /// When, from the start of the world.
    pub at: Duration,
    /// Status callback token, or an inbound text.
    pub token: Option<String>,
    /// The signed form.
    pub form: CarrierForm,
}

#[derive(Default)]
struct State {
    carried: Vec<Carried>,
    blocked: BTreeSet<(E164, E164)>,
    pending: Vec<Callback>,
    tokens: BTreeMap<String, String>,
    replies_for: BTreeSet<String>,
}

/// The carrier of the whole world.
#[derive(Clone)]
pub struct Carrier(Arc<CarrierState>);

struct CarrierState {
    state: Mutex<State>,
    clock: VirtualClock,
    handsets: Handsets,
    monitor: Monitor,
    public_url: String,
}

impl Carrier {
    /// A carrier without accounts.
    pub fn new(clock: VirtualClock, handsets: Handsets, monitor: Monitor, public_url: &str) -> Self {
        Self(Arc::new(CarrierState { state: Mutex::default(), clock, handsets, monitor, public_url: public_url.into() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens an account; `replies` says whether the carrier confirms keywords for its numbers.
    pub fn open_account(&self, entropy: &dyn Entropy, replies: bool) -> CarrierCredentials {
        let sid = format!("AC{}", entropy.token());
        let token = entropy.token();
        let mut state = self.state();
        state.tokens.insert(sid.clone(), token.clone());
        if replies {
            state.replies_for.insert(sid.clone());
        }
        CarrierCredentials { account_sid: sid, auth_token: Secret::new(token), secondary_auth_token: None }
    }

    /// A handset writes. Keywords act at the carrier first, as at Twilio. Answers the signed form that is to be delivered.
    pub fn text_in(&self, account: &str, text: &Text, entropy: &dyn Entropy) -> CarrierForm {
        let sid = format!("SM{}", entropy.token());
        let written =
            Written { from: text.from.clone(), to: text.to.clone(), body: text.body.clone(), means: meaning(&text.body) };
        self.0.monitor.log(|log| log.written.extend([(sid.clone(), written)]));
        let pair = (text.to.clone(), text.from.clone());
        let word = text.body.trim().to_uppercase();
        let mut state = self.state();
        let now = self.0.clock.now();
        let replies = state.replies_for.contains(account);
        match word.as_str() {
            // With its own replies off, the carrier does not block either: hum is the one who must.
            "STOP" | "STOPALL" | "UNSUBSCRIBE" | "CANCEL" | "END" | "QUIT" | "REVOKE" | "OPTOUT"
                if replies && state.blocked.insert(pair.clone()) =>
            {
                let body = "You have been unsubscribed.".into();
                self.0.handsets.arrive(Text { from: text.to.clone(), to: text.from.clone(), body }, now);
                self.0.monitor.carrier_confirmed(&text.to, &text.from);
            }
            "START" | "UNSTOP" | "YES" => {
                state.blocked.remove(&pair);
            }
            _ => {}
        }
        let params = vec![
            ("AccountSid".to_owned(), account.to_owned()),
            ("Body".to_owned(), text.body.clone()),
            ("From".to_owned(), text.from.to_string()),
            ("MessageSid".to_owned(), sid),
            ("NumMedia".to_owned(), "0".to_owned()),
            ("To".to_owned(), text.to.to_string()),
        ];
        let url = format!("{}/carrier/twilio/sms", self.0.public_url);
        signed(&state, account, url, params)
    }

    /// Webhooks that are due, oldest first.
    pub fn take_due(&self) -> Vec<Callback> {
        let now = self.0.clock.monotonic();
        let mut state = self.state();
        let (due, later) = std::mem::take(&mut state.pending).into_iter().partition(|callback: &Callback| callback.at <= now);
        state.pending = later;
        due
    }

    /// When the next webhook is due.
    pub fn next_due(&self) -> Option<Duration> {
        self.state().pending.iter().map(|callback| callback.at).min()
    }

    /// Puts a webhook back, for later.
    pub fn again(&self, callback: Callback) {
        self.state().pending.push(callback);
    }

    /// Everything that was accepted.
    pub fn carried(&self) -> Vec<Carried> {
        self.state().carried.clone()
    }

    fn accept(&self, account: &CarrierCredentials, sms: &OutboundSms, fate: &Fate) -> String {
        let chance = fate.chance();
        let sid = format!("SM{}", (chance as &dyn Entropy).token());
        let now = self.0.clock.now();
        let token = sms.status_callback.rsplit('/').next().unwrap_or_default().to_owned();
        self.0.monitor.effect(Effect {
            sid: sid.clone(),
            token: token.clone(),
            from: sms.from.clone(),
            to: sms.to.clone(),
            at: now,
        });
        let arrives = !fate.strikes(50);
        let mut state = self.state();
        let finals: Vec<(CarrierStatus, Option<u32>)> = if arrives {
            let text = Text { from: sms.from.clone(), to: sms.to.clone(), body: sms.body.clone() };
            self.0.handsets.arrive(text, now);
            vec![(CarrierStatus::Delivered, None)]
        } else {
            match chance.below(4) {
                0 => vec![(CarrierStatus::Undelivered, Some(30003))],
                1 => vec![(CarrierStatus::Failed, Some(30008))],
                // Carriers do contradict themselves.
                2 => vec![(CarrierStatus::Failed, Some(30008)), (CarrierStatus::Undelivered, Some(30003))],
                _ => vec![(CarrierStatus::Undelivered, Some(30005)), (CarrierStatus::Delivered, None)],
            }
        };
        let mut at = self.0.clock.monotonic();
        let mut last = (CarrierStatus::Queued, None);
        for (status, code) in [(CarrierStatus::Sent, None)].into_iter().chain(finals) {
            last = (status, code);
            at += Duration::from_millis(chance.between(50, 5_000));
            if fate.strikes(fate.options().receipt_lost) {
                continue;
            }
            let times = if fate.strikes(fate.options().receipt_repeated) { chance.between(2, 4) } else { 1 };
            for _ in 0..times {
                // A receipt may come hours late, and so in any order.
                let late = if times > 1 { Duration::from_secs(chance.between(0, 7_200)) } else { Duration::ZERO };
                let mut params = vec![
                    ("AccountSid".to_owned(), account.account_sid.clone()),
                    ("MessageSid".to_owned(), sid.clone()),
                    ("MessageStatus".to_owned(), status.as_str().to_owned()),
                ];
                params.extend(code.map(|code| ("ErrorCode".to_owned(), code.to_string())));
                let form = signed(&state, &account.account_sid, sms.status_callback.clone(), params);
                state.pending.push(Callback { at: at + late, token: Some(token.clone()), form });
            }
        }
        state.carried.push(Carried {
            sid: sid.clone(),
            account: account.account_sid.clone(),
            sms: sms.clone(),
            at: now,
            status: last.0,
            error_code: last.1,
        });
        drop(state);
        if arrives && fate.strikes(if fate.options().autoresponder { 1000 } else { 0 }) {
            self.autorespond(account, sms, chance);
        }
        sid
    }

    /// A machine at the other end answers whatever it gets.
    fn autorespond(&self, account: &CarrierCredentials, sms: &OutboundSms, chance: &crate::chance::Chance) {
        let body = format!("I am driving. I will call you back. #{}", chance.below(1_000_000));
        let text = Text { from: sms.to.clone(), to: sms.from.clone(), body };
        let form = self.text_in(&account.account_sid, &text, chance);
        let at = self.0.clock.monotonic() + Duration::from_secs(chance.between(1, 10));
        self.state().pending.push(Callback { at, token: None, form });
    }
}

/// What a person means: written down apart from hum's own reading of keywords.
fn meaning(body: &str) -> Option<Keyword> {
    let letters: String = body.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
    match letters.as_str() {
        "stop" | "stopall" | "unsubscribe" | "cancel" | "end" | "quit" | "revoke" | "optout" => Some(Keyword::OptOut),
        "start" | "unstop" | "yes" => Some(Keyword::OptIn),
        "help" | "info" => Some(Keyword::Help),
        _ => None,
    }
}

fn signed(state: &State, account: &str, url: String, params: Vec<(String, String)>) -> CarrierForm {
    let token = state.tokens.get(account).map(String::as_str).unwrap_or_default();
    let signature = signature::sign(token, &url, &params, signature::Algorithm::HmacSha1);
    CarrierForm { url, params, signature: Some(signature) }
}

/// The carrier as one process reaches it, over a bad line. Forms are checked and read by the real Twilio adapter.
pub struct CarrierLine {
    /// The carrier.
    pub carrier: Carrier,
    /// Which process calls.
    pub process: ProcessId,
    /// What goes wrong.
    pub fate: Fate,
    /// Checks and reads webhooks.
    pub twilio: Arc<Twilio>,
}

/// The real adapter, for checking and reading webhooks.
///
/// # Panics
/// When TLS cannot be set up, which the simulator does not need to survive.
pub fn twilio() -> Arc<Twilio> {
    Arc::new(Twilio::new(TwilioConfig::default()).expect("the Twilio adapter can be made"))
}

#[async_trait]
impl Telephony for CarrierLine {
    async fn send(&self, account: &CarrierCredentials, sms: &OutboundSms) -> Result<Accepted, SendError> {
        let (fate, chance) = (&self.fate, self.fate.chance());
        fate.point(self.process).await;
        let token = sms.status_callback.rsplit('/').next().unwrap_or_default().to_owned();
        let answered = |kind: AnswerKind| self.carrier.0.monitor.answered(&token, kind);
        if fate.strikes(fate.options().carrier_fails) {
            match chance.below(8) {
                0 => {
                    answered(AnswerKind::Definite);
                    return Err(SendError::NotSent("connection refused".into()));
                }
                1 => {
                    answered(AnswerKind::Definite);
                    return Err(SendError::Busy { retry_after: Some(Duration::from_secs(chance.between(1, 60))) });
                }
                2 => {
                    answered(AnswerKind::Definite);
                    return Err(SendError::Rejected { code: Some(30034), detail: "unregistered number".into() });
                }
                3 => {
                    answered(AnswerKind::ServerError);
                    return Err(SendError::Unknown("answered 500".into()));
                }
                4 => {
                    self.carrier.accept(account, sms, fate);
                    answered(AnswerKind::ServerError);
                    fate.point(self.process).await;
                    return Err(SendError::Unknown("answered 500".into()));
                }
                5 => {
                    answered(AnswerKind::Reset);
                    return Err(SendError::Unknown("connection reset".into()));
                }
                _ => {
                    self.carrier.accept(account, sms, fate);
                    answered(AnswerKind::Reset);
                    fate.point(self.process).await;
                    return Err(SendError::Unknown("connection reset".into()));
                }
            }
        }
        if self.carrier.state().blocked.contains(&(sms.from.clone(), sms.to.clone())) {
            answered(AnswerKind::Definite);
            return Err(SendError::Rejected { code: Some(21610), detail: "the recipient is opted out".into() });
        }
        let sid = self.carrier.accept(account, sms, fate);
        fate.point(self.process).await;
        if fate.strikes(fate.options().carrier_slow) {
            let wait = Duration::from_millis(chance.between(100, 40_000));
            if wait >= Duration::from_secs(30) {
                answered(AnswerKind::Reset);
                self.carrier.0.clock.sleep(Duration::from_secs(30)).await;
                return Err(SendError::Unknown("timed out".into()));
            }
            self.carrier.0.clock.sleep(wait).await;
        }
        answered(AnswerKind::Accepted);
        fate.point(self.process).await;
        Ok(Accepted { sid, status: CarrierStatus::Queued, segments: Some(1) })
    }

    async fn fetch(&self, _: &CarrierCredentials, sid: &str) -> Result<Option<CarrierMessage>, TelephonyError> {
        Ok(self.carrier.carried().iter().find(|carried| carried.sid == sid).map(listed))
    }

    async fn list(&self, account: &CarrierCredentials, query: &ListQuery) -> Result<Vec<CarrierMessage>, TelephonyError> {
        self.fate.point(self.process).await;
        if self.fate.strikes(self.fate.options().carrier_fails) {
            return Err(TelephonyError("simulated".into()));
        }
        // A text shows up in the list some time after it was accepted.
        let lag = Duration::from_secs(self.fate.chance().below(120));
        let newest = self.carrier.0.clock.now() - lag;
        let fits = |carried: &&Carried| {
            carried.account == account.account_sid
                && carried.sms.from == query.from
                && carried.sms.to == query.to
                && (query.since..=query.until).contains(&carried.at)
                && (self.fate.is_calm() || carried.at <= newest)
        };
        Ok(self.carrier.carried().iter().filter(fits).map(listed).collect())
    }

    fn claimed_account<'a>(&self, form: &'a CarrierForm) -> Option<&'a str> {
        self.twilio.claimed_account(form)
    }

    fn verify(&self, account: &CarrierCredentials, form: &CarrierForm) -> Result<(), RefusedForm> {
        self.twilio.verify(account, form)
    }

    fn inbound(&self, form: &CarrierForm) -> Result<InboundSms, RefusedForm> {
        self.twilio.inbound(form)
    }

    fn status(&self, form: &CarrierForm) -> Result<StatusCallback, RefusedForm> {
        self.twilio.status(form)
    }
}

fn listed(carried: &Carried) -> CarrierMessage {
    CarrierMessage {
        sid: carried.sid.clone(),
        from: carried.sms.from.to_string(),
        to: carried.sms.to.to_string(),
        body: carried.sms.body.clone(),
        status: carried.status,
        error_code: carried.error_code,
        created_at: carried.at,
    }
}
