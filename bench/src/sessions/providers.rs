//! Invented providers and their plans: in the columns of `hum import plans` for hum, as answers
//! have them for the peers.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};

/// A network of a provider.
pub struct Network {
    /// The FCC's code.
    pub code: u8,
    pub download: u32,
    pub upload: u32,
    /// How many of the ten locations of a ZIP code it reaches.
    pub reach: usize,
}

pub struct Provider {
    pub id: u32,
    pub brand: String,
    pub networks: Vec<Network>,
    plans: Vec<Plan>,
}

struct Plan {
    technology: &'static str,
    name: &'static str,
    download: u32,
    upload: u32,
    cents: i64,
    /// Months of an introductory price, and the price after that.
    introduction: Option<(u32, i64)>,
    fees: &'static [(&'static str, i64)],
}

const DESCRIPTION: &str = "Unlimited data at home. Prices include autopay; taxes are extra. Speeds are those that are advertised.";
const INSTALLATION: &[(&str, i64)] = &[("Activation", 3_500), ("Installation", 9_900)];
const ROUTER: &[(&str, i64)] = &[("Router", 1_000)];

impl Provider {
    pub fn frn(&self) -> u32 {
        7_000_000 + self.id
    }

    fn new(id: u32, brand: String, networks: &[(u8, u32, u32, usize)], plans: Vec<Plan>) -> Self {
        let network = |&(code, download, upload, reach): &(u8, u32, u32, usize)| Network {
            code,
            download,
            upload,
            reach,
        };
        Self {
            id,
            brand,
            networks: networks.iter().map(network).collect(),
            plans,
        }
    }

    fn sku(&self, number: usize) -> String {
        format!("{}-INT-{:02}", self.id, number + 1)
    }
}

/// Satellites everywhere; a cable, a telephone and a wireless company in each region.
pub struct Providers {
    satellite: Provider,
    cable: Vec<Provider>,
    telephone: Vec<Provider>,
    wireless: Vec<Provider>,
}

impl Providers {
    pub fn invent() -> Self {
        let plan = |technology, name, (download, upload), cents, introduction, fees| Plan {
            technology,
            name,
            download,
            upload,
            cents,
            introduction,
            fees,
        };
        let orbit = vec![plan(
            "satellite",
            "Orbit Home",
            (250, 25),
            12_000,
            None,
            INSTALLATION,
        )];
        let region = |first: u32,
                      kind: &str,
                      networks: &[(u8, u32, u32, usize)],
                      plans: &dyn Fn() -> Vec<Plan>| {
            (0..12)
                .map(|region| {
                    Provider::new(
                        first + region,
                        format!("Example {kind} {region}"),
                        networks,
                        plans(),
                    )
                })
                .collect()
        };
        Self {
            satellite: Provider::new(130_001, "Example Orbit".into(), &[(61, 250, 25, 10)], orbit),
            cable: region(130_100, "Cable", &[(40, 1_200, 40, 9)], &|| {
                vec![
                    plan(
                        "cable",
                        "Internet Advantage",
                        (300, 20),
                        4_999,
                        Some((12, 7_999)),
                        ROUTER,
                    ),
                    plan(
                        "cable",
                        "Internet Gig",
                        (1_200, 40),
                        7_999,
                        Some((24, 10_999)),
                        ROUTER,
                    ),
                ]
            }),
            telephone: region(
                130_200,
                "Bell",
                &[(10, 100, 20, 8), (50, 2_000, 2_000, 5)],
                &|| {
                    vec![
                        plan("dsl", "Basic Line", (100, 20), 5_500, None, INSTALLATION),
                        plan(
                            "fiber",
                            "Fiber 1 Gig",
                            (1_000, 1_000),
                            6_999,
                            None,
                            INSTALLATION,
                        ),
                    ]
                },
            ),
            wireless: region(130_300, "Wireless", &[(71, 300, 30, 6)], &|| {
                vec![plan(
                    "licensed fixed wireless",
                    "Home Air",
                    (300, 30),
                    5_000,
                    None,
                    &[],
                )]
            }),
        }
    }

    /// Those of a region, whatever its number.
    pub fn around(&self, region: usize) -> [&Provider; 4] {
        [
            &self.satellite,
            &self.cable[region % self.cable.len()],
            &self.telephone[region % self.telephone.len()],
            &self.wireless[region % self.wireless.len()],
        ]
    }

    fn all(&self) -> impl Iterator<Item = &Provider> {
        std::iter::once(&self.satellite)
            .chain(&self.cable)
            .chain(&self.telephone)
            .chain(&self.wireless)
    }

    /// Writes the plans for hum.
    pub fn write_for_hum(&self, folder: &Path) -> io::Result<PathBuf> {
        let mut csv = String::from(
            "frn,provider_id,brand_name,telephone,url,button_label,promo_text,sku,name,technology,description,download_speed,\
             upload_speed,data_limit,price,introductory_months,regular_price,one_time_fees\n",
        );
        for provider in self.all() {
            for (number, plan) in provider.plans.iter().enumerate() {
                let (months, regular) = plan
                    .introduction
                    .map_or_else(Default::default, |(months, cents)| {
                        (months.to_string(), dollars(cents))
                    });
                let fees: Vec<String> = plan
                    .fees
                    .iter()
                    .map(|(name, cents)| format!("{name}={}", dollars(*cents)))
                    .collect();
                let Provider { id, brand, .. } = provider;
                let Plan {
                    technology,
                    name,
                    download,
                    upload,
                    ..
                } = plan;
                let _ = writeln!(
                    csv,
                    "{},{id},{brand},{TELEPHONE},{},{BUTTON},{PROMO},{},{name},{technology},{DESCRIPTION},{download},{upload},\
                     Unlimited,{},{months},{regular},{}",
                    provider.frn(),
                    url(*id),
                    provider.sku(number),
                    dollars(plan.cents),
                    fees.join(";"),
                );
            }
        }
        let path = folder.join("plans.csv");
        fs::write(&path, csv)?;
        Ok(path)
    }

    /// Writes the same for the peers: by the FCC's id of the provider, as it is answered.
    pub fn write_for_peers(&self, folder: &Path) -> io::Result<PathBuf> {
        let cards: Map<String, Value> = self
            .all()
            .map(|provider| (provider.id.to_string(), card(provider)))
            .collect();
        let path = folder.join("cards.json");
        fs::write(&path, Value::Object(cards).to_string())?;
        Ok(path)
    }
}

const TELEPHONE: &str = "+18005550100";
const BUTTON: &str = "Get Started";
const PROMO: &str = "First month free";

fn url(id: u32) -> String {
    format!("https://www.example.com/internet/order?provider={id}")
}

fn dollars(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn money(cents: i64) -> Value {
    json!({ "amount_cents": cents, "currency": "USD" })
}

fn card(provider: &Provider) -> Value {
    let products: Vec<Value> = provider
        .plans
        .iter()
        .enumerate()
        .map(|(number, plan)| product(provider, number, plan))
        .collect();
    json!({
        "provider_icon": null,
        "provider_logo": null,
        "telephone": TELEPHONE,
        "url": url(provider.id),
        "security_token": null,
        "buyflow_type": "direct",
        "button_label": BUTTON,
        "provider_promo": { "promo_text": PROMO, "promo_logo_url": "" },
        "url_promo": { "promo_text": "", "promo_logo_url": "" },
        "products": products,
    })
}

fn product(provider: &Provider, number: usize, plan: &Plan) -> Value {
    let fees: Vec<Value> = plan
        .fees
        .iter()
        .map(|(name, cents)| json!({ "name": name, "price": money(*cents) }))
        .collect();
    json!({
        "id": format!("8083bfe8-a53f-59eb-b0e8-{:08}{number:04}", provider.id),
        "sku": provider.sku(number),
        "name": plan.name,
        "category": "internet",
        "category_name": "Internet Service",
        "technology": plan.technology,
        "position": number + 1,
        "select_type": "radio",
        "description": DESCRIPTION,
        "download_speed": plan.download.to_string(),
        "upload_speed": plan.upload.to_string(),
        "data_limit": "Unlimited",
        "channel_count": 0,
        "streaming_apps": [],
        "is_required_to_checkout": true,
        "is_contract_required": false,
        "is_modem_router_included": false,
        "is_bundle_qualifier": null,
        "bundle_discounts": {},
        "is_local_checkout": false,
        "required_with_plans": [],
        "price": money(plan.cents),
        "is_introductory_price": plan.introduction.is_some(),
        "introductory_months": plan.introduction.map(|(months, _)| months),
        "regular_price": plan.introduction.map(|(_, cents)| money(cents)),
        "contract_months": 0,
        "one_time_fees": fees,
        "monthly_fees": [],
        "typical_latency_ms": null,
    })
}
