//! What a source on the web found, in hum's words.

use hum_core::{
    address::{Address, AddressInput, State, normalize},
    geocode::{Candidate, Coordinates, MatchType},
};

/// Two finds of one address nearer than this are one place: a building and the shop in it, both
/// sides of a street.
const SAME_PLACE_M: f64 = 200.0;
/// Most candidates of one answer: a person can choose among so many.
const MAX_CANDIDATES: usize = 20;

/// An address as a source tells it.
pub(super) struct Told<'a> {
    /// House number and street.
    pub(super) street: &'a str,
    pub(super) city: Option<&'a str>,
    pub(super) state: Option<State>,
    /// Five digits, perhaps with more after them.
    pub(super) zip: Option<&'a str>,
}

impl Told<'_> {
    /// The address that was asked for, completed and corrected by what the source tells, and
    /// whether it was the same. `None`: it is in another state, so it is another address.
    pub(super) fn merge(&self, asked: &Address) -> Option<(Address, MatchType)> {
        if self.state.is_some() && asked.state.is_some() && self.state != asked.state {
            return None;
        }
        let street = street(self.street);
        let zip5 = self.zip.and_then(zip5).or_else(|| asked.zip5.clone());
        let same_zip = asked.zip5.is_none() || asked.zip5 == zip5;
        let told_city = self.city.map(city);
        // USPS accepts several cities for many ZIP codes: where the ZIP code agrees, the caller's
        // is as good as the source's.
        let same_city = match (&asked.city, &told_city) {
            (Some(asked_city), Some(told)) => {
                asked.zip5.is_some() && same_zip || letters(asked_city).eq(letters(told))
            }
            (None, _) | (_, None) => true,
        };
        let city = if same_city {
            asked.city.clone().or(told_city)
        } else {
            told_city
        };
        let exact = street == asked.street && same_zip && same_city;
        let address = Address {
            urbanization: None,
            street,
            unit: asked.unit.clone(),
            city,
            state: self.state.or(asked.state),
            plus4: asked.plus4.clone().filter(|_| same_zip),
            zip5,
        };
        Some((
            address,
            if exact {
                MatchType::Exact
            } else {
                MatchType::Inexact
            },
        ))
    }
}

/// OpenStreetMap writes some as `City of New York`.
fn city(text: &str) -> String {
    let city = text.trim().to_uppercase();
    city.strip_prefix("CITY OF ")
        .map_or_else(|| city.clone(), str::to_owned)
}

fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|char| char.is_alphanumeric())
}

/// The first five digits.
fn zip5(text: &str) -> Option<String> {
    let digits = text.trim().get(..5)?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.to_owned())
}

/// In its normal form; in capitals when it has none.
fn street(text: &str) -> String {
    let input = AddressInput {
        street1: text.to_owned(),
        ..AddressInput::default()
    };
    normalize(&input).map_or_else(|_| text.trim().to_uppercase(), |address| address.street)
}

/// A position on this planet.
pub(super) fn coordinates(latitude: f64, longitude: f64) -> Option<Coordinates> {
    let on_earth = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
    on_earth.then_some(Coordinates {
        latitude,
        longitude,
    })
}

/// Without repetitions, the first of each: sources list one house twice when it is mapped twice.
pub(super) fn distinct(found: Vec<Candidate>) -> Vec<Candidate> {
    let mut distinct = Vec::<Candidate>::new();
    for candidate in found {
        let same = |other: &Candidate| {
            other.address.street == candidate.address.street
                && other.position.distance_m(candidate.position) <= SAME_PLACE_M
        };
        if distinct.len() < MAX_CANDIDATES && !distinct.iter().any(same) {
            distinct.push(candidate);
        }
    }
    distinct
}
