use std::fmt::Write as _;

use async_trait::async_trait;
use serde_json::Value;

use crate::{
    address::{AddressInput, normalize},
    address_session::{Found, Geocoded, Internet},
    broadband::{Confidence, Money, Product, Provider},
};

use super::{Effect, Tool, Tools};

/// Finds internet providers and plans at an address, in as many words as somebody would say.
pub(super) struct LookupInternetPlans;

/// How many providers are named.
const PROVIDERS: usize = 3;

#[async_trait]
impl Tool for LookupInternetPlans {
    fn name(&self) -> &'static str {
        "lookup_internet_plans"
    }

    fn description(&self) -> &'static str {
        "Find internet providers and plans at a US address. Ask for street and ZIP code first. The answer says how sure it is; \
         pass that on, and never promise service that is not confirmed."
    }

    fn arguments(&self) -> &'static [(&'static str, &'static str, bool)] {
        &[
            (
                "street",
                "House number and street, such as 29090 Tiffany Drive E.",
                true,
            ),
            ("unit", "Apartment or suite, if there is one.", false),
            ("zip", "Five-digit ZIP code.", false),
            (
                "city",
                "City; together with the state it can stand for the ZIP code.",
                false,
            ),
            ("state", "Two-letter state, such as MI.", false),
        ]
    }

    async fn call(
        &self,
        tools: &Tools,
        arguments: &Value,
    ) -> Result<(Option<Effect>, String), String> {
        let text = |name: &str| {
            arguments[name]
                .as_str()
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let input = AddressInput {
            street1: text("street").unwrap_or_default(),
            street2: text("unit"),
            city: text("city"),
            state: text("state").map(|state| state.to_uppercase()),
            zip: text("zip"),
        };
        let address = normalize(&input).map_err(|invalid| {
            let said: Vec<String> = invalid
                .iter()
                .map(|one| format!("{} {}", spoken(one.field), one.detail))
                .collect();
            said.join("; ")
        })?;
        Ok((
            None,
            summary(&tools.address_sessions().find_internet(address).await),
        ))
    }
}

/// The argument that a field of an address is called here.
fn spoken(field: &str) -> &str {
    match field {
        "street1" => "street",
        "street2" => "unit",
        other => other,
    }
}

fn summary(found: &Found) -> String {
    match (&found.geocoding, &found.internet) {
        (Geocoded::Multiple(places), _) => {
            let mut said = "Several addresses match; ask which one: ".to_owned();
            let lines: Vec<String> = places
                .iter()
                .take(PROVIDERS)
                .map(|place| place.address.to_string())
                .collect();
            said.push_str(&lines.join("; "));
            said
        }
        (Geocoded::Matched(place), Internet::Matched(coverage)) => {
            let mut said = format!("At {}:", place.address);
            for provider in coverage.providers.iter().take(PROVIDERS) {
                let _ = write!(said, " {}.", of_provider(provider));
            }
            let more = coverage.providers.len().saturating_sub(PROVIDERS);
            if more > 0 {
                let _ = write!(said, " And {more} more.");
            }
            said
        }
        (Geocoded::Matched(place), Internet::Failed { data_set: Some(_) }) => {
            format!("No provider is known at {}.", place.address)
        }
        _ => "The lookup did not work just now. Say so, and offer that a person calls back."
            .to_owned(),
    }
}

fn of_provider(provider: &Provider) -> String {
    let sure = match provider.evidence.confidence {
        Confidence::Confirmed => "serves this area",
        Confidence::Likely => "very likely serves this address",
        Confidence::Unknown => "may serve this address, not confirmed",
    };
    let network = provider
        .offerings
        .first()
        .map_or(String::new(), |offering| {
            format!(
                ", {} up to {} Mbps",
                offering.technology.as_str(),
                offering.max_download_speed
            )
        });
    let cheapest = provider
        .product_catalog
        .iter()
        .flat_map(|group| &group.products)
        .min_by_key(|product| product.price.clone());
    let plan = cheapest.map_or(String::new(), |plan| format!("; {}", of_plan(plan)));
    format!("{} {sure}{network}{plan}", provider.provider_name)
}

fn of_plan(plan: &Product) -> String {
    let then = match (&plan.regular_price, plan.introductory_months) {
        (Some(price), Some(months)) => format!(" for {months} months, then {}", dollars(price)),
        _ => String::new(),
    };
    format!("{} from {} a month{then}", plan.name, dollars(&plan.price))
}

fn dollars(money: &Money) -> String {
    format!(
        "${}.{:02}",
        money.amount_cents / 100,
        money.amount_cents.rem_euclid(100)
    )
}
