//! What this API answers, field by field (reference A.2, A.6), with hum's evidence beside it.

use hum_core::{
    address_session::{AddressSession, Geocoded, SessionRequest, SessionStatus},
    broadband::{CatalogueGroup, Evidence, Fee, Money, Offering, Product, Promo, Provider},
    clock::Timestamp,
};
use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};
use utoipa::ToSchema;

use crate::view::Time;

/// Every answer of this API.
#[derive(Serialize, ToSchema)]
pub(crate) struct Envelope<D, M> {
    /// What happened, for a person.
    #[schema(example = "Session created successfully.")]
    pub message: String,
    /// `ok`; `warning`: done, with issues that `meta.problems` names; `error`: not done.
    #[schema(example = "ok")]
    pub request_status: &'static str,
    /// What was asked for.
    pub data: D,
    /// About the session.
    pub meta: M,
}

/// About a session.
#[derive(Serialize, ToSchema)]
pub(crate) struct Meta<'a> {
    /// Names the session in the path of every later request. Keep it secret.
    #[schema(example = "XqCmeTVgYXrbWrZFZEymkD")]
    pub session_token: &'a str,
    /// `open`, or `closed` in the answer to a DELETE.
    #[schema(example = "open")]
    pub session_status: &'static str,
    pub agent_status: AgentStatus,
    pub session_params: SessionParams<'a>,
    /// The normal form of the address after USPS Publication 28; null until it is found.
    #[schema(example = "29090 TIFFANY DR E, SOUTHFIELD, MI 48034")]
    pub service_address: Option<String>,
    /// Where the address is and how that is known; null until it is found.
    pub location: Option<LocationView<'a>>,
    /// The addresses that may be meant, when `agent_status.geocoding` is `multiple`.
    pub candidates: Vec<String>,
    /// What went wrong on the way, each a sentence for people.
    pub problems: &'a [String],
    /// The release of the data that the providers are from.
    #[schema(example = "fcc-bdc-J25-14nov2025")]
    pub hum_data_set: Option<&'a str>,
    pub created_at: Time,
    pub updated_at: Time,
    pub responded_at: Time,
}

/// How far each agent is.
#[derive(Serialize, ToSchema)]
pub(crate) struct AgentStatus {
    /// `pending`, `matched`, `multiple` (several addresses match) or `failed`.
    #[schema(example = "matched")]
    pub geocoding: &'static str,
    /// `pending`, `matched` or `failed` (nobody is known there, or the sources failed).
    #[schema(example = "matched")]
    pub internet: &'static str,
    /// `pending`.
    #[schema(example = "pending")]
    pub checkout: &'static str,
}

/// The request, as it was sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionParams<'a> {
    street1: &'a str,
    street2: Option<&'a str>,
    city: Option<&'a str>,
    state: Option<&'a str>,
    zip: Option<&'a str>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    campaign_id: Option<&'a str>,
}

/// Where an address is, and how that is known.
#[derive(Serialize, ToSchema)]
#[schema(as = Location)]
pub(crate) struct LocationView<'a> {
    /// Degrees north, WGS 84.
    latitude: f64,
    /// Degrees east, WGS 84.
    longitude: f64,
    /// `exact`, `inexact`, `area` (only the ZIP code or city was matched) or `given` (by the
    /// caller).
    match_type: &'static str,
    /// `rooftop`, `range` (along the street) or `zip_centroid` (the middle of the ZIP code:
    /// kilometres away, perhaps).
    precision: &'static str,
    /// The 15-digit census block, where the source tells it.
    block_geoid: Option<&'a str>,
    /// Who says so.
    source: &'a str,
}

impl<'a> From<&'a SessionRequest> for SessionParams<'a> {
    fn from(request: &'a SessionRequest) -> Self {
        Self {
            street1: &request.street1,
            street2: request.street2.as_deref(),
            city: request.city.as_deref(),
            state: request.state.as_deref(),
            zip: request.zip.as_deref(),
            latitude: request.latitude,
            longitude: request.longitude,
            campaign_id: request.campaign_id.as_deref(),
        }
    }
}

impl From<&AddressSession> for AgentStatus {
    fn from(session: &AddressSession) -> Self {
        Self {
            geocoding: session.found().geocoding.as_str(),
            internet: session.found().internet.as_str(),
            checkout: "pending",
        }
    }
}

/// The name of the place that was found.
pub(crate) fn service_address(session: &AddressSession) -> Option<String> {
    session
        .found()
        .place()
        .map(|place| place.address.to_string())
}

/// The addresses that may be meant, when there are several.
pub(crate) fn candidates(session: &AddressSession) -> Vec<String> {
    match &session.found().geocoding {
        Geocoded::Multiple(places) => places
            .iter()
            .map(|place| place.address.to_string())
            .collect(),
        Geocoded::Pending | Geocoded::Matched(_) | Geocoded::Failed => Vec::new(),
    }
}

/// Where the address is, if it is known.
pub(crate) fn location(session: &AddressSession) -> Option<LocationView<'_>> {
    session.found().place().map(|place| LocationView {
        latitude: place.position.latitude,
        longitude: place.position.longitude,
        match_type: place.match_type.as_str(),
        precision: place.precision.as_str(),
        block_geoid: place.block_geoid.as_deref(),
        source: &place.source,
    })
}

impl<'a> Meta<'a> {
    /// About `session`, for whoever holds its token.
    pub fn of(session: &'a AddressSession, token: &'a str, now: Timestamp) -> Self {
        let status = if session.closed_at().is_some() {
            SessionStatus::Closed
        } else {
            SessionStatus::Open
        };
        Self {
            session_token: token,
            session_status: status.as_str(),
            agent_status: session.into(),
            session_params: (&session.request).into(),
            service_address: service_address(session),
            location: location(session),
            candidates: candidates(session),
            problems: &session.found().problems,
            hum_data_set: session.found().data_set(),
            created_at: Time(session.created_at),
            updated_at: Time(session.updated_at()),
            responded_at: Time(now),
        }
    }
}

/// The providers at an address, the best evidence first.
#[derive(Serialize, ToSchema)]
#[serde(transparent)]
pub(crate) struct Providers<'a>(Vec<ProviderView<'a>>);

impl<'a> Providers<'a> {
    /// Those that were found so far.
    pub fn of(session: &'a AddressSession) -> Self {
        Self(session.found().providers().iter().map(Into::into).collect())
    }
}

/// A provider at the address.
#[derive(Serialize, ToSchema)]
#[schema(as = Provider)]
pub(crate) struct ProviderView<'a> {
    /// A UUID; the same in every answer.
    #[schema(example = "0c970c65-7b01-5fc4-91ee-4ecb31f2acb8")]
    provider_id: &'a str,
    #[schema(example = "Example Fiber")]
    provider_name: &'a str,
    provider_icon: Option<&'a str>,
    provider_logo: Option<&'a str>,
    /// E.164.
    telephone: Option<&'a str>,
    /// Where to sign up.
    url: Option<&'a str>,
    /// Reserved: always null.
    security_token: Option<&'a str>,
    /// `direct`: the customer buys at `url`.
    #[schema(example = "direct")]
    buyflow_type: &'static str,
    /// The cheapest plan's price; null without plans.
    min_plan_price: Option<MoneyView<'a>>,
    button_label: Option<&'a str>,
    provider_promo: PromoView<'a>,
    url_promo: PromoView<'a>,
    /// What its networks can do here, the fastest first.
    offerings: Vec<OfferingView>,
    /// What it sells here; empty when nobody imported its plans.
    #[schema(value_type = Vec<CatalogueGroupView>)]
    product_catalog: Option<&'a RawValue>,
    evidence: EvidenceView<'a>,
}

/// An amount.
#[derive(Serialize, ToSchema)]
#[schema(as = Money)]
pub(crate) struct MoneyView<'a> {
    #[schema(example = 2999)]
    amount_cents: i64,
    #[schema(example = "USD")]
    currency: &'a str,
}

/// A line of advertising; empty texts when there is none.
#[derive(Serialize, ToSchema)]
#[schema(as = Promo)]
pub(crate) struct PromoView<'a> {
    promo_text: &'a str,
    promo_logo_url: &'a str,
}

/// What one network can do.
#[derive(Serialize, ToSchema)]
#[schema(as = Offering)]
pub(crate) struct OfferingView {
    /// `Fiber`, `Cable`, `DSL`, `Fixed Wireless`, `Licensed Fixed Wireless`, `Satellite` or
    /// `Other`.
    #[schema(example = "Fiber")]
    technology: &'static str,
    /// `Terrestrial` or `Satellite`.
    #[schema(example = "Terrestrial")]
    technology_category: &'static str,
    /// Advertised, Mbit/s.
    max_download_speed: u32,
    /// Advertised, Mbit/s.
    max_upload_speed: u32,
    /// Whether the round trip is 100 ms or less.
    low_latency: Option<bool>,
}

/// Products of one kind.
#[derive(Serialize, ToSchema)]
#[schema(as = CatalogueGroup)]
pub(crate) struct CatalogueGroupView<'a> {
    #[schema(example = "internet")]
    category: &'a str,
    #[schema(example = "Internet Service")]
    category_name: &'a str,
    #[schema(example = "High-speed internet access plans")]
    category_description: &'a str,
    products: Vec<ProductView<'a>>,
}

/// A plan.
#[derive(Serialize, ToSchema)]
#[schema(as = Product)]
pub(crate) struct ProductView<'a> {
    /// A UUID; the same in every answer.
    id: &'a str,
    sku: &'a str,
    name: &'a str,
    category: &'a str,
    category_name: &'a str,
    /// Lower case.
    #[schema(example = "fiber")]
    technology: &'a str,
    position: u32,
    /// `radio`: one of the group.
    #[schema(example = "radio")]
    select_type: &'a str,
    description: &'a str,
    /// Mbit/s; may be a range.
    #[schema(example = "300")]
    download_speed: &'a str,
    #[schema(example = "50-100")]
    upload_speed: &'a str,
    #[schema(example = "Unlimited")]
    data_limit: &'a str,
    channel_count: u32,
    streaming_apps: &'a [String],
    is_required_to_checkout: bool,
    is_contract_required: bool,
    is_modem_router_included: bool,
    is_bundle_qualifier: Option<bool>,
    #[schema(value_type = Object)]
    bundle_discounts: &'a Map<String, Value>,
    is_local_checkout: bool,
    required_with_plans: &'a [String],
    /// A month's price, without one-time fees.
    price: MoneyView<'a>,
    /// Whether `price` is only an introduction.
    is_introductory_price: bool,
    /// Months until the price changes; null: it does not.
    introductory_months: Option<u32>,
    /// A month's price after that.
    regular_price: Option<MoneyView<'a>>,
    /// 0: no minimum term.
    contract_months: u32,
    one_time_fees: Vec<FeeView<'a>>,
    /// On top every month.
    monthly_fees: Vec<FeeView<'a>>,
    typical_latency_ms: Option<u32>,
}

/// A named amount.
#[derive(Serialize, ToSchema)]
#[schema(as = Fee)]
pub(crate) struct FeeView<'a> {
    #[schema(example = "Activation")]
    name: &'a str,
    price: MoneyView<'a>,
}

/// Why somebody is said to serve the address.
#[derive(Serialize, ToSchema)]
#[schema(as = Evidence)]
pub(crate) struct EvidenceView<'a> {
    /// Who says so.
    #[schema(example = "FCC Broadband Data Collection")]
    source: &'a str,
    /// Which release of the data.
    #[schema(example = "J25-14nov2025")]
    vintage: &'a str,
    /// How fine the claim is: `location`, `block`, `cell` (H3 resolution 8, about 0.7 km²) or
    /// `zip`.
    #[schema(example = "cell")]
    grain: &'static str,
    /// From the address to the middle of the cell that has the claim.
    distance_m: Option<u32>,
    /// How much of the locations known in that grain it serves, 0 to 1.
    share_of_locations_served: Option<f64>,
    /// `confirmed`: all of a fine grain; `likely`: half or more; `unknown`: it may be, or not.
    #[schema(example = "likely")]
    confidence: &'static str,
}

impl<'a> From<&'a Money> for MoneyView<'a> {
    fn from(money: &'a Money) -> Self {
        Self {
            amount_cents: money.amount_cents,
            currency: &money.currency,
        }
    }
}

impl<'a> From<&'a Promo> for PromoView<'a> {
    fn from(promo: &'a Promo) -> Self {
        Self {
            promo_text: &promo.promo_text,
            promo_logo_url: &promo.promo_logo_url,
        }
    }
}

impl From<&Offering> for OfferingView {
    fn from(offering: &Offering) -> Self {
        Self {
            technology: offering.technology.as_str(),
            technology_category: offering.technology_category.as_str(),
            max_download_speed: offering.max_download_speed,
            max_upload_speed: offering.max_upload_speed,
            low_latency: offering.low_latency,
        }
    }
}

impl<'a> From<&'a CatalogueGroup> for CatalogueGroupView<'a> {
    fn from(group: &'a CatalogueGroup) -> Self {
        Self {
            category: &group.category,
            category_name: &group.category_name,
            category_description: &group.category_description,
            products: group.products.iter().map(Into::into).collect(),
        }
    }
}

impl<'a> From<&'a Product> for ProductView<'a> {
    fn from(product: &'a Product) -> Self {
        Self {
            id: &product.id,
            sku: &product.sku,
            name: &product.name,
            category: &product.category,
            category_name: &product.category_name,
            technology: &product.technology,
            position: product.position,
            select_type: &product.select_type,
            description: &product.description,
            download_speed: &product.download_speed,
            upload_speed: &product.upload_speed,
            data_limit: &product.data_limit,
            channel_count: product.channel_count,
            streaming_apps: &product.streaming_apps,
            is_required_to_checkout: product.is_required_to_checkout,
            is_contract_required: product.is_contract_required,
            is_modem_router_included: product.is_modem_router_included,
            is_bundle_qualifier: product.is_bundle_qualifier,
            bundle_discounts: &product.bundle_discounts,
            is_local_checkout: product.is_local_checkout,
            required_with_plans: &product.required_with_plans,
            price: (&product.price).into(),
            is_introductory_price: product.is_introductory_price,
            introductory_months: product.introductory_months,
            regular_price: product.regular_price.as_ref().map(Into::into),
            contract_months: product.contract_months,
            one_time_fees: product.one_time_fees.iter().map(Into::into).collect(),
            monthly_fees: product.monthly_fees.iter().map(Into::into).collect(),
            typical_latency_ms: product.typical_latency_ms,
        }
    }
}

impl<'a> From<&'a Fee> for FeeView<'a> {
    fn from(fee: &'a Fee) -> Self {
        Self {
            name: &fee.name,
            price: (&fee.price).into(),
        }
    }
}

impl<'a> From<&'a Evidence> for EvidenceView<'a> {
    fn from(evidence: &'a Evidence) -> Self {
        Self {
            source: &evidence.source,
            vintage: &evidence.vintage,
            grain: evidence.grain.as_str(),
            distance_m: evidence.distance_m,
            share_of_locations_served: evidence.share_of_locations_served,
            confidence: evidence.confidence.as_str(),
        }
    }
}

impl<'a> From<&'a Provider> for ProviderView<'a> {
    fn from(provider: &'a Provider) -> Self {
        Self {
            provider_id: &provider.provider_id,
            provider_name: &provider.provider_name,
            provider_icon: provider.provider_icon.as_deref(),
            provider_logo: provider.provider_logo.as_deref(),
            telephone: provider.telephone.as_deref(),
            url: provider.url.as_deref(),
            security_token: None,
            buyflow_type: "direct",
            min_plan_price: provider.min_plan_price.as_ref().map(Into::into),
            button_label: provider.button_label.as_deref(),
            provider_promo: (&provider.provider_promo).into(),
            url_promo: (&provider.url_promo).into(),
            offerings: provider.offerings.iter().map(Into::into).collect(),
            product_catalog: provider.product_catalog.shown(|groups| {
                groups
                    .iter()
                    .map(CatalogueGroupView::from)
                    .collect::<Vec<_>>()
            }),
            evidence: (&provider.evidence).into(),
        }
    }
}
