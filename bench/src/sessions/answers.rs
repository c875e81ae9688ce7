//! What the sides answer: whether they do the same work.

use std::{collections::BTreeSet, io, net::SocketAddr};

use serde_json::Value;

use crate::load::Load;

/// The first answers of a side.
#[derive(Default)]
pub struct Answers {
    pub count: u64,
    providers: usize,
    offerings: usize,
    products: usize,
    /// `meta.location.latitude`, `data[].offerings[].technology` …
    names: BTreeSet<String>,
}

const SAMPLE: usize = 100;

impl Answers {
    /// Asks for a few sessions. Each must be made, with providers that have plans.
    pub fn sample(load: &Load, address: SocketAddr) -> io::Result<Self> {
        let mut answers = Self::default();
        for (status, body) in load.sample(address, SAMPLE)? {
            let wrong = || {
                io::Error::other(format!(
                    "answered {status}: {}",
                    String::from_utf8_lossy(&body)
                ))
            };
            let body: Value = serde_json::from_slice(&body).map_err(|_| wrong())?;
            let providers = body["data"]
                .as_array()
                .filter(|providers| status == 201 && !providers.is_empty())
                .ok_or_else(wrong)?;
            answers.count += 1;
            answers.providers += providers.len();
            for provider in providers {
                answers.offerings += provider["offerings"].as_array().map_or(0, Vec::len);
                let groups = provider["product_catalog"].as_array().into_iter().flatten();
                answers.products += groups
                    .map(|group| group["products"].as_array().map_or(0, Vec::len))
                    .sum::<usize>();
            }
            collect(&body, &mut String::new(), &mut answers.names);
        }
        Ok(answers)
    }

    /// How much is in one, for people.
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    pub fn describe(&self) -> String {
        let each = |total: usize| total as f64 / self.count.max(1) as f64;
        let (providers, offerings, products) = (
            each(self.providers),
            each(self.offerings),
            each(self.products),
        );
        format!("{providers:.1} providers, {offerings:.1} offerings, {products:.1} plans")
    }

    /// Whether as much is in the other's answers, and under the same names; a sentence for each
    /// difference.
    pub fn differences(&self, name: &str, other: &Self, other_name: &str) -> Vec<String> {
        let mut differences = Vec::new();
        let counts = |answers: &Self| (answers.providers, answers.offerings, answers.products);
        if counts(self) != counts(other) {
            differences.push(format!(
                "{name} answers {}, {other_name} {}",
                self.describe(),
                other.describe()
            ));
        }
        for (one, one_name, two, two_name) in [
            (self, name, other, other_name),
            (other, other_name, self, name),
        ] {
            let only: Vec<&str> = one
                .names
                .difference(&two.names)
                .map(String::as_str)
                .collect();
            if !only.is_empty() {
                differences.push(format!(
                    "{one_name} answers {}, {two_name} does not",
                    only.join(", ")
                ));
            }
        }
        differences
    }
}

fn collect(value: &Value, at: &mut String, names: &mut BTreeSet<String>) {
    let length = at.len();
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                at.push('.');
                at.push_str(name);
                names.insert(at.trim_start_matches('.').to_owned());
                collect(field, at, names);
                at.truncate(length);
            }
        }
        Value::Array(items) => {
            at.push_str("[]");
            items.iter().for_each(|item| collect(item, at, names));
            at.truncate(length);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
