//! The port that places an address on the map.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    address::Address,
    kernel::named::{named, named_serde},
};

/// Finds where an address is. Only reads; safe to repeat.
#[async_trait]
pub trait Geocoder: Send + Sync {
    /// Whether an answer takes microseconds or a network. Remote geocoders are asked in jobs only.
    fn reach(&self) -> Reach;

    /// Places `address`; city, state or ZIP may be missing and are completed in the candidates.
    /// `given` is where the caller says that it is: to be used as the position when it agrees with
    /// the ZIP code.
    ///
    /// No match is an empty list of candidates, not an error.
    ///
    /// # Errors
    /// [`SourceError`]: whether asking again may help. Asking has no effect on anybody.
    async fn geocode(
        &self,
        address: &Address,
        given: Option<Coordinates>,
    ) -> Result<Geocoding, SourceError>;
}

/// A geocoder that is shared is a geocoder.
#[async_trait]
impl<T: Geocoder + ?Sized> Geocoder for Arc<T> {
    fn reach(&self) -> Reach {
        (**self).reach()
    }

    async fn geocode(
        &self,
        address: &Address,
        given: Option<Coordinates>,
    ) -> Result<Geocoding, SourceError> {
        (**self).geocode(address, given).await
    }
}

/// How far away a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// On this machine: microseconds, no waiting. May be asked while a request is answered.
    Local,
    /// Over a network: asked in jobs.
    Remote,
}

/// What a geocoder found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Geocoding {
    /// Where the address may be, the best first. One: matched. More: the address is ambiguous.
    /// None: no match.
    pub candidates: Vec<Candidate>,
    /// What went wrong although there is an answer, each a sentence for people: a source failed,
    /// coordinates disagreed.
    pub problems: Vec<String>,
}

/// A place that an address may mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The address, completed as far as the source knows.
    pub address: Address,
    /// Where.
    pub position: Coordinates,
    /// How the source matched it.
    pub match_type: MatchType,
    /// How precise `position` is.
    pub precision: Precision,
    /// The 15-digit census block (2020), where the source tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_geoid: Option<String>,
    /// Who says so: `zip-table`, `census`, `nominatim`, `caller`.
    pub source: String,
}

/// WGS 84, degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Coordinates {
    /// -90 to 90.
    pub latitude: f64,
    /// -180 to 180.
    pub longitude: f64,
}

impl Coordinates {
    /// Great-circle distance in metres, on a sphere of the mean radius of the earth.
    pub fn distance_m(self, other: Self) -> f64 {
        const RADIUS_M: f64 = 6_371_008.8;
        let (lat1, lat2) = (self.latitude.to_radians(), other.latitude.to_radians());
        let half_lat = ((lat2 - lat1) / 2.0).sin();
        let half_lng = ((other.longitude - self.longitude).to_radians() / 2.0).sin();
        let a = half_lat * half_lat + lat1.cos() * lat2.cos() * half_lng * half_lng;
        2.0 * RADIUS_M * a.sqrt().min(1.0).asin()
    }
}

named! {
    /// How an address was matched.
    pub enum MatchType {
        /// The source knows this address.
        Exact = "exact",
        /// The source knows an address much like it.
        Inexact = "inexact",
        /// Only the ZIP code or the city was matched.
        Area = "area",
        /// The caller gave the coordinates.
        Given = "given",
    }
}

named! {
    /// How precise a position is, the best first.
    pub enum Precision {
        /// The building.
        Rooftop = "rooftop",
        /// Interpolated along the street: within a block or so.
        Range = "range",
        /// The middle of the ZIP code: kilometres away, perhaps.
        ZipCentroid = "zip_centroid",
    }
}

named_serde!(MatchType);
named_serde!(Precision);

impl SourceError {
    /// Whether the same question may be answered later.
    pub fn is_worth_asking_again(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

/// A source of facts could not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// No connection, a time-out, an overload. Worth asking again.
    #[error("{source_name} is unavailable: {detail}")]
    Unavailable {
        /// Which source.
        source_name: String,
        /// Why, for people.
        detail: String,
    },
    /// It will not answer this, or answers what makes no sense. Not worth asking again.
    #[error("{source_name} does not answer: {detail}")]
    Refused {
        /// Which source.
        source_name: String,
        /// Why, for people.
        detail: String,
    },
}
