use std::time::Duration;

use async_trait::async_trait;
use hum_core::{
    address::Address,
    broadband::{BroadbandMap, Coverage, Place},
    clock::{Clock as _, Timestamp},
    geocode::{Coordinates, Geocoder, Geocoding, Reach, SourceError},
};

use super::country::{Country, coverage, data_set, geocoding};
use crate::{
    capability::address_session::{Asked, Told},
    clock::VirtualClock,
    monitor::Monitor,
    process::{Fate, ProcessId},
};

/// On this machine, or far away.
pub fn reach(is_remote: bool) -> Reach {
    if is_remote {
        Reach::Remote
    } else {
        Reach::Local
    }
}

/// How a process reaches a source: at once, or over a network that fails.
#[derive(Clone)]
pub struct Line {
    /// What the source knows.
    pub country: Country,
    /// How far away it is.
    pub reach: Reach,
    /// Which process asks.
    pub process: ProcessId,
    /// What goes wrong.
    pub fate: Fate,
    /// Answers take time.
    pub clock: VirtualClock,
    /// Who hears every question.
    pub monitor: Monitor,
}

impl Line {
    async fn ask<T: Clone>(
        &self,
        asked: Asked,
        answer: impl FnOnce(usize) -> T,
        told: fn(T) -> Told,
    ) -> Result<T, SourceError> {
        let (fate, chance) = (&self.fate, self.fate.chance());
        let question = self.monitor.asked(self.process, asked);
        // A source on this machine may fail, but never keeps anybody waiting.
        if self.reach == Reach::Remote {
            fate.point(self.process).await;
            if fate.strikes(fate.options().sources_slow) {
                match chance.below(4) {
                    0 => std::future::pending().await,
                    _ => {
                        self.clock
                            .sleep(Duration::from_millis(chance.between(1_000, 40_000)))
                            .await
                    }
                }
            } else if !fate.is_calm() {
                self.clock
                    .sleep(Duration::from_millis(chance.between(20, 800)))
                    .await;
            }
            fate.point(self.process).await;
        }
        if fate.strikes(fate.options().data_sets) {
            self.country.publish(self.clock.elapsed());
        }
        if fate.strikes(fate.options().sources_fail) {
            let (source_name, detail) = ("simulated".to_owned(), format!("failure {question}"));
            let error = match chance.below(3) {
                0 => SourceError::Refused {
                    source_name,
                    detail,
                },
                _ => SourceError::Unavailable {
                    source_name,
                    detail,
                },
            };
            self.monitor.told(
                question,
                self.country.release(),
                Told::Failure(error.clone()),
            );
            return Err(error);
        }
        let release = self.country.release();
        let answer = answer(release);
        self.monitor.told(question, release, told(answer.clone()));
        if self.reach == Reach::Remote {
            // On its way back the answer may be overtaken by new data.
            fate.point(self.process).await;
        }
        Ok(answer)
    }
}

/// The geocoder as one process reaches it.
pub struct SimGeocoder(
    /// How.
    pub Line,
);

#[async_trait]
impl Geocoder for SimGeocoder {
    fn reach(&self) -> Reach {
        self.0.reach
    }

    async fn geocode(
        &self,
        address: &Address,
        given: Option<Coordinates>,
    ) -> Result<Geocoding, SourceError> {
        let asked = Asked::Where(address.clone(), given);
        self.0
            .ask(
                asked,
                |release| geocoding(address, given, release),
                Told::Where,
            )
            .await
    }
}

/// The map as one process reaches it.
pub struct SimBroadbandMap(
    /// How.
    pub Line,
);

#[async_trait]
impl BroadbandMap for SimBroadbandMap {
    fn reach(&self) -> Reach {
        self.0.reach
    }

    fn data_set(&self) -> String {
        data_set(self.0.country.release())
    }

    async fn providers_at(&self, place: &Place, _: Timestamp) -> Result<Coverage, SourceError> {
        self.0
            .ask(
                Asked::Who(place.clone()),
                |release| coverage(place, release),
                Told::Who,
            )
            .await
    }
}
