use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hum_adapters::{cipher::KeyFileCipher, telephony::twilio::Twilio};
use hum_core::{
    Hum, HumBuilder, Settings, Storage, broadband::BroadbandMap, clock::Clock as _, egress::Egress,
    geocode::Geocoder, language_model::LanguageModel, telephony::Texting,
};
use tokio::sync::oneshot;

use crate::{
    chance::Chance,
    clock::VirtualClock,
    executor::Spawner,
    fake::{
        bus::SimBus,
        carrier::Carrier,
        endpoints::{HeardEgress, SimEgress},
        model::SimModel,
        sources::{Country, Line, SimBroadbandMap, SimGeocoder, reach},
        store::SimStore,
        texting::SimTexting,
    },
    monitor::Monitor,
    options::RemoteSources,
    planted::{Bug, Site},
    ports::Ports,
    process::{Fate, ProcessId},
};

/// The origin that the world's carrier knows.
pub(super) const PUBLIC_URL: &str = "https://hum.example.test";

/// How long a follower of the feed waits without a signal; short ones cost the simulation steps.
pub(crate) const FEED_POLL: Duration = Duration::from_secs(600);

/// What everybody in the world can reach. Clones are the same world.
#[derive(Clone)]
pub struct Shared(pub(super) Arc<SharedState>);

pub(super) struct SharedState {
    pub clock: VirtualClock,
    /// The dice of the world: scenario and faults.
    pub chance: Chance,
    /// The dice of hum: ids, tokens, nonces.
    pub entropy: Chance,
    pub fate: Fate,
    pub monitor: Monitor,
    pub carrier: Carrier,
    pub storage: Arc<dyn Storage>,
    pub bus: SimBus,
    pub model: Arc<dyn LanguageModel>,
    pub given: Given,
    /// What the world's own sources of facts know.
    pub country: Country,
    pub twilio: Arc<Twilio>,
    pub bug: Option<Bug>,
    pub spawner: Spawner,
    pub processes: Mutex<Vec<(ProcessId, Hum)>>,
    pub next_process: AtomicU64,
    pub busy: AtomicU64,
}

/// Adapters of the world's user, which take the place of the world's own and do not fail by its
/// dice.
#[derive(Default)]
pub(super) struct Given {
    pub geocoder: Option<Arc<dyn Geocoder>>,
    pub broadband_map: Option<Arc<dyn BroadbandMap>>,
    pub egress: Option<Arc<dyn Egress>>,
    pub texting: Option<Arc<dyn Texting>>,
    pub ports: Option<Box<dyn Fn(Ports) -> Ports + Send + Sync>>,
}

impl SharedState {
    /// The ports of one process, with the bug that is planted in the world.
    fn ports(&self, process: ProcessId) -> Ports {
        let ports = self.perhaps_wrong_ports(process);
        match &self.given.ports {
            None => ports,
            Some(given) => given(ports),
        }
    }

    fn perhaps_wrong_ports(&self, process: ProcessId) -> Ports {
        let site = Site {
            process,
            fate: self.fate.clone(),
            monitor: self.monitor.clone(),
            clock: self.clock.clone(),
        };
        match self.bug {
            None => self.right_ports(process, self.storage.clone()),
            Some(bug) => bug.plant(
                self.right_ports(process, bug.plant_beneath(self.storage.clone(), &site)),
                &site,
            ),
        }
    }

    /// Ports without a bug, on a store that perhaps has one.
    fn right_ports(&self, process: ProcessId, storage: Arc<dyn Storage>) -> Ports {
        let Self {
            given,
            clock,
            fate,
            monitor,
            carrier,
            twilio,
            ..
        } = self;
        let (clock, fate, monitor) = (|| clock.clone(), || fate.clone(), || monitor.clone());
        let remote = self.fate.options().remote_sources;
        let line = |is_remote: bool| Line {
            country: self.country.clone(),
            reach: reach(is_remote),
            process,
            fate: fate(),
            clock: clock(),
            monitor: monitor(),
        };
        Ports {
            storage: Arc::new(SimStore {
                inner: storage,
                process,
                fate: fate(),
                monitor: monitor(),
            }),
            carrier_webhooks: twilio.clone(),
            texting: given.texting.clone().unwrap_or_else(|| {
                let (carrier, twilio) = (carrier.clone(), twilio.clone());
                Arc::new(SimTexting {
                    carrier,
                    process,
                    fate: fate(),
                    clock: clock(),
                    monitor: monitor(),
                    twilio,
                })
            }),
            language_model: Arc::new(SimModel {
                inner: self.model.clone(),
                process,
                fate: fate(),
                clock: clock(),
            }),
            egress: match given.egress.clone() {
                Some(inner) => Arc::new(HeardEgress {
                    inner,
                    clock: clock(),
                    monitor: monitor(),
                }),
                None => Arc::new(SimEgress {
                    process,
                    fate: fate(),
                    clock: clock(),
                    monitor: monitor(),
                }),
            },
            cipher: Arc::new(KeyFileCipher::from_key(
                [7; 32],
                Arc::new(self.entropy.clone()),
            )),
            clock: Arc::new(clock()),
            entropy: Arc::new(self.entropy.clone()),
            live_bus: Arc::new(self.bus.join(fate())),
            geocoder: given
                .geocoder
                .clone()
                .unwrap_or_else(|| Arc::new(SimGeocoder(line(remote != RemoteSources::Neither)))),
            broadband_map: given
                .broadband_map
                .clone()
                .unwrap_or_else(|| Arc::new(SimBroadbandMap(line(remote == RemoteSources::Both)))),
        }
    }
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

    /// Adds somebody who only watches: it belongs to no process, and the world may be quiet before
    /// it is done.
    pub fn attend(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.spawner.spawn(None, work);
    }

    /// Starts a process on the shared store.
    ///
    /// # Panics
    /// Never: every port is given.
    pub fn start_process(&self) {
        let state = &self.0;
        let process = ProcessId(state.next_process.fetch_add(1, Ordering::Relaxed));
        let settings = Settings {
            public_url: PUBLIC_URL.into(),
            jobs_at_once: state.fate.options().jobs_at_once,
            worker_poll: Duration::from_secs(600),
            feed_poll: FEED_POLL,
            // Long enough for quick sources, and each look costs the simulation a step.
            session_wait: Duration::from_millis(500),
            ..Settings::default()
        };
        let hum = HumBuilder::from(state.ports(process))
            .settings(settings)
            .build()
            .expect("every port is given");
        state
            .processes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((process, hum.clone()));
        state.spawner.spawn(Some(process), async move {
            hum.workers().run(std::future::pending()).await
        });
    }

    /// One of the processes that are alive.
    pub fn any_process(&self) -> Option<(ProcessId, Hum)> {
        let processes = self
            .0
            .processes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if processes.is_empty() {
            None
        } else {
            Some(self.0.chance.pick(&processes).clone())
        }
    }

    /// Sends a request to one of the processes; `None` when it died over it, or when none came up
    /// within a minute.
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
}
