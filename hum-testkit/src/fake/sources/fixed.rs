use std::collections::BTreeMap;

use async_trait::async_trait;
use hum_core::{
    address::Address,
    broadband::{
        BroadbandMap, CatalogueGroup, Confidence, Coverage, Evidence, Grain, Money, Offering,
        Place, Product, Promo, Provider, Technology,
    },
    clock::Timestamp,
    geocode::{
        Candidate, Coordinates, Geocoder, Geocoding, MatchType, Precision, Reach, SourceError,
    },
};
use sha2::{Digest as _, Sha256};

/// A geocoder that places every address somewhere in the United States, always at the same spot,
/// unless it is told otherwise.
#[derive(Debug, Clone)]
pub struct FixedGeocoder {
    reach: Reach,
    told: BTreeMap<String, Result<Geocoding, SourceError>>,
}

impl Default for FixedGeocoder {
    fn default() -> Self {
        Self {
            reach: Reach::Local,
            told: BTreeMap::new(),
        }
    }
}

impl FixedGeocoder {
    /// As if it were far away: asked in jobs only. It still answers at once.
    pub fn remote(self) -> Self {
        Self {
            reach: Reach::Remote,
            ..self
        }
    }

    /// What to answer about the normal form of an address whose street is this, such as
    /// `123 MAIN ST`.
    pub fn answer(mut self, street: &str, geocoding: Geocoding) -> Self {
        self.told.insert(street.into(), Ok(geocoding));
        self
    }

    /// How to fail about the normal form of an address whose street is this.
    pub fn fail(mut self, street: &str, error: SourceError) -> Self {
        self.told.insert(street.into(), Err(error));
        self
    }
}

#[async_trait]
impl Geocoder for FixedGeocoder {
    fn reach(&self) -> Reach {
        self.reach
    }

    async fn geocode(
        &self,
        address: &Address,
        given: Option<Coordinates>,
    ) -> Result<Geocoding, SourceError> {
        match self.told.get(&address.street) {
            Some(told) => told.clone(),
            None => Ok(Geocoding {
                candidates: vec![candidate(address, given)],
                problems: Vec::new(),
            }),
        }
    }
}

/// A map on which one provider serves every place, unless it is told otherwise.
#[derive(Debug, Clone)]
pub struct FixedBroadbandMap {
    reach: Reach,
    data_set: String,
    providers: Result<Vec<Provider>, SourceError>,
}

impl Default for FixedBroadbandMap {
    fn default() -> Self {
        Self {
            reach: Reach::Local,
            data_set: "fixed-1".into(),
            providers: Ok(vec![provider("Example Fiber", 1_000)]),
        }
    }
}

impl FixedBroadbandMap {
    /// As if it were far away: asked in jobs only. It still answers at once.
    pub fn remote(self) -> Self {
        Self {
            reach: Reach::Remote,
            ..self
        }
    }

    /// Who serves every place; nobody, when it is empty.
    pub fn providers(self, providers: Vec<Provider>) -> Self {
        Self {
            providers: Ok(providers),
            ..self
        }
    }

    /// How to fail about every place.
    pub fn fail(self, error: SourceError) -> Self {
        Self {
            providers: Err(error),
            ..self
        }
    }

    /// The name of the data.
    pub fn data_set(self, name: &str) -> Self {
        Self {
            data_set: name.into(),
            ..self
        }
    }
}

#[async_trait]
impl BroadbandMap for FixedBroadbandMap {
    fn reach(&self) -> Reach {
        self.reach
    }

    fn data_set(&self) -> String {
        self.data_set.clone()
    }

    async fn providers_at(&self, _: &Place, _: Timestamp) -> Result<Coverage, SourceError> {
        let providers = self.providers.clone()?;
        Ok(Coverage {
            data_set: self.data_set.clone(),
            providers,
            problems: Vec::new(),
        })
    }
}

/// The one place that an address means: where the caller says, or at a spot that follows from the
/// address.
pub fn candidate(address: &Address, given: Option<Coordinates>) -> Candidate {
    let drawn = digest(&address.to_string());
    let spot = Coordinates {
        latitude: 30.0 + f64::from(drawn[0]) / 16.0 + f64::from(drawn[1]) / 4_096.0,
        longitude: -120.0 + f64::from(drawn[2]) / 8.0 + f64::from(drawn[3]) / 2_048.0,
    };
    Candidate {
        address: address.clone(),
        position: given.unwrap_or(spot),
        match_type: if given.is_some() {
            MatchType::Given
        } else {
            MatchType::Exact
        },
        precision: Precision::Rooftop,
        block_geoid: None,
        source: "fixed".into(),
    }
}

/// A provider of fiber with one plan.
pub fn provider(name: &str, mbps: u32) -> Provider {
    let dollars = |amount: i64| Money {
        amount_cents: amount * 100,
        currency: "USD".into(),
    };
    let plan = Product {
        id: uuid(&format!("{name}|{mbps}")),
        sku: format!("fiber-{mbps}"),
        name: format!("{mbps} Mbps"),
        category: "internet".into(),
        category_name: "Internet Service".into(),
        technology: "fiber".into(),
        position: 1,
        select_type: "radio".into(),
        description: String::new(),
        download_speed: mbps.to_string(),
        upload_speed: mbps.to_string(),
        data_limit: "Unlimited".into(),
        channel_count: 0,
        streaming_apps: Vec::new(),
        is_required_to_checkout: true,
        is_contract_required: false,
        is_modem_router_included: true,
        is_bundle_qualifier: None,
        bundle_discounts: serde_json::Map::new(),
        is_local_checkout: false,
        required_with_plans: Vec::new(),
        price: dollars(50),
        is_introductory_price: true,
        introductory_months: Some(12),
        regular_price: Some(dollars(70)),
        contract_months: 0,
        one_time_fees: Vec::new(),
        monthly_fees: Vec::new(),
        typical_latency_ms: Some(12),
    };
    Provider {
        provider_id: uuid(name),
        provider_name: name.into(),
        provider_icon: None,
        provider_logo: None,
        telephone: Some("+15555550100".into()),
        url: Some("https://provider.example.test".into()),
        min_plan_price: Some(plan.price.clone()),
        button_label: None,
        provider_promo: Promo::default(),
        url_promo: Promo::default(),
        offerings: vec![Offering {
            technology: Technology::Fiber,
            technology_category: Technology::Fiber.category(),
            max_download_speed: mbps,
            max_upload_speed: mbps,
            low_latency: Some(true),
        }],
        product_catalog: vec![CatalogueGroup {
            category: "internet".into(),
            category_name: "Internet Service".into(),
            category_description: "High-speed internet access plans".into(),
            products: vec![plan],
        }]
        .into(),
        evidence: Evidence {
            source: "a fixed map".into(),
            vintage: "1".into(),
            grain: Grain::Cell,
            distance_m: Some(120),
            share_of_locations_served: Some(1.0),
            confidence: Confidence::Confirmed,
        },
    }
}

/// Chance that follows from a text.
pub(super) fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// A text shaped like a UUID that follows from `text`.
fn uuid(text: &str) -> String {
    let hex: String = digest(text)[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!(
        "{}-{}-5{}-8{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[13..16],
        &hex[17..20],
        &hex[20..]
    )
}
