use serde::{Deserialize, Serialize};

use crate::kernel::named::{named, named_serde};

use super::ProductCatalog;

/// A provider at a place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provider {
    /// A UUID made from the name of the provider in the data (version 5), so that it is the same in
    /// every answer.
    pub provider_id: String,
    /// The brand, as people know it.
    pub provider_name: String,
    /// A small picture's URL.
    pub provider_icon: Option<String>,
    /// A logo's URL.
    pub provider_logo: Option<String>,
    /// E.164.
    pub telephone: Option<String>,
    /// Where to sign up.
    pub url: Option<String>,
    /// The price of the cheapest plan in the catalogue.
    pub min_plan_price: Option<Money>,
    /// What a button to `url` says.
    pub button_label: Option<String>,
    /// A promotion of the provider.
    pub provider_promo: Promo,
    /// A promotion of the link.
    pub url_promo: Promo,
    /// What its networks can do here, the fastest first.
    pub offerings: Vec<Offering>,
    /// What it sells here; empty when nobody imported its plans.
    pub product_catalog: ProductCatalog,
    /// Why we say that it is here.
    pub evidence: Evidence,
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Money {
    /// In hundredths of the currency's unit.
    pub amount_cents: i64,
    /// ISO 4217, `USD`.
    pub currency: String,
}

/// A line of advertising; empty texts when there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promo {
    /// Such as `Get started for $50/mo for 12 months`.
    pub promo_text: String,
    /// A picture's URL.
    pub promo_logo_url: String,
}

/// What one network of a provider can do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offering {
    /// Over what.
    pub technology: Technology,
    /// On the ground or in orbit.
    pub technology_category: TechnologyCategory,
    /// Advertised, Mbit/s.
    pub max_download_speed: u32,
    /// Advertised, Mbit/s.
    pub max_upload_speed: u32,
    /// Whether the round trip is 100 ms or less (FCC BDC, `low_latency`).
    pub low_latency: Option<bool>,
}

named! {
    /// Over what internet comes; FCC BDC technology codes in the comments.
    pub enum Technology {
        /// 50.
        Fiber = "Fiber",
        /// 40.
        Cable = "Cable",
        /// 10: copper.
        Dsl = "DSL",
        /// 70: unlicensed spectrum.
        FixedWireless = "Fixed Wireless",
        /// 71 and 72: licensed spectrum, also licensed by rule.
        LicensedFixedWireless = "Licensed Fixed Wireless",
        /// 60 and 61.
        Satellite = "Satellite",
        /// 0.
        Other = "Other",
    }
}
named_serde!(Technology);

named! {
    /// On the ground or in orbit.
    pub enum TechnologyCategory {
        /// Wires and masts.
        Terrestrial = "Terrestrial",
        /// Satellites.
        Satellite = "Satellite",
    }
}
named_serde!(TechnologyCategory);

impl Technology {
    /// On the ground or in orbit.
    pub fn category(self) -> TechnologyCategory {
        match self {
            Self::Satellite => TechnologyCategory::Satellite,
            Self::Fiber
            | Self::Cable
            | Self::Dsl
            | Self::FixedWireless
            | Self::LicensedFixedWireless
            | Self::Other => TechnologyCategory::Terrestrial,
        }
    }
}

/// Products of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CatalogueGroup {
    /// `internet`.
    pub category: String,
    /// `Internet Service`.
    pub category_name: String,
    /// `High-speed internet access plans`.
    pub category_description: String,
    /// By position, then price.
    pub products: Vec<Product>,
}

/// A plan. Fields and their shapes are those of the reference (part A.6); prices, terms and fees
/// are hum's own, because the reference does not show them. What is not said is left out of the
/// stored form: sessions store many of these.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Product {
    /// A UUID made from provider and sku (version 5).
    pub id: String,
    /// The importer's name for the plan.
    pub sku: String,
    /// As people see it.
    pub name: String,
    /// `internet`.
    pub category: String,
    /// `Internet Service`.
    pub category_name: String,
    /// Lower case: `cable`.
    pub technology: String,
    /// Order of display.
    pub position: u32,
    /// `radio`: one of the group.
    pub select_type: String,
    /// Free text.
    pub description: String,
    /// Mbit/s; may be a range such as `50-100`.
    pub download_speed: String,
    /// Mbit/s; may be a range.
    pub upload_speed: String,
    /// `Unlimited`, or such as `1200 GB`.
    pub data_limit: String,
    /// Television channels: 0.
    #[serde(default, skip_serializing_if = "is_default")]
    pub channel_count: u32,
    /// Streaming services that come with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub streaming_apps: Vec<String>,
    /// Whether a checkout needs one of these.
    #[serde(default, skip_serializing_if = "is_default")]
    pub is_required_to_checkout: bool,
    /// Whether there is a minimum term.
    #[serde(default, skip_serializing_if = "is_default")]
    pub is_contract_required: bool,
    /// Whether the router is included.
    #[serde(default, skip_serializing_if = "is_default")]
    pub is_modem_router_included: bool,
    /// Whether it counts for bundles; `None`: not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_bundle_qualifier: Option<bool>,
    /// Discounts by bundle.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub bundle_discounts: serde_json::Map<String, serde_json::Value>,
    /// Whether hum sells it itself: no.
    #[serde(default, skip_serializing_if = "is_default")]
    pub is_local_checkout: bool,
    /// Plans that it must be bought with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required_with_plans: Vec<String>,
    /// A month's price, without one-time fees.
    pub price: Money,
    /// Whether `price` is only an introduction.
    #[serde(default, skip_serializing_if = "is_default")]
    pub is_introductory_price: bool,
    /// Months until the price changes; `None`: it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introductory_months: Option<u32>,
    /// A month's price after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regular_price: Option<Money>,
    /// Months that the contract lasts; 0: none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub contract_months: u32,
    /// One-time fees, such as activation and installation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub one_time_fees: Vec<Fee>,
    /// What comes on top every month, such as equipment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monthly_fees: Vec<Fee>,
    /// Milliseconds, as the label says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typical_latency_ms: Option<u32>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A named amount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fee {
    /// Such as `Activation`.
    pub name: String,
    /// How much.
    pub price: Money,
}

/// Why somebody is said to serve a place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Who says so, such as `FCC Broadband Data Collection`.
    pub source: String,
    /// The release, such as `J25-14nov2025`.
    pub vintage: String,
    /// How fine the claim is.
    pub grain: Grain,
    /// From the place asked for to the middle of the cell that has the claim, metres.
    pub distance_m: Option<u32>,
    /// How much of the locations known in that grain the provider serves, 0 to 1.
    pub share_of_locations_served: Option<f64>,
    /// What that makes of it.
    pub confidence: Confidence,
}

named! {
    /// How fine a claim is, the finest first.
    pub enum Grain {
        /// This building.
        Location = "location",
        /// Its census block.
        Block = "block",
        /// Its H3 cell of resolution 8, about 0.7 km².
        Cell = "cell",
        /// Somewhere in its ZIP code.
        Zip = "zip",
    }
}
named_serde!(Grain);

named! {
    /// How far to believe it, the best first.
    pub enum Confidence {
        /// Every location of a fine grain around the place is served.
        Confirmed = "confirmed",
        /// Half or more of them are.
        Likely = "likely",
        /// It may be, or not.
        Unknown = "unknown",
    }
}
named_serde!(Confidence);
