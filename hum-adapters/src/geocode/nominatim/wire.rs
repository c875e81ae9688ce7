//! The answer of Nominatim in the format `jsonv2`. What hum does not use is not read.

use hum_core::{
    address::{Address, State},
    geocode::{Candidate, MatchType, Precision},
};
use serde::Deserialize;

use crate::geocode::answer::{self, Told};

#[derive(Deserialize)]
struct Place {
    /// Degrees, as text.
    lat: String,
    lon: String,
    /// `node`, `way` or `relation`; nothing for a ZIP code that was put together from its
    /// addresses.
    #[serde(default)]
    osm_type: Option<String>,
    /// The key of the main tag: `building`, `place`, `highway`.
    #[serde(default)]
    category: String,
    /// Its value: `yes`, `house`, `postcode`, `residential`.
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    address: Details,
}

#[derive(Default, Deserialize)]
struct Details {
    house_number: Option<String>,
    road: Option<String>,
    city: Option<String>,
    town: Option<String>,
    village: Option<String>,
    hamlet: Option<String>,
    municipality: Option<String>,
    /// `US-MI`.
    #[serde(rename = "ISO3166-2-lvl4")]
    subdivision: Option<String>,
    postcode: Option<String>,
}

/// The matches, the most precise only: a house and the ZIP code around it are not two answers.
/// `None`: not an answer of this service.
pub(super) fn candidates(body: &[u8], asked: &Address, source: &str) -> Option<Vec<Candidate>> {
    let places: Vec<Place> = serde_json::from_slice(body).ok()?;
    let mut found = Vec::new();
    for place in places {
        let position = answer::coordinates(place.lat.parse().ok()?, place.lon.parse().ok()?)?;
        let Some(precision) = precision(&place, asked) else {
            continue;
        };
        let Some((address, match_type)) = address(&place.address, precision, asked) else {
            continue;
        };
        let source = source.to_owned();
        found.push(Candidate {
            address,
            position,
            match_type,
            precision,
            block_geoid: None,
            source,
        });
    }
    // Precisions are in order, the best first.
    let best = found.iter().map(|candidate| candidate.precision).min();
    found.retain(|candidate| Some(candidate.precision) == best);
    Some(answer::distinct(found))
}

/// `None`: not a match but something near it, such as the street without the house or the house
/// next door.
fn precision(place: &Place, asked: &Address) -> Option<Precision> {
    if place.r#type == "postcode" || place.category == "boundary" && place.r#type == "postal_code" {
        return asked.zip5.is_some().then_some(Precision::ZipCentroid);
    }
    let numbers = place.address.house_number.as_deref()?;
    let asked = asked.street.split(' ').next()?;
    // A building may have several numbers: `12;14`.
    if !numbers
        .split([';', ','])
        .any(|number| number.trim().eq_ignore_ascii_case(asked))
    {
        return None;
    }
    // A house that is a way of its own is a building. A `place=house` of a way is calculated along
    // it, between known houses or along a TIGER range
    // (https://github.com/osm-search/Nominatim/issues/2804).
    let calculated = place.category == "place"
        && place.r#type == "house"
        && place.osm_type.as_deref() != Some("node");
    Some(if calculated {
        Precision::Range
    } else {
        Precision::Rooftop
    })
}

fn address(
    details: &Details,
    precision: Precision,
    asked: &Address,
) -> Option<(Address, MatchType)> {
    let number = asked.street.split(' ').next().unwrap_or_default();
    let street = match (precision, &details.road) {
        (Precision::Rooftop | Precision::Range, Some(road)) => format!("{number} {road}"),
        (Precision::Rooftop | Precision::Range, None) | (Precision::ZipCentroid, _) => {
            asked.street.clone()
        }
    };
    let Details {
        city,
        town,
        village,
        hamlet,
        municipality,
        ..
    } = details;
    let city = [city, town, village, hamlet, municipality]
        .into_iter()
        .flatten()
        .next();
    let state = details
        .subdivision
        .as_deref()
        .and_then(|code| State::parse(code.strip_prefix("US-")?));
    let told = Told {
        street: &street,
        city: city.map(String::as_str),
        state,
        zip: details.postcode.as_deref(),
    };
    let (address, match_type) = told.merge(asked)?;
    match precision {
        // Another ZIP code than the one asked for is nothing.
        Precision::ZipCentroid if address.zip5 != asked.zip5 => None,
        Precision::ZipCentroid => Some((address, MatchType::Area)),
        Precision::Rooftop | Precision::Range => Some((address, match_type)),
    }
}
