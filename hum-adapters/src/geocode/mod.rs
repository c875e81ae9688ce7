//! Where an address is: from a table of ZIP codes without a network, from the US Census Bureau,
//! from OpenStreetMap.
//!
//! [`assemble`] puts them together: the remote one is asked first; where it fails or knows
//! nothing, the middle of the ZIP code is the answer.

mod answer;
mod census;
mod chain;
mod error;
mod http;
mod nominatim;
mod zip_table;

use std::{sync::Arc, time::Duration};

use hum_core::{clock::Clock, geocode::Geocoder};

pub use census::Census;
pub use chain::Chain;
pub use http::HttpConfig;
pub use nominatim::Nominatim;
pub use zip_table::ZipTable;

/// Which geocoder, as somebody configures it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who is asked first.
    pub source: Source,
    /// Where, instead of the public service.
    pub base_url: Option<String>,
    /// Who asks, as the service sees it: an application and how to reach its operator. Needed for
    /// the public Nominatim.
    pub user_agent: Option<String>,
    /// How long one answer may take.
    pub timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            source: Source::Offline,
            base_url: None,
            user_agent: None,
            timeout: HttpConfig::TIMEOUT,
        }
    }
}

/// Who is asked first. The table of ZIP codes is always asked last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Nobody else: no address leaves this machine.
    Offline,
    /// The geocoder of the US Census Bureau.
    Census,
    /// A Nominatim server, by default that of the OpenStreetMap Foundation.
    Nominatim,
}

/// The geocoder of a server.
///
/// # Errors
/// A sentence about the setting that cannot be used.
pub fn assemble(settings: Settings, clock: Arc<dyn Clock>) -> Result<Arc<dyn Geocoder>, String> {
    let Settings {
        source,
        base_url,
        user_agent,
        timeout,
    } = settings;
    let config = |public: &str| HttpConfig {
        base_url: base_url.unwrap_or_else(|| public.into()),
        user_agent: user_agent
            .clone()
            .unwrap_or_else(|| HttpConfig::USER_AGENT.into()),
        timeout,
    };
    let remote: Arc<dyn Geocoder> = match source {
        Source::Offline => return Ok(Arc::new(ZipTable)),
        Source::Census => Arc::new(Census::new(config(Census::PUBLIC))?),
        Source::Nominatim => {
            let config = config(Nominatim::PUBLIC);
            if config.base_url == Nominatim::PUBLIC && user_agent.is_none() {
                // https://operations.osmfoundation.org/policies/nominatim/
                return Err(
                    "the public Nominatim wants a user agent that names you and how to reach you"
                        .into(),
                );
            }
            Arc::new(Nominatim::new(config, clock)?)
        }
    };
    Ok(Arc::new(Chain::new(vec![remote, Arc::new(ZipTable)])))
}
