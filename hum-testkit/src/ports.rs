//! Everything a process reaches outside of itself, each port shared, so that one adapter can be put
//! around another.

use std::sync::Arc;

use hum_core::{
    Hum, HumBuilder, Storage,
    broadband::BroadbandMap,
    cipher::Cipher,
    clock::Clock,
    egress::Egress,
    entropy::Entropy,
    geocode::Geocoder,
    language_model::LanguageModel,
    live_bus::LiveBus,
    telephony::{CarrierWebhooks, Texting},
};

/// The ports of one process.
#[derive(Clone)]
pub struct Ports {
    /// Memory, and the queue in it.
    pub storage: Arc<dyn Storage>,
    /// Reads the carrier's webhooks.
    pub carrier_webhooks: Arc<dyn CarrierWebhooks>,
    /// Sends texts.
    pub texting: Arc<dyn Texting>,
    /// The language model.
    pub language_model: Arc<dyn LanguageModel>,
    /// Calls to customers' addresses.
    pub egress: Arc<dyn Egress>,
    /// Encryption at rest.
    pub cipher: Arc<dyn Cipher>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// Wake-ups.
    pub live_bus: Arc<dyn LiveBus>,
    /// Places addresses on the map.
    pub geocoder: Arc<dyn Geocoder>,
    /// Knows who offers internet where.
    pub broadband_map: Arc<dyn BroadbandMap>,
}

/// Every port is given; the settings are not.
impl From<Ports> for HumBuilder {
    fn from(ports: Ports) -> Self {
        Hum::builder()
            .shared_storage(ports.storage)
            .shared_carrier_webhooks(ports.carrier_webhooks)
            .shared_texting(ports.texting)
            .shared_language_model(ports.language_model)
            .shared_egress(ports.egress)
            .shared_cipher(ports.cipher)
            .shared_clock(ports.clock)
            .shared_entropy(ports.entropy)
            .shared_live_bus(ports.live_bus)
            .shared_geocoder(ports.geocoder)
            .shared_broadband_map(ports.broadband_map)
    }
}
