//! A plan as text, and what is wrong with it. All formats end here, so their values are read alike.

use std::collections::BTreeMap;

use hum_core::broadband::{Fee, Money, Product};

use super::{
    catalogue::{Day, Entry, ProviderInfo, ProviderKey, technology},
    money::money,
    read::{Defaults, PlanProblem},
    state::is_state,
};

/// The columns of our own formats, in the order of the documentation.
pub const COLUMNS: [&str; 44] = [
    "frn",
    "provider_id",
    "brand_name",
    "provider_icon",
    "provider_logo",
    "telephone",
    "url",
    "button_label",
    "promo_text",
    "promo_logo_url",
    "url_promo_text",
    "url_promo_logo_url",
    "sku",
    "name",
    "technology",
    "position",
    "description",
    "download_speed",
    "upload_speed",
    "data_limit",
    "channel_count",
    "streaming_apps",
    "is_required_to_checkout",
    "is_contract_required",
    "is_modem_router_included",
    "is_bundle_qualifier",
    "is_local_checkout",
    "required_with_plans",
    "select_type",
    "currency",
    "price",
    "introductory_months",
    "regular_price",
    "contract_months",
    "one_time_fees",
    "monthly_fees",
    "typical_latency_ms",
    "effective_from",
    "effective_to",
    "states",
    "zips",
    "category",
    "category_name",
    "bundle_discounts",
];

/// A row of a file: texts by the names of [`COLUMNS`].
pub struct Draft {
    /// Where it is, for people: a line of a CSV file, a number in a JSON list.
    pub row: u64,
    /// Empty texts are left out.
    pub values: BTreeMap<String, String>,
}

/// Reads one value after the other and notes what is wrong.
struct Reader<'a> {
    draft: &'a Draft,
    defaults: &'a Defaults,
    problems: &'a mut Vec<PlanProblem>,
}

impl Draft {
    /// The entry, or `None` when there are problems. `position`: where it comes among the plans of
    /// its provider.
    pub fn read(
        &self,
        position: u32,
        defaults: &Defaults,
        problems: &mut Vec<PlanProblem>,
    ) -> Option<Entry> {
        let before = problems.len();
        let mut reader = Reader {
            draft: self,
            defaults,
            problems,
        };
        let entry = reader.entry(position);
        (problems.len() == before).then_some(entry)
    }
}

impl Reader<'_> {
    fn entry(&mut self, position: u32) -> Entry {
        let provider = ProviderKey {
            frn: self.number("frn", 9_999_999_999),
            provider_id: self.number("provider_id", u64::MAX),
            brand: self.text("brand_name"),
        };
        if provider == ProviderKey::default()
            && !["frn", "provider_id", "brand_name"]
                .iter()
                .any(|name| self.get(name).is_some())
        {
            self.problem(
                "brand_name",
                "",
                "given, or frn or provider_id: they say whose plan it is",
            );
        }
        let effective_from = self.day("effective_from").or(self.defaults.effective_from);
        let effective_to = self.day("effective_to").or(self.defaults.effective_to);
        if effective_from
            .zip(effective_to)
            .is_some_and(|(from, to)| to < from)
        {
            let value = self.get("effective_to").unwrap_or_default().to_owned();
            self.problem(
                "effective_to",
                &value,
                "a day that is not before effective_from",
            );
        }
        Entry {
            provider,
            info: self.info(),
            product: self.product(position),
            effective_from,
            effective_to,
            states: self.places(
                "states",
                "states of two letters, with semicolons between them, such as MI;OH",
                is_state,
            ),
            zips: self.places(
                "zips",
                "ZIP codes of five digits, with semicolons between them, such as 48034;48075",
                |zip| zip.len() == 5 && zip.bytes().all(|byte| byte.is_ascii_digit()),
            ),
        }
    }

    fn info(&mut self) -> ProviderInfo {
        ProviderInfo {
            provider_icon: self.url("provider_icon"),
            provider_logo: self.url("provider_logo"),
            telephone: self.telephone(),
            url: self.url("url"),
            button_label: self.text("button_label"),
            promo_text: self.text("promo_text"),
            promo_logo_url: self.url("promo_logo_url"),
            url_promo_text: self.text("url_promo_text"),
            url_promo_logo_url: self.url("url_promo_logo_url"),
        }
    }

    fn product(&mut self, position: u32) -> Product {
        let currency = self.currency();
        let price = self.required_money("price", &currency);
        let introductory_months = self
            .number("introductory_months", 1_200)
            .map(|months| months as u32);
        let regular_price = self.money("regular_price", &currency);
        if introductory_months.is_some() != regular_price.is_some() {
            let missing = if regular_price.is_some() {
                "introductory_months"
            } else {
                "regular_price"
            };
            self.problem(
                missing,
                "",
                "given: introductory_months and regular_price belong together",
            );
        }
        let technology = self.technology();
        let contract_months = self.number("contract_months", 1_200).unwrap_or(0) as u32;
        let required = "given: every plan has one";
        let sku = self.required("sku", required);
        Product {
            id: String::new(),
            name: self.required("name", required),
            sku,
            category: self.text("category").unwrap_or_else(|| "internet".into()),
            category_name: self
                .text("category_name")
                .unwrap_or_else(|| "Internet Service".into()),
            technology,
            position: self
                .number("position", 1_000_000)
                .map_or(position, |position| position as u32),
            select_type: self.text("select_type").unwrap_or_else(|| "radio".into()),
            description: self.text("description").unwrap_or_default(),
            download_speed: self.speed("download_speed"),
            upload_speed: self.speed("upload_speed"),
            data_limit: self
                .text("data_limit")
                .unwrap_or_else(|| "Unlimited".into()),
            channel_count: self.number("channel_count", 100_000).unwrap_or(0) as u32,
            streaming_apps: self.list("streaming_apps"),
            is_required_to_checkout: self.flag("is_required_to_checkout").unwrap_or(true),
            is_contract_required: self
                .flag("is_contract_required")
                .unwrap_or(contract_months > 0),
            is_modem_router_included: self.flag("is_modem_router_included").unwrap_or(false),
            is_bundle_qualifier: self.flag("is_bundle_qualifier"),
            bundle_discounts: self.object("bundle_discounts"),
            is_local_checkout: self.flag("is_local_checkout").unwrap_or(false),
            required_with_plans: self.list("required_with_plans"),
            price,
            is_introductory_price: introductory_months.is_some(),
            introductory_months,
            regular_price,
            contract_months,
            one_time_fees: self.fees("one_time_fees", &currency),
            monthly_fees: self.fees("monthly_fees", &currency),
            typical_latency_ms: self
                .number("typical_latency_ms", 100_000)
                .map(|ms| ms as u32),
        }
    }

    fn get(&self, column: &str) -> Option<&str> {
        self.draft.values.get(column).map(String::as_str)
    }

    fn problem(&mut self, column: &str, value: &str, right: &str) {
        self.problems.push(PlanProblem {
            row: self.draft.row,
            column: column.to_owned(),
            value: value.to_owned(),
            right: right.to_owned(),
        });
    }

    /// A value that something makes sense of, or nothing and a problem.
    fn parsed<T>(
        &mut self,
        column: &str,
        right: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.get(column)?.to_owned();
        let parsed = parse(&value);
        if parsed.is_none() {
            self.problem(column, &value, right);
        }
        parsed
    }

    fn text(&self, column: &str) -> Option<String> {
        self.get(column).map(str::to_owned)
    }

    fn required(&mut self, column: &str, right: &str) -> String {
        self.text(column).unwrap_or_else(|| {
            self.problem(column, "", right);
            String::new()
        })
    }

    fn number(&mut self, column: &str, max: u64) -> Option<u64> {
        let right = format!("a whole number up to {max}");
        self.parsed(column, &right, |text| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|number| digits && *number <= max)
        })
    }

    fn flag(&mut self, column: &str) -> Option<bool> {
        self.parsed(column, "true or false", |text| {
            match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => Some(true),
                "false" | "no" | "0" => Some(false),
                _ => None,
            }
        })
    }

    fn url(&mut self, column: &str) -> Option<String> {
        self.parsed(column, "an http or https address", |text| {
            let url = url::Url::parse(text).ok()?;
            matches!(url.scheme(), "http" | "https").then(|| text.to_owned())
        })
    }

    fn telephone(&mut self) -> Option<String> {
        self.parsed(
            "telephone",
            "a telephone number with its area code, such as +12485550100",
            |text| {
                let digits: String = text.chars().filter(char::is_ascii_digit).collect();
                let only = text
                    .chars()
                    .all(|char| char.is_ascii_digit() || " +-.()/".contains(char));
                match (only, digits.len()) {
                    (true, 10) => Some(format!("+1{digits}")),
                    (true, 11) if digits.starts_with('1') => Some(format!("+{digits}")),
                    (true, 8..=15) if text.starts_with('+') => Some(format!("+{digits}")),
                    _ => None,
                }
            },
        )
    }

    fn currency(&mut self) -> String {
        let right = "three capital letters (ISO 4217), such as USD";
        let known = self.parsed("currency", right, |text| {
            (text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()))
                .then(|| text.to_owned())
        });
        known.unwrap_or_else(|| "USD".into())
    }

    fn money(&mut self, column: &str, currency: &str) -> Option<Money> {
        self.parsed(
            column,
            "an amount with at most two digits after the point, such as 49.99",
            |text| money(text, currency),
        )
    }

    fn required_money(&mut self, column: &str, currency: &str) -> Money {
        if self.get(column).is_none() {
            self.problem(column, "", "given: every plan has one");
        }
        self.money(column, currency).unwrap_or(Money {
            amount_cents: 0,
            currency: currency.to_owned(),
        })
    }

    /// One number, or two with a hyphen between them.
    fn speed(&mut self, column: &str) -> String {
        let number = |text: &str| {
            text.parse::<f64>().is_ok_and(f64::is_finite)
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b'.')
        };
        let speed = self.parsed(column, "Mbit/s, such as 300 or 50-100", |text| {
            let fits = match text.split_once('-') {
                Some((low, high)) => number(low.trim()) && number(high.trim()),
                None => number(text),
            };
            fits.then(|| text.replace(' ', ""))
        });
        if self.get(column).is_none() {
            self.problem(column, "", "given: Mbit/s, such as 300 or 50-100");
        }
        speed.unwrap_or_default()
    }

    fn technology(&mut self) -> String {
        let right = "one of fiber, cable, dsl, fixed wireless, licensed fixed wireless, satellite, other, or empty";
        let said = self.parsed("technology", right, |text| {
            technology(text).map(|known| known.as_str().to_lowercase())
        });
        said.or_else(|| {
            self.defaults
                .technology
                .map(|known| known.as_str().to_lowercase())
        })
        .unwrap_or_default()
    }

    fn list(&self, column: &str) -> Vec<String> {
        split(self.get(column).unwrap_or_default())
            .map(str::to_owned)
            .collect()
    }

    fn object(&mut self, column: &str) -> serde_json::Map<String, serde_json::Value> {
        self.parsed(column, "a JSON object", |text| {
            serde_json::from_str(text).ok()
        })
        .unwrap_or_default()
    }

    /// `Activation=35; Installation=99.00`.
    fn fees(&mut self, column: &str, currency: &str) -> Vec<Fee> {
        let right = "names and amounts with semicolons between them, such as Activation=35.00; Installation=99.00";
        let fees = self.parsed(column, right, |text| {
            let fee = |part: &str| {
                let (name, price) = part.rsplit_once('=')?;
                let name = name.trim();
                if name.is_empty() {
                    None
                } else {
                    Some(Fee {
                        name: name.to_owned(),
                        price: money(price, currency)?,
                    })
                }
            };
            split(text).map(fee).collect::<Option<Vec<_>>>()
        });
        fees.unwrap_or_default()
    }

    fn day(&mut self, column: &str) -> Option<Day> {
        self.parsed(column, "a day such as 2026-12-31", day)
    }

    fn places(&mut self, column: &str, right: &str, fits: impl Fn(&str) -> bool) -> Vec<String> {
        let said = self.parsed(column, right, |text| {
            let mut places: Vec<String> = split(text).map(str::to_uppercase).collect();
            places.sort();
            places.dedup();
            places.iter().all(|place| fits(place)).then_some(places)
        });
        let default = if column == "states" {
            &self.defaults.states
        } else {
            &self.defaults.zips
        };
        said.unwrap_or_else(|| default.clone())
    }
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(';')
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

/// Days since 1970-01-01 of such as `2026-12-31`.
pub fn day(text: &str) -> Option<Day> {
    let date: jiff::civil::Date = text.parse().ok()?;
    // jiff also reads a time of day, which would be forgotten.
    if text.len() != 10 {
        return None;
    }
    Some(i64::from(
        date.since(jiff::civil::date(1970, 1, 1)).ok()?.get_days(),
    ))
}
