//! The assembled application: ports in, use cases out.

mod unplugged;

use std::{sync::Arc, time::Duration};

use crate::{
    address_session,
    broadband::BroadbandMap,
    geocode::Geocoder,
    kernel::{
        batch::{Batch, Committed},
        cipher::{Cipher, Secret},
        clock::Clock,
        egress::Egress,
        entropy::Entropy,
        error::Error,
        id::OrgId,
        job::JobQueue,
        live_bus::LiveBus,
        store::{CommitError, OrgReads, Store, StoreError},
    },
    organization::{CarrierAccount, CarrierCredentials},
    sms::Telephony,
    turn::LanguageModel,
};

use unplugged::Unplugged;

/// hum, with its adapters plugged in. Cheap to clone; every clone is the same application.
///
/// Use cases are methods, defined beside the capability that they belong to.
#[derive(Clone)]
pub struct Hum {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) jobs: Arc<dyn JobQueue>,
    pub(crate) telephony: Arc<dyn Telephony>,
    pub(crate) language_model: Arc<dyn LanguageModel>,
    pub(crate) egress: Arc<dyn Egress>,
    pub(crate) cipher: Arc<dyn Cipher>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) live_bus: Arc<dyn LiveBus>,
    pub(crate) geocoder: Arc<dyn Geocoder>,
    pub(crate) broadband_map: Arc<dyn BroadbandMap>,
    pub(crate) found: Arc<address_session::Cache>,
    pub(crate) settings: Arc<Settings>,
}

/// What is configured once per process.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The origin that the carrier and customers see, without a trailing slash, such as `https://hum.example.com`.
    pub public_url: String,
    /// The carrier account of organizations that have none of their own: a single-tenant server's.
    pub default_account: Option<CarrierCredentials>,
    /// How long a request to the carrier may take. Shorter only makes more doubt: the carrier's own limit is near 26 s.
    pub carrier_timeout: Duration,
    /// How long one answer of the model may take.
    pub model_timeout: Duration,
    /// How long an idle worker waits before it looks again: what a lost wake-up costs at most.
    pub worker_poll: Duration,
    /// After how long without use an address session expires.
    pub session_idle: Duration,
    /// How long the creation of an address session waits for remote sources.
    pub session_wait: Duration,
    /// How long one answer of a geocoder or a broadband map may take.
    pub source_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:8080".into(),
            default_account: None,
            carrier_timeout: Duration::from_secs(30),
            model_timeout: Duration::from_secs(60),
            worker_poll: Duration::from_secs(1),
            session_idle: Duration::from_secs(30 * 60),
            session_wait: Duration::from_secs(2),
            source_timeout: Duration::from_secs(10),
        }
    }
}

/// Takes the adapters. Store, clock, entropy, cipher and bus must be given; the carrier, the model, the way out, the geocoder
/// and the broadband map refuse everything until they are plugged in.
#[derive(Default)]
pub struct HumBuilder {
    store: Option<Arc<dyn Store>>,
    jobs: Option<Arc<dyn JobQueue>>,
    telephony: Option<Arc<dyn Telephony>>,
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
    ($($(#[$doc:meta])* $name:ident: $port:path;)*) => {$(
        $(#[$doc])*
        pub fn $name(mut self, adapter: impl $port + 'static) -> Self {
            self.$name = Some(Arc::new(adapter));
            self
        }
    )*};
}

impl HumBuilder {
    setters! {
        /// The carrier.
        telephony: Telephony;
        /// The language model.
        language_model: LanguageModel;
        /// Calls to customers' addresses.
        egress: Egress;
        /// Encryption at rest.
        cipher: Cipher;
        /// Time.
        clock: Clock;
        /// Chance.
        entropy: Entropy;
        /// Wake-ups.
        live_bus: LiveBus;
        /// Places addresses on the map.
        geocoder: Geocoder;
        /// Knows who offers internet where.
        broadband_map: BroadbandMap;
    }

    /// Memory and the queue, which live in the same database.
    pub fn store(mut self, adapter: impl Store + JobQueue + 'static) -> Self {
        let adapter = Arc::new(adapter);
        self.store = Some(adapter.clone());
        self.jobs = Some(adapter);
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
    pub fn build(self) -> Result<Hum, MissingPort> {
        Ok(Hum {
            store: self.store.ok_or(MissingPort("store"))?,
            jobs: self.jobs.ok_or(MissingPort("store"))?,
            telephony: self.telephony.unwrap_or_else(|| Arc::new(Unplugged)),
            language_model: self.language_model.unwrap_or_else(|| Arc::new(Unplugged)),
            egress: self.egress.unwrap_or_else(|| Arc::new(Unplugged)),
            cipher: self.cipher.ok_or(MissingPort("cipher"))?,
            clock: self.clock.ok_or(MissingPort("clock"))?,
            entropy: self.entropy.ok_or(MissingPort("entropy"))?,
            live_bus: self.live_bus.ok_or(MissingPort("live_bus"))?,
            geocoder: self.geocoder.unwrap_or_else(|| Arc::new(Unplugged)),
            broadband_map: self.broadband_map.unwrap_or_else(|| Arc::new(Unplugged)),
            found: Arc::default(),
            settings: Arc::new(self.settings),
        })
    }
}

impl Hum {
    /// Starts assembling.
    pub fn builder() -> HumBuilder {
        HumBuilder::default()
    }

    /// The clock that this application lives by.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// The source of chance that this application lives by.
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    /// What is configured.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The store, for reads that no use case adds anything to.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Reads of one organization.
    pub fn reads(&self, org: OrgId) -> Arc<dyn OrgReads> {
        self.store.org(org)
    }

    /// Commits, then wakes the workers if a job is due.
    pub(crate) async fn commit(&self, batch: Batch) -> Result<Committed, CommitError> {
        let due = batch.next_job_at().is_some_and(|at| at <= self.clock.now());
        let committed = self.store.commit(batch).await?;
        if due {
            self.live_bus.jobs_due();
        }
        Ok(committed)
    }

    /// Opens a sealed text; `column` names where it lives.
    pub(crate) fn open(
        &self,
        context: &str,
        sealed: &[u8],
        table: &'static str,
        column: &'static str,
    ) -> Result<Secret<String>, Error> {
        let corrupt = |detail: String| Error::Store(StoreError::Corrupt { table, column, detail });
        let plain = self.cipher.open(context, sealed).map_err(|error| corrupt(error.to_string()))?;
        String::from_utf8(plain).map(Secret::new).map_err(|_| corrupt("not UTF-8".into()))
    }

    /// The credentials of a carrier account: an organization's own, or the server's.
    pub(crate) fn credentials_of(
        &self,
        account_sid: &str,
        own: Option<&CarrierAccount>,
    ) -> Result<Option<CarrierCredentials>, Error> {
        let Some(own) = own.filter(|own| own.account_sid == account_sid) else {
            return Ok(self.settings.default_account.clone().filter(|default| default.account_sid == account_sid));
        };
        let open = |sealed: &[u8], column: &'static str| {
            self.open(&CarrierAccount::context(own.org, column), sealed, "carrier_account", column)
        };
        Ok(Some(CarrierCredentials {
            account_sid: own.account_sid.clone(),
            auth_token: open(&own.auth_token, "auth_token")?,
            secondary_auth_token: own
                .secondary_auth_token
                .as_deref()
                .map(|sealed| open(sealed, "secondary_auth_token"))
                .transpose()?,
        }))
    }

    /// Whether the store can be used.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn ready(&self) -> Result<(), StoreError> {
        self.store.system().ready().await
    }
}
