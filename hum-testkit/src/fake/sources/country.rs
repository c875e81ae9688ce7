use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hum_core::{
    address::{Address, State},
    broadband::{Coverage, Place},
    geocode::{Coordinates, Geocoding, Precision},
};

use super::fixed::{candidate, digest, provider};

/// What is true about addresses, release by release. Clones are the same country.
///
/// Whatever a source of it says follows from the question and the release: so a witness can say it
/// again.
#[derive(Debug, Clone, Default)]
pub struct Country(Arc<Mutex<Vec<Duration>>>);

impl Country {
    /// The number of the release that holds now. The first is 0.
    pub fn release(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Publishes the next release, at `now` from the start of the world.
    pub fn publish(&self, now: Duration) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(now);
    }

    /// Whether a release held at some instant from `start` until now.
    pub fn held_since(&self, release: usize, start: Duration) -> bool {
        let published = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let replaced = published.get(release);
        release <= published.len() && replaced.is_none_or(|at| *at >= start)
    }
}

/// What a release is called.
pub fn data_set(release: usize) -> String {
    format!("sim-{release}")
}

/// Where an address is: one place, several, or none.
pub fn geocoding(address: &Address, given: Option<Coordinates>, release: usize) -> Geocoding {
    let drawn = digest(&format!("{address}|{release}"));
    let disagrees = given.is_some() && drawn[0].is_multiple_of(4);
    let believed = given.filter(|_| !disagrees);
    let problems = if disagrees {
        vec!["the coordinates are far from the ZIP code".to_owned()]
    } else {
        Vec::new()
    };
    let count = match drawn[1] % 8 {
        0 => 0,
        1 => 2 + drawn[2] % 2,
        _ => 1,
    };
    let place = |nth: u8| {
        let mut place = candidate(address, believed);
        place
            .address
            .city
            .get_or_insert_with(|| "SPRINGFIELD".into());
        place.address.state.get_or_insert(State::Illinois);
        place.position.latitude += f64::from(nth) / 64.0;
        place.precision = if drawn[3].is_multiple_of(3) {
            Precision::ZipCentroid
        } else {
            Precision::Rooftop
        };
        place.block_geoid = drawn[4]
            .is_multiple_of(2)
            .then(|| format!("17167000{:07}", drawn[5]));
        place.source = "simulated".into();
        place
    };
    Geocoding {
        candidates: (0..count).map(place).collect(),
        problems,
    }
}

/// Who offers internet at a place: up to three providers, or nobody.
pub fn coverage(place: &Place, release: usize) -> Coverage {
    let at = place.position;
    let drawn = digest(&format!(
        "{}|{}|{:?}|{release}",
        at.latitude, at.longitude, place.precision
    ));
    let providers = (0..drawn[0] % 4).map(|nth| {
        let drawn = digest(&format!("{drawn:?}|{nth}"));
        provider(&format!("Provider {}", drawn[0] % 9), 25 << (drawn[1] % 6))
    });
    let problems = if drawn[1].is_multiple_of(16) {
        vec!["plans are not known here".to_owned()]
    } else {
        Vec::new()
    };
    Coverage {
        data_set: data_set(release),
        providers: providers.collect(),
        problems,
    }
}
