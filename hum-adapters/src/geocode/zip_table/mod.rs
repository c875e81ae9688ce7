//! What is known without a network: the city, the state and the middle of every ZIP code.

mod table;

use async_trait::async_trait;
use hum_core::{
    address::Address,
    geocode::{
        Candidate, Coordinates, Geocoder, Geocoding, MatchType, Precision, Reach, SourceError,
    },
};

use super::answer;
use table::Place;

/// Most candidates of one answer: a person can choose among so many.
const MAX_CANDIDATES: usize = 20;

/// Places addresses by their ZIP code, or by city and state, from an embedded table. The street is
/// not looked at.
///
/// Coordinates of the caller are believed when they are within the reach of the ZIP code: at least
/// 25 km from its middle, and more where ZIP codes lie far apart (Tonopah, NV: 199 km). That
/// catches swapped, truncated and foreign coordinates, not those of the wrong house.
#[derive(Debug, Clone, Copy, Default)]
pub struct ZipTable;

#[async_trait]
impl Geocoder for ZipTable {
    fn reach(&self) -> Reach {
        Reach::Local
    }

    async fn geocode(
        &self,
        address: &Address,
        given: Option<Coordinates>,
    ) -> Result<Geocoding, SourceError> {
        // A great circle wraps around: 402.5 degrees would be 42.5.
        let on_map =
            given.filter(|given| answer::coordinates(given.latitude, given.longitude).is_some());
        let mut found = match &address.zip5 {
            Some(zip) => by_zip(address, zip, on_map),
            None => by_city(address, on_map),
        };
        if on_map.is_none() && given.is_some() {
            found.problems.insert(
                0,
                "The given coordinates are not on the map; they are not used.".into(),
            );
        }
        Ok(found)
    }
}

fn by_zip(address: &Address, zip: &str, given: Option<Coordinates>) -> Geocoding {
    let Some(place) = table::place(zip) else {
        return no_match(format!("ZIP code {zip} is not known."));
    };
    if let Some(state) = address.state
        && state != place.state
    {
        return no_match(format!(
            "ZIP code {zip} is in {}, not in {}.",
            place.state.as_str(),
            state.as_str()
        ));
    }
    one(address, &place, given)
}

fn by_city(address: &Address, given: Option<Coordinates>) -> Geocoding {
    let (Some(city), Some(state)) = (&address.city, address.state) else {
        return no_match("A ZIP code, or a city and a state, is needed.".into());
    };
    let places: Vec<Place> = table::places(state, city).collect();
    let name = format!("{city}, {}", state.as_str());
    match (places.as_slice(), given) {
        ([], _) => no_match(format!("{name} is not known; a ZIP code would help.")),
        ([place], _) => one(address, place, given),
        (_, Some(given)) => {
            let nearest = places
                .iter()
                .min_by(|a, b| distance_km(a, given).total_cmp(&distance_km(b, given)));
            match nearest {
                Some(nearest) if agrees(nearest, given) => one(address, nearest, Some(given)),
                Some(nearest) => {
                    let mut several = several(address, &name, &places);
                    let km = distance_km(nearest, given);
                    several.problems.insert(
                        0,
                        format!(
                            "The given coordinates are {km:.0} km from {name}; they are not used."
                        ),
                    );
                    several
                }
                None => several(address, &name, &places),
            }
        }
        (_, None) => several(address, &name, &places),
    }
}

fn one(address: &Address, place: &Place, given: Option<Coordinates>) -> Geocoding {
    match given {
        Some(given) if agrees(place, given) => {
            let precision = Precision::Rooftop;
            let (match_type, source) = (MatchType::Given, "caller".into());
            let candidate = Candidate {
                position: given,
                match_type,
                precision,
                source,
                ..middle(address, place)
            };
            Geocoding {
                candidates: vec![candidate],
                problems: vec![],
            }
        }
        Some(given) => {
            let (km, zip) = (distance_km(place, given), place.zip);
            let problem = format!(
                "The given coordinates are {km:.0} km from the middle of ZIP code {zip}; they are not used."
            );
            Geocoding {
                candidates: vec![middle(address, place)],
                problems: vec![problem],
            }
        }
        None => Geocoding {
            candidates: vec![middle(address, place)],
            problems: vec![],
        },
    }
}

fn several(address: &Address, name: &str, places: &[Place]) -> Geocoding {
    let candidates = places
        .iter()
        .take(MAX_CANDIDATES)
        .map(|place| middle(address, place))
        .collect();
    let count = places.len();
    let problems = if count > MAX_CANDIDATES {
        vec![format!(
            "{name} has {count} ZIP codes; the first {MAX_CANDIDATES} are listed."
        )]
    } else {
        vec![]
    };
    Geocoding {
        candidates,
        problems,
    }
}

/// The middle of the ZIP code. A city that the caller gave is kept: USPS accepts several for many
/// ZIP codes.
fn middle(address: &Address, place: &Place) -> Candidate {
    Candidate {
        address: Address {
            city: Some(address.city.clone().unwrap_or_else(|| place.city.into())),
            state: Some(place.state),
            zip5: Some(place.zip.into()),
            ..address.clone()
        },
        position: place.center,
        match_type: MatchType::Area,
        precision: Precision::ZipCentroid,
        block_geoid: None,
        source: "zip-table".into(),
    }
}

fn agrees(place: &Place, given: Coordinates) -> bool {
    distance_km(place, given) <= place.reach_km
}

fn distance_km(place: &Place, given: Coordinates) -> f64 {
    place.center.distance_m(given) / 1000.0
}

fn no_match(problem: String) -> Geocoding {
    Geocoding {
        candidates: vec![],
        problems: vec![problem],
    }
}
