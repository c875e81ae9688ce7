//! The geocoder of the US Census Bureau: free, without a key, for the United States and Puerto
//! Rico.
//!
//! Documentation: <https://geocoding.geo.census.gov/geocoder/Geocoding_Services_API.html>.

mod wire;

use async_trait::async_trait;
use hum_core::{
    address::{Address, State},
    geocode::{Coordinates, Geocoder, Geocoding, Reach, SourceError},
};

use super::{
    error,
    http::{Client, HttpConfig},
};

const SOURCE: &str = "census";

/// Asks for a street address and gets the position along its address range with its census block.
///
/// "The resulting lat/long is calculated along an address range": never the building, so every
/// match is a range.
pub struct Census {
    client: Client,
}

impl Census {
    /// Where the Bureau's own is.
    pub const PUBLIC: &str = "https://geocoding.geo.census.gov/geocoder/";

    /// Does not connect.
    ///
    /// # Errors
    /// The URL cannot be used.
    pub fn new(config: HttpConfig) -> Result<Self, String> {
        Ok(Self {
            client: Client::new(SOURCE, config)?,
        })
    }
}

#[async_trait]
impl Geocoder for Census {
    fn reach(&self) -> Reach {
        Reach::Remote
    }

    /// Coordinates that the caller gave are not looked at.
    async fn geocode(
        &self,
        address: &Address,
        _: Option<Coordinates>,
    ) -> Result<Geocoding, SourceError> {
        // "At a minimum, street and ZIP code, or street, city and state": anything less is answered
        // with 400.
        if address.zip5.is_none() && (address.city.is_none() || address.state.is_none()) {
            return Ok(Geocoding::default());
        }
        let mut query = vec![("street", address.street.as_str())];
        let parts = [
            ("city", address.city.as_deref()),
            ("state", address.state.map(State::as_str)),
        ];
        query.extend(
            parts
                .into_iter()
                .chain([("zip", address.zip5.as_deref())])
                .filter_map(|(key, part)| Some((key, part?))),
        );
        // Blocks are those of 2020 in every vintage until 2030.
        query.extend([
            ("benchmark", "Public_AR_Current"),
            ("vintage", "Current_Current"),
            ("format", "json"),
        ]);
        let body = self.client.get("geographies/address", &query).await?;
        let candidates =
            wire::candidates(&body, address, SOURCE).ok_or_else(|| error::unreadable(SOURCE))?;
        Ok(Geocoding {
            candidates,
            problems: vec![],
        })
    }
}
