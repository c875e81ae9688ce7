//! Everything outside hum, and hum itself, as often as there are processes.

use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hum_adapters::{cipher::KeyFileCipher, language_model::Scripted, storage::SqliteStore, telephony::twilio::Twilio};
use hum_core::{
    Hum, Settings,
    access::Caller,
    broadband::BroadbandMap,
    cipher::Secret,
    clock::Clock as _,
    error::Error,
    flow::FlowDefinition,
    geocode::{Geocoder, Reach},
    id::FlowId,
    idempotency::{Answer, Remember},
    number::{E164, NewNumber, Number},
    organization::{KeywordReplies, NewOrganization, Organization, OrganizationPatch, SetCarrierAccount},
    sms::Received,
    store::Store as _,
    turn::LanguageModel,
};
use tokio::sync::oneshot;

use crate::{
    chance::Chance,
    clock::VirtualClock,
    executor::{Executor, Spawner},
    fake::{
        carrier::{Callback, Carrier, CarrierLine, twilio},
        endpoints::SimEgress,
        handset::{Handsets, Text},
        model::SimModel,
        sources::{Country, FixedBroadbandMap, FixedGeocoder, Line, SimBroadbandMap, SimGeocoder},
        store::SimStore,
    },
    monitor::Monitor,
    options::{Options, RemoteSources},
    process::{Fate, ProcessId, SimBus},
};

const PUBLIC_URL: &str = "https://hum.example.test";
/// How often the carrier tries a webhook that is not answered. More than Twilio does, so that lost texts are hum's fault.
const CARRIER_TRIES: u32 = 8;

/// A world that needs more steps than this runs in circles.
const MAX_POLLS: u64 = 200_000;

/// A world. The same options give the same world, step by step.
pub struct World {
    executor: Executor,
    shared: Shared,
    polls: u64,
}

/// What everybody in the world can reach. Clones are the same world.
#[derive(Clone)]
pub struct Shared(Arc<SharedState>);

struct SharedState {
    clock: VirtualClock,
    /// The dice of the world: scenario and faults.
    chance: Chance,
    /// The dice of hum: ids, tokens, nonces.
    entropy: Chance,
    fate: Fate,
    monitor: Monitor,
    carrier: Carrier,
    handsets: Handsets,
    store: SqliteStore,
    model: Arc<dyn LanguageModel>,
    sources: Sources,
    twilio: Arc<Twilio>,
    spawner: Spawner,
    processes: Mutex<Vec<(ProcessId, Hum)>>,
    next_process: AtomicU64,
    busy: AtomicU64,
}

/// Where facts about addresses come from.
enum Sources {
    /// From the world's own sources, with their faults.
    Simulated(Country),
    /// From the user's.
    Given(Arc<dyn Geocoder>, Arc<dyn BroadbandMap>),
}

/// A tenant that was set up: number, agent and how the carrier knows them.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Who.
    pub organization: Organization,
    /// Acts for it.
    pub caller: Caller,
    /// Its agent.
    pub flow: FlowId,
    /// Its number.
    pub number: Number,
    /// Its account at the carrier.
    pub account: String,
}

impl World {
    /// The world that follows from a seed, with the faults that follow from it too.
    pub fn from_seed(seed: u64) -> Self {
        Self::new(Options::from_seed(seed, 48), Arc::new(Scripted), false)
    }

    /// A world without faults, with an agent's model of your choice: for testing agents. Every address is somewhere, and
    /// has a provider.
    pub fn calm(seed: u64, model: Arc<dyn LanguageModel>) -> Self {
        Self::calm_with(seed, model, FixedGeocoder::default(), FixedBroadbandMap::default())
    }

    /// The same with facts about addresses of your choice.
    pub fn calm_with(
        seed: u64,
        model: Arc<dyn LanguageModel>,
        geocoder: impl Geocoder + 'static,
        broadband_map: impl BroadbandMap + 'static,
    ) -> Self {
        Self::build(Options::calm(seed), model, false, Sources::Given(Arc::new(geocoder), Arc::new(broadband_map)))
    }

    /// A world of given options. Faults are off until [`Fate::set_calm`] says otherwise, so that it can be set up.
    pub fn new(options: Options, model: Arc<dyn LanguageModel>, keep_trace: bool) -> Self {
        Self::build(options, model, keep_trace, Sources::Simulated(Country::default()))
    }

    fn build(options: Options, model: Arc<dyn LanguageModel>, keep_trace: bool, sources: Sources) -> Self {
        let seed = options.seed;
        let clock = VirtualClock::default();
        let chance = Chance::new(seed, 2);
        let executor = Executor::default();
        let monitor = Monitor::new(clock.clone(), keep_trace);
        let handsets = Handsets::default();
        if let Sources::Simulated(country) = &sources {
            monitor.log(|log| {
                log.sessions.country = country.clone();
                log.sessions.sources = Some(reach(options.remote_sources != RemoteSources::Neither));
            });
        }
        let shared = SharedState {
            fate: Fate::new(options.clone(), chance.clone(), clock.clone()),
            carrier: Carrier::new(clock.clone(), handsets.clone(), monitor.clone(), PUBLIC_URL),
            store: SqliteStore::in_memory().expect("SQLite makes a database in memory"),
            entropy: Chance::new(seed, 3),
            twilio: twilio(),
            spawner: executor.spawner(),
            processes: Mutex::default(),
            next_process: AtomicU64::new(0),
            busy: AtomicU64::new(0),
            clock,
            chance,
            monitor,
            handsets,
            model,
            sources,
        };
        let world = Self { executor, shared: Shared(Arc::new(shared)), polls: 0 };
        for _ in 0..options.processes {
            world.shared.start_process();
        }
        world
    }

    /// What everybody in the world can reach.
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Runs until nothing more happens before `until`, from the start of the world.
    pub fn run_until(&mut self, until: Duration) {
        loop {
            self.bury_the_dead();
            let fate = &self.shared.0.fate;
            if self.executor.step(&self.shared.0.chance, |process| !fate.is_paused(process)) {
                self.polls += 1;
                if self.polls > MAX_POLLS {
                    break;
                }
                continue;
            }
            self.shared.deliver_due();
            let next = [self.shared.0.clock.next_timer(), self.shared.0.carrier.next_due(), self.shared.0.fate.next_resume()];
            match next.into_iter().flatten().min() {
                Some(next) if next <= until => self.shared.0.clock.advance_to(next),
                _ => break,
            }
        }
        self.shared.0.clock.advance_to(until);
    }

    /// Runs until no job, no webhook of the carrier and no actor is left, at most for `limit`; whether that came to pass.
    pub fn settle(&mut self, limit: Duration) -> bool {
        let end = self.shared.0.clock.elapsed() + limit;
        loop {
            let now = self.shared.0.clock.elapsed();
            // Everything that is due now, then a small step, so that a calm world does not run ahead of its user.
            self.run_until(now + Duration::from_millis(500));
            let idle = self.shared.0.carrier.next_due().is_none() && self.shared.0.busy.load(Ordering::Relaxed) == 0;
            let next =
                self.shared.0.monitor.mirror(|mirror| mirror.jobs.values().filter(|job| !job.failed).map(|job| job.run_at).min());
            match next {
                None if idle => return true,
                _ if self.shared.0.clock.elapsed() >= end || self.polls > MAX_POLLS => return false,
                Some(at) => {
                    let wait = at.since(self.shared.0.clock.now()).min(Duration::from_secs(600));
                    let carrier = self.shared.0.carrier.next_due().unwrap_or(end);
                    let now = self.shared.0.clock.elapsed();
                    self.run_until((now + wait).min(carrier.max(now)).min(end));
                }
                None => {}
            }
        }
    }

    /// How many steps the world has taken.
    pub fn polls(&self) -> u64 {
        self.polls
    }

    /// Runs a future that belongs to no process until it is done.
    ///
    /// # Panics
    /// When it is not done within a simulated day.
    pub fn block_on<T: Send + 'static>(&mut self, work: impl Future<Output = T> + Send + 'static) -> T {
        let (answer, mut answered) = oneshot::channel();
        self.shared.0.spawner.spawn(None, async move {
            let _ = answer.send(work.await);
        });
        for _ in 0..24 * 3600 * 10 {
            if let Ok(result) = answered.try_recv() {
                return result;
            }
            let now = self.shared.0.clock.elapsed();
            self.run_until(now + Duration::from_millis(100));
        }
        panic!("not done within a simulated day")
    }

    /// Sets up a tenant with an account, a number and an agent.
    ///
    /// # Panics
    /// When the definition is not valid.
    pub fn set_up_tenant(&mut self, index: u64, definition: FlowDefinition, keyword_replies: KeywordReplies) -> Tenant {
        let shared = self.shared.clone();
        self.block_on(async move { shared.set_up_tenant(index, definition, keyword_replies).await })
            .expect("a calm world sets a tenant up")
    }

    /// A handset writes to a tenant's number, and the carrier delivers it.
    pub fn text(&mut self, tenant: &Tenant, from: &E164, body: &str) {
        let text = Text { from: from.clone(), to: tenant.number.e164.clone(), body: body.into() };
        let form = self.shared.0.carrier.text_in(&tenant.account, &text, &self.shared.0.chance);
        let at = self.shared.0.clock.elapsed();
        self.shared.0.carrier.again(Callback { at, token: None, form });
    }

    /// What arrived on a handset so far, oldest first.
    pub fn received(&self, handset: &E164) -> Vec<String> {
        self.shared.0.handsets.received(handset).into_iter().map(|(_, text)| text.body).collect()
    }

    /// Compares the queue with the commits: a job that was not finished must still be there.
    pub fn count_jobs(&mut self) {
        let store = self.shared.0.store.clone();
        let Ok(counts) = self.block_on(async move { store.system().counts().await }) else { return };
        let stored: i64 = counts.jobs.iter().map(|(.., count)| *count).sum();
        let expected = self.shared.0.monitor.mirror(|mirror| mirror.jobs.len());
        if usize::try_from(stored).ok() != Some(expected) {
            let detail = format!("{expected} jobs are not done, but the queue has {stored}");
            self.shared.0.monitor.violate("INV-19", detail);
        }
    }

    fn bury_the_dead(&mut self) {
        for process in self.shared.0.fate.take_doomed() {
            self.executor.kill(process);
            self.shared.0.processes.lock().unwrap_or_else(PoisonError::into_inner).retain(|(id, _)| *id != process);
            let shared = self.shared.clone();
            self.shared.act(async move {
                let wait = shared.0.chance.between(1, 60);
                shared.0.clock.sleep(Duration::from_secs(wait)).await;
                shared.start_process();
            });
        }
    }
}

impl SharedState {
    /// The sources of facts, as a process reaches them.
    fn sources_of(&self, process: ProcessId) -> (Arc<dyn Geocoder>, Arc<dyn BroadbandMap>) {
        let country = match &self.sources {
            Sources::Given(geocoder, map) => return (geocoder.clone(), map.clone()),
            Sources::Simulated(country) => country.clone(),
        };
        let remote = self.fate.options().remote_sources;
        let line = |is_remote: bool| Line {
            country: country.clone(),
            reach: reach(is_remote),
            process,
            fate: self.fate.clone(),
            clock: self.clock.clone(),
            monitor: self.monitor.clone(),
        };
        let geocoder = SimGeocoder(line(remote != RemoteSources::Neither));
        (Arc::new(geocoder), Arc::new(SimBroadbandMap(line(remote == RemoteSources::Both))))
    }
}

fn reach(is_remote: bool) -> Reach {
    if is_remote { Reach::Remote } else { Reach::Local }
}

impl Shared {
    /// The world's time.
    pub fn clock(&self) -> &VirtualClock {
        &self.0.clock
    }

    /// The world's dice.
    pub fn chance(&self) -> &Chance {
        &self.0.chance
    }

    /// What goes wrong.
    pub fn fate(&self) -> &Fate {
        &self.0.fate
    }

    /// The witness.
    pub fn monitor(&self) -> &Monitor {
        &self.0.monitor
    }

    /// The carrier.
    pub fn carrier(&self) -> &Carrier {
        &self.0.carrier
    }

    /// Adds an actor: it belongs to no process, and the world is not quiet before it is done.
    pub fn act(&self, work: impl Future<Output = ()> + Send + 'static) {
        let shared = self.clone();
        shared.0.busy.fetch_add(1, Ordering::Relaxed);
        self.0.spawner.spawn(None, async move {
            work.await;
            shared.0.busy.fetch_sub(1, Ordering::Relaxed);
        });
    }

    /// Starts a process on the shared store.
    ///
    /// # Panics
    /// Never: every port is given.
    pub fn start_process(&self) {
        let state = &self.0;
        let process = ProcessId(state.next_process.fetch_add(1, Ordering::Relaxed));
        let fate = state.fate.clone();
        let settings = Settings {
            public_url: PUBLIC_URL.into(),
            worker_poll: Duration::from_secs(600),
            // Long enough for quick sources, and each look costs the simulation a step.
            session_wait: Duration::from_millis(500),
            ..Settings::default()
        };
        let (geocoder, broadband_map) = state.sources_of(process);
        let hum = Hum::builder()
            .store(SimStore { inner: state.store.clone(), process, fate: fate.clone(), monitor: state.monitor.clone() })
            .telephony(CarrierLine { carrier: state.carrier.clone(), process, fate: fate.clone(), twilio: state.twilio.clone() })
            .language_model(SimModel { inner: state.model.clone(), process, fate: fate.clone(), clock: state.clock.clone() })
            .egress(SimEgress { process, fate, clock: state.clock.clone(), monitor: state.monitor.clone() })
            .cipher(KeyFileCipher::from_key([7; 32], Arc::new(state.entropy.clone())))
            .clock(state.clock.clone())
            .entropy(state.entropy.clone())
            .live_bus(SimBus::default())
            .geocoder(geocoder)
            .broadband_map(broadband_map)
            .settings(settings)
            .build()
            .expect("every port is given");
        state.processes.lock().unwrap_or_else(PoisonError::into_inner).push((process, hum.clone()));
        state.spawner.spawn(Some(process), async move { hum.run_workers(std::future::pending()).await });
    }

    /// One of the processes that are alive.
    pub fn any_process(&self) -> Option<(ProcessId, Hum)> {
        let processes = self.0.processes.lock().unwrap_or_else(PoisonError::into_inner);
        if processes.is_empty() { None } else { Some(self.0.chance.pick(&processes).clone()) }
    }

    /// Sends a request to one of the processes; `None` when it died over it, or when none came up within a minute.
    pub async fn request<T, F>(&self, work: impl FnOnce(Hum) -> F) -> Option<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        for _ in 0..60 {
            let Some((process, hum)) = self.any_process() else {
                self.0.clock.sleep(Duration::from_secs(1)).await;
                continue;
            };
            let (answer, answered) = oneshot::channel();
            let work = work(hum);
            self.0.spawner.spawn(Some(process), async move {
                let _ = answer.send(work.await);
            });
            return answered.await.ok();
        }
        None
    }

    /// The carrier makes the webhooks that are due.
    fn deliver_due(&self) {
        for callback in self.0.carrier.take_due() {
            let copies =
                if self.0.fate.strikes(self.0.fate.options().inbound_repeated) { self.0.chance.between(2, 6) } else { 1 };
            for _ in 0..copies {
                let (shared, callback) = (self.clone(), callback.clone());
                self.act(async move { shared.post(callback).await });
            }
        }
    }

    /// One webhook of the carrier, repeated until it is answered.
    async fn post(&self, callback: Callback) {
        for attempt in 1..=CARRIER_TRIES {
            let Callback { token, form, .. } = callback.clone();
            let answer = match token.clone() {
                Some(token) => self.request(move |hum| async move { hum.receive_status(&token, &form).await }).await,
                None => self.request(move |hum| async move { hum.receive_sms(&form).await }).await,
            };
            if let Some(Ok(received)) = answer {
                if received == Received::Taken {
                    self.taken(&callback);
                }
                return;
            }
            self.0.clock.sleep(Duration::from_secs(u64::from(attempt) * 15)).await;
        }
    }

    /// hum said 200: from now on it must not be lost.
    fn taken(&self, callback: &Callback) {
        let param = |name: &str| callback.form.param(name).unwrap_or_default().to_owned();
        match &callback.token {
            Some(token) => {
                let status = hum_core::sms::CarrierStatus::parse(&param("MessageStatus"));
                let code = param("ErrorCode").parse().ok();
                self.0
                    .monitor
                    .log(|log| log.callbacks.entry(token.clone()).or_default().extend(status.map(|status| (status, code))));
            }
            None => {
                let sid = param("MessageSid");
                let stored = |mirror: &crate::invariant::Mirror| {
                    mirror
                        .messages
                        .values()
                        .any(|message| message.carrier.sid.as_deref().is_some_and(|stored| stored.starts_with(&sid)))
                };
                if !self.0.monitor.mirror(stored) {
                    self.0.monitor.violate("INV-01", format!("{sid} was acknowledged and not stored"));
                }
            }
        }
    }

    async fn set_up_tenant(
        &self,
        index: u64,
        definition: FlowDefinition,
        keyword_replies: KeywordReplies,
    ) -> Result<Tenant, Error> {
        let (_, hum) = self.any_process().ok_or(Error::NotFound("process"))?;
        let organization =
            hum.create_organization(NewOrganization { slug: format!("tenant-{index}"), name: format!("Tenant {index}") }).await?;
        let caller = Caller::system(organization.id);
        hum.update_organization(&caller, OrganizationPatch { name: None, keyword_replies: Some(keyword_replies) }).await?;
        let account = self.0.carrier.open_account(&self.0.chance, keyword_replies == KeywordReplies::Carrier);
        let set = SetCarrierAccount {
            account_sid: account.account_sid.clone(),
            auth_token: Secret::new(account.auth_token.reveal().clone()),
            secondary_auth_token: None,
        };
        hum.set_carrier_account(&caller, set).await?;
        let flow = fresh(hum.create_flow(&caller, definition, Remember::nothing()).await?);
        let new = NewNumber {
            e164: format!("+1555000{index:04}").parse().map_err(|_| Error::NotFound("number"))?,
            friendly_name: format!("Tenant {index}"),
            sms_flow_id: Some(flow.id),
            sms_enabled: true,
        };
        let number = fresh(hum.register_number(&caller, new, Remember::nothing()).await?);
        Ok(Tenant { organization, caller, flow: flow.id, number, account: account.account_sid })
    }
}

/// The result of something that was not remembered.
///
/// # Panics
/// When it was replayed, which cannot be.
pub fn fresh<T>(answer: Answer<T>) -> T {
    match answer {
        Answer::Fresh(result) => result,
        Answer::Replayed { .. } => panic!("nothing was remembered"),
    }
}
