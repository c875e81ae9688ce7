//! JSON files with plans: the same names as in CSV, with numbers, flags and lists as JSON has them.

use serde_json::Value;

use super::{draft::Draft, read::PlanProblem};

/// Reads `[{…}, …]` or `{"plans": [{…}, …]}`.
pub fn read(bytes: &[u8], problems: &mut Vec<PlanProblem>) -> Vec<Draft> {
    let value: Value = match serde_json::from_slice(bytes) {
        Ok(value) => value,
        Err(error) => {
            problems.push(PlanProblem::new(
                error.line() as u64,
                "(all)",
                "",
                format!("readable as JSON: {error}"),
            ));
            return Vec::new();
        }
    };
    let plans = match value {
        Value::Array(plans) => plans,
        Value::Object(mut object) => match object.remove("plans") {
            Some(Value::Array(plans)) => plans,
            _ => return wrong_shape(problems),
        },
        _ => return wrong_shape(problems),
    };
    let mut drafts = Vec::with_capacity(plans.len());
    for (row, plan) in (1..).zip(plans) {
        let Value::Object(plan) = plan else {
            problems.push(PlanProblem::new(
                row,
                "(all)",
                &plan.to_string(),
                "an object",
            ));
            continue;
        };
        let mut draft = Draft {
            row,
            values: std::collections::BTreeMap::new(),
        };
        for (name, value) in plan {
            match text(&name, &value) {
                Some(text) if text.is_empty() => {}
                Some(text) => {
                    draft.values.insert(name, text);
                }
                None => problems.push(PlanProblem::new(
                    row,
                    &name,
                    &value.to_string(),
                    "a text, a number, true, false or a list",
                )),
            }
        }
        drafts.push(draft);
    }
    drafts
}

fn wrong_shape(problems: &mut Vec<PlanProblem>) -> Vec<Draft> {
    problems.push(PlanProblem::new(
        1,
        "(all)",
        "",
        "a list of plans, or an object with a list \"plans\"",
    ));
    Vec::new()
}

/// As it would stand in CSV.
fn text(name: &str, value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text.trim().to_owned()),
        // The shortest digits that mean this number: 49.99 stays 49.99.
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Array(values) => {
            let texts: Option<Vec<String>> = values
                .iter()
                .map(|value| fee(value).or_else(|| text(name, value)))
                .collect();
            Some(texts?.join(";"))
        }
        Value::Object(_) if name == "bundle_discounts" => Some(value.to_string()),
        Value::Object(_) => None,
    }
}

/// `{"name": "Activation", "price": "35.00"}`.
fn fee(value: &Value) -> Option<String> {
    let object = value.as_object()?;
    Some(format!(
        "{}={}",
        text("", object.get("name")?)?,
        text("", object.get("price")?)?
    ))
}
