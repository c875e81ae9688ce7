//! The machine-readable broadband labels.
//!
//! Providers must publish the labels of all their plans as a file such as CSV (47 CFR 8.1(a); FCC
//! 22-86, paragraph 68, <https://docs.fcc.gov/public/attachments/FCC-22-86A1.txt>). The rule names
//! no columns, and the FCC's own copy of its template could not be had when this was written. The
//! names here are those of the template's data dictionary as a provider publishes it,
//! <https://veionline.com/Broadband_Label_DataDictionary.txt>, as far as it could be read, and
//! beyond that those that programs for such files use. They are compared without case, spaces and
//! punctuation, so `UniquePlanID` and `Unique Plan ID` are `unique_plan_id`. Some large providers
//! have columns of their own: those files must be brought into this shape, or into ours
//! ([`super::read`]).
//!
//! | Column | Becomes |
//! |---|---|
//! | `unique_plan_id` | `sku`; its first letter is F (fixed) or M (mobile), then come the 10 digits of the FRN |
//! | `provider_name` | ignored: the FRN says whose plan it is |
//! | `service_plan_name`, `tier_plan_name` | `name` |
//! | `connection_type` | mobile plans are left out and counted |
//! | `monthly_price` | the price without an introductory rate: `price`, or `regular_price` when there is one |
//! | `intro_rate`, `intro_rate_price`, `intro_rate_time` | `price`, `introductory_months` |
//! | `contract_req`, `contract_time` | `is_contract_required`, `contract_months` |
//! | `single_purchase_fee_descr`, `single_purchase_fees` | `one_time_fees`: two lists with semicolons |
//! | `monthly_provider_fee_descr`, `monthly_provider_fees` | `monthly_fees`: two lists; also `monthly_provider_fee` |
//! | `typical_download_speed`, `typical_upload_speed` | Mbit/s |
//! | `typical_latency` | `typical_latency_ms`, rounded |
//! | `monthly_data_allow` | `data_limit`: GB; empty is `Unlimited` |
//! | `customer_support_phone` | `telephone` |
//! | `early_termination_fee`, `tax`, `over_usage_data_price`, `additional_data_increment` | sentences of `description` |
//!
//! Other columns (links to policies) are ignored. `NULL` and `N/A` count as empty. A label does not
//! say where a plan is sold nor over which technology: the options of the import do, or the plan is
//! shown wherever its provider is.

use std::collections::BTreeMap;

use super::{draft::Draft, money::cents, read::PlanProblem, table::Table};

/// Without case, spaces and punctuation.
fn plain(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase()
}

/// Whether a file has labels.
pub fn is_label(names: &[String]) -> bool {
    let names: Vec<String> = names.iter().map(|name| plain(name)).collect();
    ["uniqueplanid", "monthlyprice"]
        .iter()
        .all(|needed| names.iter().any(|name| name == needed))
}

/// The plans of a file, and how many mobile plans were left out.
pub fn read(table: Table, problems: &mut Vec<PlanProblem>) -> (Vec<Draft>, usize) {
    let mut mobile = 0;
    let mut drafts = Vec::with_capacity(table.rows.len());
    for (row, values) in table.rows {
        let label = Label {
            row,
            values: values
                .into_iter()
                .map(|(name, value)| (plain(&name), value))
                .filter(|(_, value)| {
                    !["null", "n/a", "na", "none", "-"]
                        .contains(&value.to_ascii_lowercase().as_str())
                })
                .collect(),
        };
        let plan = label.get("uniqueplanid").unwrap_or_default().to_owned();
        let connection = label
            .get("connectiontype")
            .unwrap_or_default()
            .to_ascii_lowercase();
        if connection.starts_with("mobile") || connection == "m" || plan.starts_with('M') {
            mobile += 1;
        } else {
            drafts.push(label.draft(&plan, problems));
        }
    }
    (drafts, mobile)
}

struct Label {
    row: u64,
    values: BTreeMap<String, String>,
}

impl Label {
    fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    fn draft(&self, plan: &str, problems: &mut Vec<PlanProblem>) -> Draft {
        let mut draft = Draft {
            row: self.row,
            values: BTreeMap::new(),
        };
        let mut set = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                draft.values.insert(name.to_owned(), value);
            }
        };
        let frn = plan
            .strip_prefix('F')
            .and_then(|rest| rest.get(..10))
            .filter(|frn| frn.bytes().all(|byte| byte.is_ascii_digit()));
        if frn.is_none() {
            problems.push(PlanProblem::new(
                self.row,
                "unique_plan_id",
                plan,
                "F, the ten digits of the provider's FRN and the provider's name for the plan, such as F0005937974TIER1",
            ));
        }
        set("frn", frn.map(str::to_owned));
        set("sku", Some(plan.to_owned()).filter(|plan| !plan.is_empty()));
        set("name", self.name());
        let said = |name: &str| self.get(name).map(str::to_owned);
        let price = said("monthlyprice");
        if self.yes("introrate")
            && self.get("introrateprice").is_some()
            && self.get("introratetime").is_some()
        {
            set("price", said("introrateprice"));
            set("introductory_months", self.whole("introratetime"));
            set("regular_price", price);
        } else {
            set("price", price);
        }
        let contract = self.yes("contractreq");
        set("is_contract_required", Some(contract.to_string()));
        set(
            "contract_months",
            self.whole("contracttime").filter(|_| contract),
        );
        set(
            "one_time_fees",
            self.fees(
                "single_purchase_fee_descr",
                &["singlepurchasefees", "singlepurchasefee"],
                problems,
            ),
        );
        set(
            "monthly_fees",
            self.fees(
                "monthly_provider_fee_descr",
                &["monthlyproviderfees", "monthlyproviderfee"],
                problems,
            ),
        );
        set("download_speed", said("typicaldownloadspeed"));
        set("upload_speed", said("typicaluploadspeed"));
        set("typical_latency_ms", self.whole("typicallatency"));
        set(
            "data_limit",
            self.get("monthlydataallow")
                .map(|gb| format!("{} GB", gb.trim_end_matches("GB").trim())),
        );
        set("telephone", said("customersupportphone"));
        set(
            "description",
            Some(self.description()).filter(|text| !text.is_empty()),
        );
        draft
    }

    fn name(&self) -> Option<String> {
        match (self.get("serviceplanname"), self.get("tierplanname")) {
            (Some(name), Some(tier)) if !name.contains(tier) => Some(format!("{name} ({tier})")),
            (name, tier) => name.or(tier).map(str::to_owned),
        }
    }

    fn yes(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| {
            matches!(
                value.to_ascii_lowercase().as_str(),
                "yes" | "y" | "true" | "1"
            )
        })
    }

    /// Whole numbers: labels have 12.0 months and 14.2 ms.
    fn whole(&self, name: &str) -> Option<String> {
        let text = self.get(name)?;
        match text.parse::<f64>() {
            Ok(number) if (0.0..1e9).contains(&number) => {
                Some(format!("{}", number.round() as u64))
            }
            _ => Some(text.to_owned()),
        }
    }

    /// Two lists with semicolons become one.
    fn fees(
        &self,
        names: &str,
        amounts: &[&str],
        problems: &mut Vec<PlanProblem>,
    ) -> Option<String> {
        let amounts = amounts.iter().find_map(|name| self.get(name))?;
        let list = |text: &str| {
            text.split(';')
                .map(|part| part.trim().to_owned())
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
        };
        let (names_said, amounts) = (
            list(self.get(&plain(names)).unwrap_or_default()),
            list(amounts),
        );
        if amounts.iter().all(|amount| cents(amount) == Some(0))
            && names_said.len() != amounts.len()
        {
            return None;
        }
        // One fee without a name is clear enough.
        let named = if names_said.is_empty() && amounts.len() == 1 {
            vec!["Fee".to_owned()]
        } else {
            names_said
        };
        if named.len() != amounts.len() {
            problems.push(PlanProblem::new(
                self.row,
                names,
                self.get(&plain(names)).unwrap_or_default(),
                format!(
                    "as many names as there are amounts: {}, with semicolons between them",
                    amounts.len()
                ),
            ));
            return None;
        }
        let fees: Vec<String> = named
            .iter()
            .zip(&amounts)
            .map(|(name, amount)| format!("{}={amount}", name.replace('=', "-")))
            .collect();
        Some(fees.join(";")).filter(|fees| !fees.is_empty())
    }

    fn description(&self) -> String {
        let mut sentences = Vec::new();
        let dollars = |text: &str| format!("${}", text.trim_start_matches('$'));
        if let Some(fee) = self
            .get("earlyterminationfee")
            .filter(|fee| cents(fee) != Some(0))
        {
            sentences.push(format!("Early termination fee: {}.", dollars(fee)));
        }
        if let Some(price) = self
            .get("overusagedataprice")
            .filter(|price| cents(price) != Some(0))
        {
            let increment = self
                .get("additionaldataincrement")
                .map_or(String::new(), |gb| format!(" for each {gb} GB"));
            sentences.push(format!("Additional data: {}{increment}.", dollars(price)));
        }
        if let Some(tax) = self.get("tax") {
            sentences.push(match tax.to_ascii_lowercase().as_str() {
                "included" => "Taxes are included.".into(),
                "varies" | "varies by location" => "Taxes vary by location.".into(),
                _ => format!("Taxes: {tax}."),
            });
        }
        sentences.join(" ")
    }
}
