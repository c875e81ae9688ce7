//! Internet providers and plans at a place, and how far to believe it.

mod product_catalog;
mod provider;

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    geocode::{Candidate, Coordinates, Precision, Reach, SourceError},
    kernel::clock::Timestamp,
};

pub use product_catalog::ProductCatalog;
pub use provider::{
    CatalogueGroup, Confidence, Evidence, Fee, Grain, Money, Offering, Product, Promo, Provider,
    Technology, TechnologyCategory,
};

/// Knows who offers internet at a place. Only reads; safe to repeat.
#[async_trait]
pub trait BroadbandMap: Send + Sync {
    /// Whether an answer takes microseconds or a network. Remote maps are asked in jobs only.
    fn reach(&self) -> Reach;

    /// Names the release of the data that `providers_at` answers from now, such as
    /// `fcc-bdc-J25-14nov2025`; changes when other data is in place. Answers that were kept under
    /// another name are not used again.
    fn data_set(&self) -> String;

    /// Who offers internet at `place`, the best evidence and then the fastest first, with the plans
    /// that are in effect at `at`. Nobody is an empty list, not an error.
    ///
    /// # Errors
    /// [`SourceError`]: whether asking again may help. Asking has no effect on anybody.
    async fn providers_at(&self, place: &Place, at: Timestamp) -> Result<Coverage, SourceError>;
}

/// A map that is shared is a map.
#[async_trait]
impl<T: BroadbandMap + ?Sized> BroadbandMap for Arc<T> {
    fn reach(&self) -> Reach {
        (**self).reach()
    }

    fn data_set(&self) -> String {
        (**self).data_set()
    }

    async fn providers_at(&self, place: &Place, at: Timestamp) -> Result<Coverage, SourceError> {
        (**self).providers_at(place, at).await
    }
}

/// Where somebody asks for internet.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Where.
    pub position: Coordinates,
    /// How precise that is. The middle of a ZIP code proves nothing about an address in it.
    pub precision: Precision,
    /// The 15-digit census block, where it is known.
    pub block_geoid: Option<String>,
    /// The ZIP code, where it is known.
    pub zip5: Option<String>,
}

/// Where a geocoder put an address.
impl From<&Candidate> for Place {
    fn from(candidate: &Candidate) -> Self {
        Self {
            position: candidate.position,
            precision: candidate.precision,
            block_geoid: candidate.block_geoid.clone(),
            zip5: candidate.address.zip5.clone(),
        }
    }
}

/// What a map says about a place.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// The release of the data that the answer is from.
    pub data_set: String,
    /// Who offers internet there.
    pub providers: Vec<Provider>,
    /// What went wrong although there is an answer, each a sentence for people.
    pub problems: Vec<String>,
}
