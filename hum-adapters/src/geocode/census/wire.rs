//! The answer of the Census Bureau. What hum does not use is not read.

use std::collections::HashMap;

use hum_core::{
    address::{Address, State},
    geocode::{Candidate, Precision},
};
use serde::Deserialize;
use serde_json::Value;

use crate::geocode::answer::{self, Told};

#[derive(Deserialize)]
struct Envelope {
    result: Outcome,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    address_matches: Vec<AddressMatch>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AddressMatch {
    /// `4600 SILVER HILL RD, WASHINGTON, DC, 20233`.
    matched_address: String,
    coordinates: Point,
    address_components: Components,
    /// By the name of the layer, which changes over the years.
    #[serde(default)]
    geographies: HashMap<String, Value>,
}

/// Degrees: x is the longitude, y the latitude.
#[derive(Deserialize)]
struct Point {
    x: f64,
    y: f64,
}

#[derive(Deserialize)]
struct Components {
    #[serde(default)]
    city: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    zip: String,
}

/// The matches in the Bureau's order; several of equal rank are all listed. `None`: not an answer
/// of this service.
pub(super) fn candidates(body: &[u8], asked: &Address, source: &str) -> Option<Vec<Candidate>> {
    let envelope: Envelope = serde_json::from_slice(body).ok()?;
    let mut found = Vec::new();
    for address_match in envelope.result.address_matches {
        let position =
            answer::coordinates(address_match.coordinates.y, address_match.coordinates.x)?;
        let Components { city, state, zip } = &address_match.address_components;
        let told = Told {
            street: street(&address_match.matched_address)?,
            city: Some(city.as_str()).filter(|city| !city.is_empty()),
            state: State::parse(state),
            zip: Some(zip),
        };
        let Some((address, match_type)) = told.merge(asked) else {
            continue;
        };
        let block_geoid = block(&address_match.geographies);
        let (precision, source) = (Precision::Range, source.to_owned());
        found.push(Candidate {
            address,
            position,
            match_type,
            precision,
            block_geoid,
            source,
        });
    }
    Some(answer::distinct(found))
}

/// What is before city, state and ZIP code.
fn street(matched_address: &str) -> Option<&str> {
    let street = matched_address.rsplitn(4, ',').nth(3)?.trim();
    (!street.is_empty()).then_some(street)
}

/// The layer was called `2010 Census Blocks` and `2020 Census Blocks` and `Census Blocks`, and only
/// the latter two are of the census that the port promises.
fn block(geographies: &HashMap<String, Value>) -> Option<String> {
    let layer = geographies
        .get("2020 Census Blocks")
        .or_else(|| geographies.get("Census Blocks"))?;
    let geoid = layer.get(0)?.get("GEOID")?.as_str()?;
    (geoid.len() == 15 && geoid.bytes().all(|byte| byte.is_ascii_digit())).then(|| geoid.to_owned())
}
