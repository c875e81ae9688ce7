//! The carrier's side of the world: what it truly accepted, what it answers, what it reports later.
//! Its line is the fake carrier's; what goes wrong on it follows from the seed.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hum_adapters::telephony::fake::{Line, News, Schedule, Text, inbound_form, status_form};
use hum_core::{
    cipher::Secret,
    clock::Clock as _,
    consent::Keyword,
    entropy::Entropy,
    number::E164,
    telephony::{
        CarrierCredentials, CarrierForm, CarrierMessage, CarrierStatus, ListQuery, OutboundSms,
        SendError,
    },
};

use crate::{
    capability::sms::{Effect, Written},
    chance::Chance,
    clock::VirtualClock,
    monitor::Monitor,
    process::Fate,
};

/// A webhook that the carrier is going to make.
#[derive(Debug, Clone)]
pub struct Callback {
    /// Status callback token, or an inbound text.
    pub token: Option<String>,
    /// The signed form.
    pub form: CarrierForm,
}

/// The carrier of the whole world.
#[derive(Clone)]
pub struct Carrier(Arc<CarrierState>);

struct CarrierState {
    state: Mutex<State>,
    clock: VirtualClock,
    monitor: Monitor,
    public_url: String,
}

#[derive(Default)]
struct State {
    line: Line,
    /// By the time from the start of the world: the wall clock may jump.
    due: Schedule<Duration, Callback>,
    accounts: BTreeMap<String, Account>,
}

struct Account {
    credentials: CarrierCredentials,
    /// The carrier confirms keywords for its numbers. Otherwise it does not block either: hum is
    /// the one who must.
    replies: bool,
}

impl Carrier {
    /// A carrier without accounts.
    pub fn new(clock: VirtualClock, monitor: Monitor, public_url: &str) -> Self {
        Self(Arc::new(CarrierState {
            state: Mutex::default(),
            clock,
            monitor,
            public_url: public_url.into(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens an account; `replies` says whether the carrier confirms keywords for its numbers.
    pub fn open_account(&self, entropy: &dyn Entropy, replies: bool) -> CarrierCredentials {
        let account_sid = format!("AC{}", entropy.token());
        let auth_token = Secret::new(entropy.token());
        let credentials = CarrierCredentials {
            account_sid,
            auth_token,
            secondary_auth_token: None,
        };
        let account = Account {
            credentials: credentials.clone(),
            replies,
        };
        self.state()
            .accounts
            .insert(credentials.account_sid.clone(), account);
        credentials
    }

    /// A handset writes. Keywords act at the carrier first, as at Twilio. Answers the signed form
    /// that is to be delivered.
    ///
    /// # Panics
    /// There is no such account.
    pub fn text_in(
        &self,
        account: &str,
        (from, to): (&E164, &E164),
        body: &str,
        entropy: &dyn Entropy,
    ) -> CarrierForm {
        let sid = format!("SM{}", entropy.token());
        self.0.monitor.log(|log| {
            log.sms
                .written
                .extend([(sid.clone(), Written::new(from, to, body))])
        });
        let now = self.0.clock.now();
        let mut state = self.state();
        let State { line, accounts, .. } = &mut *state;
        let account = accounts.get(account).expect("an account of this carrier");
        line.record(Text::inbound(
            sid.clone(),
            from.clone(),
            to.clone(),
            body.into(),
            now,
        ));
        if account.replies
            && let Some((keyword, answer)) = line.keyword(from, to, body)
        {
            line.record(Text::automatic(
                format!("{sid}-answer"),
                to.clone(),
                from.clone(),
                answer,
                now,
            ));
            if keyword == Keyword::OptOut {
                self.0.monitor.carrier_confirmed(to, from);
            }
        }
        inbound_form(
            &account.credentials,
            &self.0.public_url,
            &sid,
            (from, to),
            body,
        )
    }

    /// Delivers the form of a text now.
    pub fn deliver(&self, form: CarrierForm) {
        self.state()
            .due
            .put(self.0.clock.elapsed(), Callback { token: None, form });
    }

    /// Webhooks that are due, oldest first.
    pub fn take_due(&self) -> Vec<Callback> {
        self.state().due.take_due(self.0.clock.elapsed())
    }

    /// When the next webhook is due.
    pub fn next_due(&self) -> Option<Duration> {
        self.state().due.next_due()
    }

    /// What arrived on a handset, oldest first.
    pub fn received(&self, handset: &E164) -> Vec<String> {
        let arrived = |text: &&Text| !text.inbound && text.arrives && text.to == *handset;
        self.state()
            .line
            .texts()
            .filter(arrived)
            .map(Text::shown)
            .collect()
    }

    /// What the carrier refuses.
    pub(super) fn check(&self, sms: &OutboundSms) -> Result<(), SendError> {
        self.state().line.check(sms)
    }

    /// One text as it is listed.
    pub(super) fn listed(&self, sid: &str) -> Option<CarrierMessage> {
        self.state()
            .line
            .texts()
            .find(|text| text.sid == sid)
            .map(|text| text.listed(self.0.clock.now()))
    }

    /// The texts that a query asks for, older than `lag`.
    pub(super) fn list(&self, query: &ListQuery, lag: Duration) -> Vec<CarrierMessage> {
        let now = self.0.clock.now();
        let fits = |text: &&Text| text.at <= now - lag;
        self.state()
            .line
            .matching(query)
            .filter(fits)
            .map(|text| text.listed(now))
            .collect()
    }

    /// Takes a text, and puts its receipts in, as far as they are not lost.
    pub(super) fn accept(
        &self,
        account: &CarrierCredentials,
        sms: &OutboundSms,
        fate: &Fate,
    ) -> String {
        let chance = fate.chance();
        let sid = format!("SM{}", (chance as &dyn Entropy).token());
        let now = self.0.clock.now();
        let token = token_of(sms);
        let (from, to) = (sms.from.clone(), sms.to.clone());
        self.0.monitor.effect(Effect {
            sid: sid.clone(),
            token: token.clone(),
            from,
            to,
            at: now,
        });
        let arrives = !fate.strikes(50);
        let mut last = (CarrierStatus::Queued, None);
        let mut at = self.0.clock.elapsed();
        for step in [(CarrierStatus::Sent, None)]
            .into_iter()
            .chain(finals(arrives, chance))
        {
            last = step;
            at += Duration::from_millis(chance.between(50, 5_000));
            if fate.strikes(fate.options().receipt_lost) {
                continue;
            }
            let form = status_form(
                account,
                &sms.status_callback,
                &sid,
                (&sms.from, &sms.to),
                step,
            );
            let times = if fate.strikes(fate.options().receipt_repeated) {
                chance.between(2, 4)
            } else {
                1
            };
            for _ in 0..times {
                // A receipt may come hours late, and so in any order.
                let late = if times > 1 {
                    Duration::from_secs(chance.between(0, 7_200))
                } else {
                    Duration::ZERO
                };
                self.state().due.put(
                    at + late,
                    Callback {
                        token: Some(token.clone()),
                        form: form.clone(),
                    },
                );
            }
        }
        // Its list knows the end at once.
        let news = vec![News {
            after: Duration::ZERO,
            status: last.0,
            error_code: last.1,
        }];
        let text = Text {
            arrives,
            ..Text::outbound(sid.clone(), sms, now, news)
        };
        self.state().line.record(text);
        if arrives
            && fate.strikes(if fate.options().autoresponder {
                1000
            } else {
                0
            })
        {
            self.autorespond(account, sms, chance);
        }
        sid
    }

    /// A machine at the other end answers whatever it gets.
    fn autorespond(&self, account: &CarrierCredentials, sms: &OutboundSms, chance: &Chance) {
        let body = format!(
            "I am driving. I will call you back. #{}",
            chance.below(1_000_000)
        );
        let form = self.text_in(&account.account_sid, (&sms.to, &sms.from), &body, chance);
        let at = self.0.clock.elapsed() + Duration::from_secs(chance.between(1, 10));
        self.state().due.put(at, Callback { token: None, form });
    }
}

/// The attempt's token.
pub(super) fn token_of(sms: &OutboundSms) -> String {
    sms.status_callback
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// What is said of a text in the end.
fn finals(arrives: bool, chance: &Chance) -> Vec<(CarrierStatus, Option<u32>)> {
    if arrives {
        return vec![(CarrierStatus::Delivered, None)];
    }
    match chance.below(4) {
        0 => vec![(CarrierStatus::Undelivered, Some(30003))],
        1 => vec![(CarrierStatus::Failed, Some(30008))],
        // Carriers do contradict themselves.
        2 => vec![
            (CarrierStatus::Failed, Some(30008)),
            (CarrierStatus::Undelivered, Some(30003)),
        ],
        _ => vec![
            (CarrierStatus::Undelivered, Some(30005)),
            (CarrierStatus::Delivered, None),
        ],
    }
}
