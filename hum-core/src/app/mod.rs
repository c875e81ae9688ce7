//! The assembled application: ports in, services out. The only file that names every capability.

mod storage;
mod unplugged;

use std::{sync::Arc, time::Duration};

use crate::{
    access::{self, ApiKeyReads, ApiKeys, Quotas, RateLimits},
    address_session::{self, AddressSessionReads, AddressSessions},
    broadband::BroadbandMap,
    consent::{self, ConsentReads, OptOuts},
    flow::{self, FlowReads, Flows},
    geocode::Geocoder,
    kernel::{
        self, Kernel, Reads,
        cipher::Cipher,
        clock::Clock,
        counter::CounterReads,
        egress::Egress,
        entropy::Entropy,
        feed::Feed,
        id::OrgId,
        job::{JOBS_AT_ONCE, JobQueue, Workers},
        live_bus::LiveBus,
        record::RecordType,
        store::StoreError,
    },
    language_model::LanguageModel,
    number::{self, NumberReads, Numbers},
    organization::{self, OrganizationReads, Organizations},
    sms::{self, Sms, SmsReads},
    telephony::{CarrierCredentials, CarrierWebhooks, Texting},
    tool::{self, Tools},
    turn::{self, TurnTakingReads, Turns},
    usage::Usages,
    webhook::{self, WebhookFeedReads, Webhooks},
};

pub use storage::{Census, Counts, OrgReads, Storage, SystemReads};
use unplugged::Unplugged;

/// hum, with its adapters plugged in. Cheap to clone; every clone is the same application.
///
/// It has no use cases of its own: each capability is a service, which holds only what it uses.
#[derive(Clone)]
pub struct Hum(Arc<Services>);

struct Services {
    kernel: Kernel,
    storage: Arc<dyn Storage>,
    system: Arc<dyn SystemReads>,
    settings: Settings,
    workers: Workers,
    feed: Feed,
    api_keys: ApiKeys,
    rate_limits: RateLimits,
    organizations: Organizations,
    flows: Flows,
    numbers: Numbers,
    opt_outs: OptOuts,
    usage: Usages,
    sms: Sms,
    webhooks: Webhooks,
    address_sessions: AddressSessions,
}

/// What is configured once per process.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The origin that the carrier and customers see, without a trailing slash, such as
    /// `https://hum.example.com`.
    pub public_url: String,
    /// The carrier account of organizations that have none of their own: a single-tenant server's.
    pub default_account: Option<CarrierCredentials>,
    /// How long a request to the carrier may take. Shorter only makes more doubt: the carrier's own
    /// limit is near 26 s.
    pub carrier_timeout: Duration,
    /// How long one answer of the model may take.
    pub model_timeout: Duration,
    /// How many answers to people, and how many jobs that wait for servers of others, a process runs
    /// at once.
    pub jobs_at_once: usize,
    /// How long an idle worker waits before it looks again: what a lost wake-up costs at most.
    pub worker_poll: Duration,
    /// The same for whoever follows the feed of events.
    pub feed_poll: Duration,
    /// After how long without use an address session expires.
    pub session_idle: Duration,
    /// How long the creation of an address session waits for remote sources.
    pub session_wait: Duration,
    /// How long one answer of a geocoder or a broadband map may take.
    pub source_timeout: Duration,
    /// How often one key may call.
    pub key_quotas: Quotas,
    /// How often all keys of an organization together may call.
    pub organization_quotas: Quotas,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:8080".into(),
            default_account: None,
            carrier_timeout: Duration::from_secs(30),
            model_timeout: Duration::from_secs(60),
            jobs_at_once: JOBS_AT_ONCE,
            worker_poll: Duration::from_secs(1),
            feed_poll: Duration::from_secs(1),
            session_idle: Duration::from_secs(30 * 60),
            session_wait: Duration::from_secs(2),
            source_timeout: Duration::from_secs(10),
            key_quotas: Quotas::OF_A_KEY,
            organization_quotas: Quotas::OF_AN_ORGANIZATION,
        }
    }
}

/// Takes the adapters. Storage, clock, entropy, cipher and bus must be given; the carrier, the
/// model, the way out, the geocoder and the broadband map refuse everything until they are plugged
/// in.
#[derive(Default)]
pub struct HumBuilder {
    storage: Option<Arc<dyn Storage>>,
    jobs: Option<Arc<dyn JobQueue>>,
    carrier_webhooks: Option<Arc<dyn CarrierWebhooks>>,
    texting: Option<Arc<dyn Texting>>,
    language_model: Option<Arc<dyn LanguageModel>>,
    egress: Option<Arc<dyn Egress>>,
    cipher: Option<Arc<dyn Cipher>>,
    clock: Option<Arc<dyn Clock>>,
    entropy: Option<Arc<dyn Entropy>>,
    live_bus: Option<Arc<dyn LiveBus>>,
    geocoder: Option<Arc<dyn Geocoder>>,
    broadband_map: Option<Arc<dyn BroadbandMap>>,
    settings: Settings,
}

/// A port was not given to the builder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Hum::builder() needs an adapter for `{0}`")]
pub struct MissingPort(pub &'static str);

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident or $shared:ident: $port:path;)*) => {$(
        $(#[$doc])*
        pub fn $name(self, adapter: impl $port + 'static) -> Self {
            self.$shared(Arc::new(adapter))
        }

        /// The same with an adapter that is shared already, such as one that is chosen at run time.
        pub fn $shared(mut self, adapter: Arc<dyn $port>) -> Self {
            self.$name = Some(adapter);
            self
        }
    )*};
}

/// The adapter at a port that need not be plugged in.
macro_rules! or_unplugged {
    ($adapter:expr) => {
        $adapter.unwrap_or_else(|| Arc::new(Unplugged))
    };
}

/// The reads of one capability, out of those of all.
macro_rules! reads {
    ($storage:expr, $reads:ident) => {{
        let storage = Arc::clone(&$storage);
        Reads::new(move |org| -> Arc<dyn $reads> { storage.org(org) })
    }};
}

impl HumBuilder {
    setters! {
        /// Sends texts.
        texting or shared_texting: Texting;
        /// Reads the carrier's webhooks.
        carrier_webhooks or shared_carrier_webhooks: CarrierWebhooks;
        /// The language model.
        language_model or shared_language_model: LanguageModel;
        /// Calls to customers' addresses.
        egress or shared_egress: Egress;
        /// Encryption at rest.
        cipher or shared_cipher: Cipher;
        /// Time.
        clock or shared_clock: Clock;
        /// Chance.
        entropy or shared_entropy: Entropy;
        /// Wake-ups.
        live_bus or shared_live_bus: LiveBus;
        /// Places addresses on the map.
        geocoder or shared_geocoder: Geocoder;
        /// Knows who offers internet where.
        broadband_map or shared_broadband_map: BroadbandMap;
    }

    /// Memory, and the queue, which lives in the same database.
    pub fn storage(self, adapter: impl Storage + 'static) -> Self {
        self.shared_storage(Arc::new(adapter))
    }

    /// The same with an adapter that is shared already, such as one that is chosen at run time.
    pub fn shared_storage(mut self, adapter: Arc<dyn Storage>) -> Self {
        self.jobs = Some(adapter.clone());
        self.storage = Some(adapter);
        self
    }

    /// A carrier, for everything that it can do.
    pub fn carrier(mut self, adapter: impl CarrierWebhooks + Texting + 'static) -> Self {
        let adapter = Arc::new(adapter);
        self.carrier_webhooks = Some(adapter.clone());
        self.texting = Some(adapter);
        self
    }

    /// See [`Settings`].
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Assembles the application.
    ///
    /// # Errors
    /// A port is missing.
    pub fn build(mut self) -> Result<Hum, MissingPort> {
        let storage = self.storage.take().ok_or(MissingPort("storage"))?;
        let queue = self.jobs.take().ok_or(MissingPort("storage"))?;
        let system = storage.system();
        let kernel = self.kernel(&storage, &system)?;
        let api_keys = ApiKeys::new(kernel.clone(), reads!(storage, ApiKeyReads), system.clone());
        let organizations = self.organizations(&kernel, &storage, &system);
        let flows = Flows::new(kernel.clone(), reads!(storage, FlowReads), tool::names());
        let numbers = Numbers::new(
            kernel.clone(),
            reads!(storage, NumberReads),
            reads!(storage, FlowReads),
            organizations.clone(),
        );
        let opt_outs = OptOuts::new(kernel.clone(), reads!(storage, ConsentReads));
        let usage = Usages::new(kernel.clone(), reads!(storage, CounterReads));
        let sms = self.sms(&kernel, &storage, &system, &organizations);
        let egress = or_unplugged!(self.egress.take());
        let webhooks = Webhooks::new(kernel.clone(), reads!(storage, WebhookFeedReads), egress);
        let address_sessions = self.address_sessions(&kernel, &storage);
        let turns = self.turns(&kernel, &storage, &address_sessions);
        let kinds = [
            turns.jobs(),
            sms.jobs(),
            webhooks.jobs(),
            address_sessions.jobs(),
        ];
        let kinds = kinds.into_iter().flatten().collect();
        let Settings {
            jobs_at_once,
            worker_poll,
            ..
        } = self.settings;
        let workers = Workers::new(kernel.clone(), queue, kinds, jobs_at_once, worker_poll);
        let feed = self.feed(&kernel, &storage);
        Ok(Hum(Arc::new(Services {
            kernel,
            storage,
            system,
            rate_limits: RateLimits::new(
                self.settings.key_quotas,
                self.settings.organization_quotas,
            ),
            settings: self.settings,
            workers,
            feed,
            api_keys,
            organizations,
            flows,
            numbers,
            opt_outs,
            usage,
            sms,
            webhooks,
            address_sessions,
        })))
    }

    fn kernel(
        &mut self,
        storage: &Arc<dyn Storage>,
        system: &Arc<dyn SystemReads>,
    ) -> Result<Kernel, MissingPort> {
        Ok(Kernel::new(kernel::Parts {
            store: storage.clone(),
            upkeep: system.clone(),
            cipher: self.cipher.take().ok_or(MissingPort("cipher"))?,
            clock: self.clock.take().ok_or(MissingPort("clock"))?,
            entropy: self.entropy.take().ok_or(MissingPort("entropy"))?,
            live_bus: self.live_bus.take().ok_or(MissingPort("live_bus"))?,
            followers: vec![webhook::follow],
        }))
    }

    fn feed(&self, kernel: &Kernel, storage: &Arc<dyn Storage>) -> Feed {
        let poll = self.settings.feed_poll;
        let storage = Arc::clone(storage);
        let reads = Reads::new(move |org| storage.feed(org));
        Feed::new(kernel.clone(), reads, poll)
    }

    fn organizations(
        &self,
        kernel: &Kernel,
        storage: &Arc<dyn Storage>,
        system: &Arc<dyn SystemReads>,
    ) -> Organizations {
        let default_account = self.settings.default_account.clone();
        Organizations::new(
            kernel.clone(),
            reads!(storage, OrganizationReads),
            system.clone(),
            default_account,
        )
    }

    fn sms(
        &mut self,
        kernel: &Kernel,
        storage: &Arc<dyn Storage>,
        system: &Arc<dyn SystemReads>,
        organizations: &Organizations,
    ) -> Sms {
        Sms::new(
            kernel.clone(),
            sms::Parts {
                reads: reads!(storage, SmsReads),
                routing: system.clone(),
                organizations: organizations.clone(),
                webhooks: or_unplugged!(self.carrier_webhooks.take()),
                texting: or_unplugged!(self.texting.take()),
                public_url: self.settings.public_url.clone(),
                carrier_timeout: self.settings.carrier_timeout,
            },
        )
    }

    fn address_sessions(&mut self, kernel: &Kernel, storage: &Arc<dyn Storage>) -> AddressSessions {
        AddressSessions::new(
            kernel.clone(),
            address_session::Parts {
                reads: reads!(storage, AddressSessionReads),
                geocoder: or_unplugged!(self.geocoder.take()),
                broadband_map: or_unplugged!(self.broadband_map.take()),
                idle: self.settings.session_idle,
                wait: self.settings.session_wait,
                source_timeout: self.settings.source_timeout,
            },
        )
    }

    fn turns(
        &mut self,
        kernel: &Kernel,
        storage: &Arc<dyn Storage>,
        address_sessions: &AddressSessions,
    ) -> Turns {
        Turns::new(
            kernel.clone(),
            turn::Parts {
                reads: reads!(storage, TurnTakingReads),
                language_model: or_unplugged!(self.language_model.take()),
                tools: Tools::new(address_sessions.clone()),
                model_timeout: self.settings.model_timeout,
            },
        )
    }
}

macro_rules! services {
    ($($(#[$doc:meta])* $name:ident: $service:ty;)*) => {$(
        $(#[$doc])*
        pub fn $name(&self) -> &$service {
            &self.0.$name
        }
    )*};
}

/// Every kind of record, for stores and their contract.
pub fn records() -> impl Iterator<Item = RecordType> {
    let capabilities = [
        kernel::RECORDS,
        access::RECORDS,
        organization::RECORDS,
        flow::RECORDS,
        number::RECORDS,
        consent::RECORDS,
        sms::RECORDS,
        webhook::RECORDS,
        address_session::RECORDS,
    ];
    capabilities.into_iter().flatten().copied()
}

impl Hum {
    services! {
        /// API keys.
        api_keys: ApiKeys;
        /// How often callers may call.
        rate_limits: RateLimits;
        /// Tenants and their carrier accounts.
        organizations: Organizations;
        /// AI agents.
        flows: Flows;
        /// Phone numbers.
        numbers: Numbers;
        /// Contacts who must not be texted.
        opt_outs: OptOuts;
        /// What was used, by day.
        usage: Usages;
        /// Conversations and texts.
        sms: Sms;
        /// Signed events to customers.
        webhooks: Webhooks;
        /// An address in, providers and plans out.
        address_sessions: AddressSessions;
        /// Runs jobs.
        workers: Workers;
        /// Events as they come.
        feed: Feed;
    }

    /// Starts assembling.
    pub fn builder() -> HumBuilder {
        HumBuilder::default()
    }

    /// The clock that this application lives by.
    pub fn clock(&self) -> &dyn Clock {
        self.0.kernel.clock()
    }

    /// The source of chance that this application lives by.
    pub fn entropy(&self) -> &dyn Entropy {
        self.0.kernel.entropy()
    }

    /// What is configured.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Memory, for tests and tools that look at it directly.
    pub fn storage(&self) -> &dyn Storage {
        &*self.0.storage
    }

    /// Reads of one organization that no use case adds anything to.
    pub fn reads(&self, org: OrgId) -> Arc<dyn OrgReads> {
        self.0.storage.org(org)
    }

    /// Reads over all organizations, for operators.
    pub fn system(&self) -> &dyn SystemReads {
        &*self.0.system
    }

    /// Whether the store can be used.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn ready(&self) -> Result<(), StoreError> {
        self.0.system.ready().await
    }
}
