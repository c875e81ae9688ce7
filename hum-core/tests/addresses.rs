//! Normal forms of addresses, against labels that come from USPS Publication 28.

use hum_core::address::{Address, AddressInput, normalize};

struct Label {
    line: usize,
    input: AddressInput,
    street: &'static str,
    unit: &'static str,
    urbanization: &'static str,
    last: &'static str,
}

fn labels() -> Vec<Label> {
    let given = |field: &str| (!field.is_empty()).then(|| field.to_owned());
    let rows = include_str!("addresses.tsv").lines().enumerate().filter(|(_, row)| !row.starts_with('#'));
    rows.map(|(at, row)| {
        let columns: Vec<&'static str> = row.split('\t').collect();
        let [_section, street1, street2, city, state, zip, street, unit, urbanization, last] = columns[..] else {
            panic!("line {} has {} columns", at + 1, columns.len());
        };
        let input = AddressInput {
            street1: street1.to_owned(),
            street2: given(street2),
            city: given(city),
            state: given(state),
            zip: given(zip),
        };
        Label { line: at + 1, input, street, unit, urbanization, last }
    })
    .collect()
}

fn last_line(address: &Address) -> String {
    let zip = match (&address.zip5, &address.plus4) {
        (Some(zip5), Some(plus4)) => Some(format!("{zip5}-{plus4}")),
        (zip5, _) => zip5.clone(),
    };
    let parts = [address.city.clone(), address.state.map(|state| state.as_str().to_owned()), zip];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// In the columns of the labels.
fn answer(input: &AddressInput) -> [String; 4] {
    match normalize(input) {
        Ok(address) => {
            let last = last_line(&address);
            [address.street, address.unit.unwrap_or_default(), address.urbanization.unwrap_or_default(), last]
        }
        Err(invalid) => {
            let fields: Vec<_> = invalid.iter().map(|component| component.field).collect();
            [format!("!{}", fields.join(",")), String::new(), String::new(), String::new()]
        }
    }
}

#[test]
fn every_label_is_met() {
    let labels = labels();
    assert!(labels.len() >= 300);
    let mut missed = String::new();
    for label in &labels {
        let expected = [label.street, label.unit, label.urbanization, label.last];
        let answer = answer(&label.input);
        if answer != expected {
            missed.push_str(&format!(
                "line {}: {:?}\n  expected {expected:?}\n  answered {answer:?}\n",
                label.line, label.input.street1
            ));
        }
    }
    assert!(missed.is_empty(), "{missed}");
}

#[test]
fn the_normal_form_of_a_label_is_its_own_normal_form() {
    for label in labels() {
        if let Ok(address) = normalize(&label.input) {
            assert_eq!(normalize(&AddressInput::from(&address)).as_ref(), Ok(&address), "line {}", label.line);
        }
    }
}
