use std::sync::{Arc, Mutex, atomic::AtomicU64};

use hum_adapters::{language_model::Scripted, storage::SqliteStore};
use hum_core::{
    Storage, broadband::BroadbandMap, egress::Egress, geocode::Geocoder,
    language_model::LanguageModel, telephony::Texting,
};

use super::{
    Shared, World,
    shared::{Given, PUBLIC_URL, SharedState},
};
use crate::{
    capability,
    chance::Chance,
    clock::VirtualClock,
    executor::Executor,
    fake::{
        bus::SimBus,
        carrier::Carrier,
        sources::{Country, FixedBroadbandMap, FixedGeocoder},
        texting::twilio,
    },
    invariant::Invariant,
    monitor::Monitor,
    options::{Options, RemoteSources},
    planted::Bug,
    ports::Ports,
    process::Fate,
};

/// Makes a world, with adapters of your own where you have some.
///
/// A world without [`WorldBuilder::options`] is calm: nothing goes wrong, and nobody acts by
/// himself. Adapters must answer without another thread's help, or the same seed is not the same
/// world; a store answers where it is called.
#[derive(Default)]
pub struct WorldBuilder {
    seed: Option<u64>,
    options: Option<Options>,
    keep_trace: bool,
    bug: Option<Bug>,
    invariants: Vec<Arc<dyn Invariant>>,
    language_model: Option<Arc<dyn LanguageModel>>,
    storage: Option<Arc<dyn Storage>>,
    given: Given,
}

impl WorldBuilder {
    /// The seed of a calm world.
    pub fn seed(self, seed: u64) -> Self {
        Self {
            seed: Some(seed),
            ..self
        }
    }

    /// What goes wrong, and who acts. The world gets sources of facts that fail, unless they are
    /// given.
    pub fn options(self, options: Options) -> Self {
        Self {
            options: Some(options),
            ..self
        }
    }

    /// Keeps the whole trace, to be printed.
    pub fn keep_trace(self, keep_trace: bool) -> Self {
        Self { keep_trace, ..self }
    }

    /// Plants a bug.
    pub fn planted(self, bug: Option<Bug>) -> Self {
        Self { bug, ..self }
    }

    /// Adds a rule of your own to those of [`capability::invariants`].
    pub fn invariant(mut self, invariant: impl Invariant + 'static) -> Self {
        self.invariants.push(Arc::new(invariant));
        self
    }

    /// The model that answers when nothing goes wrong; otherwise [`Scripted`].
    pub fn language_model(self, model: Arc<dyn LanguageModel>) -> Self {
        Self {
            language_model: Some(model),
            ..self
        }
    }

    /// The database of all processes; otherwise SQLite in memory. Crashes and lost answers are put
    /// around it.
    pub fn storage(self, storage: impl Storage + 'static) -> Self {
        Self {
            storage: Some(Arc::new(storage)),
            ..self
        }
    }

    /// Places addresses on the map.
    pub fn geocoder(mut self, geocoder: impl Geocoder + 'static) -> Self {
        self.given.geocoder = Some(Arc::new(geocoder));
        self
    }

    /// Knows who offers internet where.
    pub fn broadband_map(mut self, map: impl BroadbandMap + 'static) -> Self {
        self.given.broadband_map = Some(Arc::new(map));
        self
    }

    /// The way to customers' endpoints. Answers of it are judged as those of the world's own.
    pub fn egress(mut self, egress: impl Egress + 'static) -> Self {
        self.given.egress = Some(Arc::new(egress));
        self
    }

    /// Sends texts, instead of the world's carrier. Nobody knows then what was truly sent, and no
    /// rule judges it.
    pub fn texting(mut self, texting: impl Texting + 'static) -> Self {
        self.given.texting = Some(Arc::new(texting));
        self
    }

    /// Puts something at, or around, any port of every process: what comes back is plugged in.
    pub fn ports(mut self, ports: impl Fn(Ports) -> Ports + Send + Sync + 'static) -> Self {
        self.given.ports = Some(Box::new(ports));
        self
    }

    /// Makes it. Faults are off until [`Fate::set_calm`] says otherwise, so that it can be set up.
    ///
    /// # Panics
    /// SQLite cannot make a database in memory.
    pub fn build(self) -> World {
        let Self {
            seed,
            options,
            keep_trace,
            bug,
            invariants,
            language_model,
            storage,
            mut given,
        } = self;
        let is_simulated = options.is_some();
        let options = options.unwrap_or_else(|| Options::calm(seed.unwrap_or(1)));
        if !is_simulated {
            given
                .geocoder
                .get_or_insert_with(|| Arc::new(FixedGeocoder::default()));
            given
                .broadband_map
                .get_or_insert_with(|| Arc::new(FixedBroadbandMap::default()));
        }
        let clock = VirtualClock::default();
        let chance = Chance::new(options.seed, 2);
        let executor = Executor::default();
        let invariants = capability::invariants()
            .into_iter()
            .chain(invariants)
            .collect();
        let monitor = Monitor::new(clock.clone(), capability::mirror(), invariants, keep_trace);
        let country = Country::default();
        monitor.log(|log| {
            log.sms.is_deaf = given.texting.is_some();
            if given.geocoder.is_none() && given.broadband_map.is_none() {
                let is_remote = options.remote_sources != RemoteSources::Neither;
                log.sessions.hear(country.clone(), is_remote);
            }
        });
        let shared = SharedState {
            fate: Fate::new(options.clone(), chance.clone(), clock.clone()),
            carrier: Carrier::new(clock.clone(), monitor.clone(), PUBLIC_URL),
            storage: storage.unwrap_or_else(|| {
                Arc::new(SqliteStore::in_memory().expect("a database in memory"))
            }),
            bus: SimBus::default(),
            entropy: Chance::new(options.seed, 3),
            model: language_model.unwrap_or_else(|| Arc::new(Scripted)),
            twilio: twilio(),
            spawner: executor.spawner(),
            processes: Mutex::default(),
            next_process: AtomicU64::new(0),
            busy: AtomicU64::new(0),
            clock,
            chance,
            monitor,
            given,
            country,
            bug,
        };
        let world = World {
            executor,
            shared: Shared(Arc::new(shared)),
            polls: 0,
        };
        for _ in 0..options.processes {
            world.shared.start_process();
        }
        world
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use async_trait::async_trait;
    use hum_core::{
        egress::{EgressAnswer, EgressError, EgressRequest},
        flow::FlowDefinition,
        language_model::{ModelError, ModelRequest, ModelStream},
        number::E164,
        organization::KeywordReplies,
        telephony::{
            Accepted, CarrierCredentials, CarrierMessage, CarrierStatus, ListQuery, OutboundSms,
            SendError, TelephonyError,
        },
    };

    use super::*;
    use crate::{
        invariant::{Commit, Findings},
        monitor::WorldLog,
    };

    /// A carrier of somebody's own, which only counts.
    #[derive(Clone, Default)]
    struct Counting(Arc<AtomicUsize>);

    #[async_trait]
    impl Texting for Counting {
        async fn send(
            &self,
            _: &CarrierCredentials,
            _: &OutboundSms,
        ) -> Result<Accepted, SendError> {
            let nth = self.0.fetch_add(1, Ordering::Relaxed);
            Ok(Accepted {
                sid: format!("own-{nth}"),
                status: CarrierStatus::Queued,
                segments: None,
            })
        }

        fn status_callback_url(&self, public_url: &str, token: &str) -> String {
            format!("{public_url}/own/{token}")
        }

        async fn fetch(
            &self,
            _: &CarrierCredentials,
            _: &str,
        ) -> Result<Option<CarrierMessage>, TelephonyError> {
            Ok(None)
        }

        async fn list(
            &self,
            _: &CarrierCredentials,
            _: &ListQuery,
        ) -> Result<Vec<CarrierMessage>, TelephonyError> {
            Ok(Vec::new())
        }
    }

    struct Nowhere;

    #[async_trait]
    impl Egress for Nowhere {
        async fn open(&self, _: EgressRequest) -> Result<EgressAnswer, EgressError> {
            Err(EgressError::NotConnected("nowhere".into()))
        }

        fn check(&self, _: &str) -> Result<(), String> {
            Ok(())
        }
    }

    /// A model of somebody's own, which counts around the one that is there.
    struct Asked(Arc<dyn LanguageModel>, Arc<AtomicUsize>);

    #[async_trait]
    impl LanguageModel for Asked {
        async fn respond(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.respond(request).await
        }
    }

    #[test]
    fn something_can_be_put_around_any_port() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let around = move |ports: Ports| Ports {
            language_model: Arc::new(Asked(ports.language_model, count.clone())),
            ..ports
        };
        let mut world = World::builder().ports(around).build();
        greet(&mut world);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    /// A rule of somebody's own: nobody may write more than one batch.
    #[derive(Default)]
    struct OneBatch(AtomicUsize);

    impl Invariant for OneBatch {
        fn on_commit(&self, commit: &Commit<'_>, _: &mut WorldLog, findings: &mut Findings) {
            if self.0.fetch_add(1, Ordering::Relaxed) > 0 {
                findings.add("OWN-01", format!("{} wrote again", commit.batch.org));
            }
        }
    }

    fn greet(world: &mut World) -> E164 {
        let shop = world.set_up_tenant(1, FlowDefinition::named("Shop"), KeywordReplies::Carrier);
        let sam: E164 = "+15559990001".parse().expect("a number");
        world.text(&shop, &sam, "hello");
        assert!(world.settle(Duration::from_secs(60)));
        sam
    }

    #[test]
    fn own_adapters_take_the_place_of_the_worlds() {
        let (carrier, store) = (
            Counting::default(),
            SqliteStore::in_memory().expect("a database in memory"),
        );
        let mut world = World::builder()
            .seed(3)
            .texting(carrier.clone())
            .storage(store)
            .egress(Nowhere)
            .build();
        let sam = greet(&mut world);
        world.count_jobs();
        world.shared().monitor().quiescent();
        assert_eq!(carrier.0.load(Ordering::Relaxed), 1);
        assert_eq!(
            world.received(&sam),
            [""; 0],
            "the world's carrier sent nothing"
        );
        assert_eq!(world.shared().monitor().violations(), []);
    }

    #[test]
    fn a_rule_of_ones_own_judges_too() {
        let mut world = World::builder().invariant(OneBatch::default()).build();
        greet(&mut world);
        let violations = world.shared().monitor().violations();
        assert!(
            !violations.is_empty() && violations.iter().all(|found| found.invariant == "OWN-01"),
            "{violations:?}"
        );
    }
}
