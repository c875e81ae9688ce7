//! Nominatim, the geocoder of OpenStreetMap: the public one for little traffic, or one's own.
//!
//! Documentation: <https://nominatim.org/release-docs/latest/api/Search/> and `…/api/Output/`. The
//! data is © OpenStreetMap contributors under the ODbL: who shows it says so.

mod spacing;
mod wire;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use hum_core::{
    address::{Address, State},
    clock::Clock,
    geocode::{Coordinates, Geocoder, Geocoding, Reach, SourceError},
};

use super::{
    error,
    http::{Client, HttpConfig},
};
use spacing::Spacing;

const SOURCE: &str = "nominatim";
/// "No heavy uses (an absolute maximum of 1 request per second)",
/// <https://operations.osmfoundation.org/policies/nominatim/>.
const EVERY: Duration = Duration::from_secs(1);
/// Who would wait longer is told to come again, so that a rush cannot pile up.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// Asks for a street address and gets the house, or its place between two known houses, or the ZIP
/// code's middle.
///
/// Asks at most once a second, all callers together, also its own server: geocoding is never
/// urgent. What the usage policy wants besides, an identifying user agent and a cache, is in
/// [`super::assemble`].
pub struct Nominatim {
    client: Client,
    clock: Arc<dyn Clock>,
    spacing: Mutex<Spacing>,
}

impl Nominatim {
    /// That of the OpenStreetMap Foundation.
    pub const PUBLIC: &str = "https://nominatim.openstreetmap.org/";

    /// Does not connect.
    ///
    /// # Errors
    /// The URL cannot be used.
    pub fn new(config: HttpConfig, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let spacing = Mutex::new(Spacing::new(EVERY, LONGEST_WAIT));
        Ok(Self {
            client: Client::new(SOURCE, config)?,
            clock,
            spacing,
        })
    }

    /// Returns when it is this question's turn.
    async fn turn(&self) -> Result<(), SourceError> {
        let now = self.clock.monotonic();
        let wait = self
            .spacing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .reserve(now);
        let wait =
            wait.ok_or_else(|| error::unavailable(SOURCE, "too many questions are waiting"))?;
        self.clock.sleep(wait).await;
        Ok(())
    }
}

#[async_trait]
impl Geocoder for Nominatim {
    fn reach(&self) -> Reach {
        Reach::Remote
    }

    /// Coordinates that the caller gave are not looked at.
    async fn geocode(
        &self,
        address: &Address,
        _: Option<Coordinates>,
    ) -> Result<Geocoding, SourceError> {
        let mut query = vec![("street", address.street.as_str())];
        let parts = [
            ("city", address.city.as_deref()),
            ("state", address.state.map(State::as_str)),
        ];
        let parts = parts
            .into_iter()
            .chain([("postalcode", address.zip5.as_deref())]);
        query.extend(parts.filter_map(|(key, part)| Some((key, part?))));
        query.extend([
            ("countrycodes", "us"),
            ("format", "jsonv2"),
            ("addressdetails", "1"),
            ("limit", "5"),
        ]);
        self.turn().await?;
        let body = self.client.get("search", &query).await?;
        let candidates =
            wire::candidates(&body, address, SOURCE).ok_or_else(|| error::unreadable(SOURCE))?;
        Ok(Geocoding {
            candidates,
            problems: vec![],
        })
    }
}
