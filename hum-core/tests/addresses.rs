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
    let rows = include_str!("addresses.tsv")
        .lines()
        .enumerate()
        .filter(|(_, row)| !row.starts_with('#'));
    rows.map(|(at, row)| {
        let columns: Vec<&'static str> = row.split('\t').collect();
        let [
            _section,
            street1,
            street2,
            city,
            state,
            zip,
            street,
            unit,
            urbanization,
            last,
        ] = columns[..]
        else {
            panic!("line {} has {} columns", at + 1, columns.len());
        };
        let input = AddressInput {
            street1: street1.to_owned(),
            street2: given(street2),
            city: given(city),
            state: given(state),
            zip: given(zip),
        };
        Label {
            line: at + 1,
            input,
            street,
            unit,
            urbanization,
            last,
        }
    })
    .collect()
}

fn last_line(address: &Address) -> String {
    let zip = match (&address.zip5, &address.plus4) {
        (Some(zip5), Some(plus4)) => Some(format!("{zip5}-{plus4}")),
        (zip5, _) => zip5.clone(),
    };
    let parts = [
        address.city.clone(),
        address.state.map(|state| state.as_str().to_owned()),
        zip,
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// In the columns of the labels.
fn answer(input: &AddressInput) -> [String; 4] {
    match normalize(input) {
        Ok(address) => {
            let last = last_line(&address);
            [
                address.street,
                address.unit.unwrap_or_default(),
                address.urbanization.unwrap_or_default(),
                last,
            ]
        }
        Err(invalid) => {
            let fields: Vec<_> = invalid.iter().map(|component| component.field).collect();
            [
                format!("!{}", fields.join(",")),
                String::new(),
                String::new(),
                String::new(),
            ]
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
            assert_eq!(
                normalize(&AddressInput::from(&address)).as_ref(),
                Ok(&address),
                "line {}",
                label.line
            );
        }
    }
}

fn input(street1: &str, street2: Option<&str>) -> AddressInput {
    AddressInput {
        street1: street1.to_owned(),
        street2: street2.map(str::to_owned),
        zip: Some("48034".to_owned()),
        ..AddressInput::default()
    }
}

fn fields(input: &AddressInput) -> Vec<&'static str> {
    normalize(input)
        .unwrap_err()
        .iter()
        .map(|component| component.field)
        .collect()
}

#[test]
fn an_address_reads_as_one_line() {
    let typed = AddressInput {
        street1: "29090 Tiffany Drive E".to_owned(),
        street2: Some("apt a2".to_owned()),
        city: Some("Southfield".to_owned()),
        state: Some("MI".to_owned()),
        zip: Some("48034".to_owned()),
    };
    let address = normalize(&typed).unwrap();
    assert_eq!(
        address.to_string(),
        "29090 TIFFANY DR E APT A2, SOUTHFIELD, MI 48034"
    );
    let typed = AddressInput {
        street1: "Urb Las Gladiolas 150 Calle A".to_owned(),
        city: Some("San Juan".to_owned()),
        state: Some("PR".to_owned()),
        zip: Some("00926-3232".to_owned()),
        street2: None,
    };
    assert_eq!(
        normalize(&typed).unwrap().to_string(),
        "URB LAS GLADIOLAS, 150 CALLE A, SAN JUAN, PR 00926-3232"
    );
}

#[test]
fn every_component_that_cannot_be_used_is_named_in_order() {
    let typed = AddressInput {
        street1: "Main St".to_owned(),
        street2: Some(String::new()),
        city: Some("\u{1}".to_owned()),
        state: Some("mi".to_owned()),
        zip: Some("4803".to_owned()),
    };
    assert_eq!(
        fields(&typed),
        ["street1", "street2", "city", "state", "zip"]
    );
    for component in normalize(&typed).unwrap_err() {
        assert!(
            component.detail.contains("; "),
            "{} says what to do: {}",
            component.field,
            component.detail
        );
    }
}

#[test]
fn lengths_are_counted_in_characters() {
    let street1 = |name: &str, count: usize| format!("1 {}", name.repeat(count));
    assert!(normalize(&input(&street1("ñ", 98), None)).is_ok());
    assert_eq!(fields(&input(&street1("ñ", 99), None)), ["street1"]);
    assert_eq!(fields(&input(" ", None)), ["street1"]);
    assert_eq!(fields(&input("", None)), ["street1"]);
    assert!(normalize(&input("1 Main St", Some(&"é".repeat(50)))).is_ok());
    assert_eq!(
        fields(&input("1 Main St", Some(&"é".repeat(51)))),
        ["street2"]
    );
    assert_eq!(fields(&input("1 Main St", Some(" "))), ["street2"]);
    let with_city = |city: String| AddressInput {
        city: Some(city),
        ..input("1 Main St", None)
    };
    assert!(normalize(&with_city("é".repeat(50))).is_ok());
    assert_eq!(fields(&with_city("é".repeat(51))), ["city"]);
}

#[test]
fn control_characters_are_refused() {
    for character in ['\0', '\t', '\n', '\r', '\u{7f}', '\u{85}'] {
        assert_eq!(
            fields(&input(&format!("1 Main{character}St"), None)),
            ["street1"]
        );
        assert_eq!(
            fields(&input("1 Main St", Some(&format!("Apt{character}4")))),
            ["street2"]
        );
    }
}

#[test]
fn a_street_given_twice_counts_once() {
    assert_eq!(
        answer(&input("45 Mall Dr", Some("45 mall dr.")))[..2],
        ["45 MALL DR", ""]
    );
}

mod any {
    use hum_core::address::{AddressInput, State, normalize};
    use proptest::prelude::*;
    use proptest::sample::select;

    /// What addresses are made of, in an order that need not make sense.
    const WORDS: &[&str] = &[
        "Main",
        "St",
        "ST",
        "Ave",
        "Avenue",
        "Dr.",
        "Court",
        "Ct",
        "Park",
        "the",
        "of",
        "North",
        "N",
        "S.",
        "E",
        "West",
        "NE",
        "S.W.",
        "Saint",
        "Mt",
        "Ft",
        "5th",
        "Fifth",
        "Twenty",
        "First",
        "21",
        "st",
        "th",
        "Highway",
        "Hwy",
        "US",
        "I-80",
        "Interstate",
        "County",
        "Rd",
        "CR",
        "SR",
        "MM",
        "State",
        "Route",
        "FM",
        "RR",
        "Kentucky",
        "KY",
        "New",
        "York",
        "70",
        "60E",
        "Bypass",
        "Frontage",
        "Old",
        "Apt",
        "Apt4",
        "Ste",
        "#",
        "#5",
        "4B",
        "B",
        "4-B",
        "Floor",
        "2nd",
        "FL",
        "Rear",
        "Front",
        "Upper",
        "PH",
        "Bldg",
        "Unit",
        "Key",
        "Lot",
        "PMB",
        "234",
        "PO",
        "Box",
        "P.O.",
        "HC",
        "RFD",
        "Urb",
        "Calle",
        "Avenida",
        "Carr",
        "Km",
        "4.5",
        "Hm",
        "Cond",
        "Res",
        "Jardines",
        "A17",
        "C-19",
        "Blq",
        "Casa",
        "1/2",
        "-",
        "112-10",
        "N6W23001",
        "N95",
        "W16975",
        "39.2",
        "1700",
        "and",
        "&",
        "O’Brien",
        "Peña",
        "One",
        "Two",
        "Mid-Island",
        "C/O",
        "No.",
    ];

    fn given(text: impl Strategy<Value = String>) -> impl Strategy<Value = Option<String>> {
        proptest::option::of(text)
    }

    fn composed() -> impl Strategy<Value = AddressInput> {
        let words = |most| {
            proptest::collection::vec(select(WORDS), 1..most).prop_map(|words| words.join(" "))
        };
        let number = select(vec![
            "",
            "12 ",
            "12A ",
            "112-10 ",
            "N6W23001 ",
            "7 1/2 ",
            "A17 ",
        ]);
        let place = select(vec![
            (Some("MI"), "48034"),
            (Some("PR"), "00926"),
            (None, "10001-1234"),
        ]);
        (number, words(9), given(words(4)), given(words(3)), place).prop_map(
            |(number, name, street2, city, (state, zip))| AddressInput {
                street1: format!("{number}{name}"),
                street2,
                city,
                state: state.map(str::to_owned),
                zip: Some(zip.to_owned()),
            },
        )
    }

    /// Addresses as people have them: every word in its place.
    fn sensible() -> impl Strategy<Value = AddressInput> {
        let number = select(vec![
            "12",
            "12A",
            "0012",
            "112-10",
            "N6W23001",
            "N95 W16975",
            "7 1/2",
            "7½",
        ]);
        let before = select(vec![
            "",
            "",
            "N",
            "South",
            "NE",
            "S.W.",
            "North East",
            "S E",
            "North South",
        ]);
        let name = select(vec![
            "Main",
            "Oak Tree",
            "Fifth",
            "Twenty First",
            "21",
            "5 th",
            "1700",
            "North",
            "West",
            "E",
            "St Paul",
            "Saint Mark's",
            "Mt. Vernon",
            "Mid-Island",
            "Park",
            "Court",
            "Bay West",
            "Main Ave",
            "Broadway",
            "Avenue C",
            "Martin Luther King Jr",
            "O’Brien",
            "Peña",
            "Box Elder",
            "the",
            "Upper Mountain",
            "Front",
            "Key West",
            "Old Pier",
            "County Hwy 60E",
            "CR 1185",
            "I-80",
            "US 41",
            "U.S. Hwy. 70",
            "SR 220",
            "SR MM",
            "FM 1200",
            "Kentucky 440",
            "KY St Hwy 1",
            "West Virginia 5",
            "Ranch Rd #620",
            "Hwy 3",
            "Loop 410",
            "39.2",
            "Camino Vista",
        ]);
        let kind = select(vec![
            "",
            "St",
            "Ave.",
            "Avnue",
            "Dr",
            "Road",
            "Blvd",
            "Ct",
            "Park",
            "Circle",
            "Hwy",
            "Bypass",
            "Frontage Rd",
            "St Ext",
            "Pl",
        ]);
        let after = select(vec!["", "", "E", "North", "N.W.", "South West", "S E"]);
        let unit = select(vec![
            "",
            "",
            "Apt 4",
            "apt4b",
            "#5",
            "# 5",
            "Ste. 200",
            "2nd Floor",
            "Rear",
            "Upper",
            "Bldg 3 Apt 5",
            "Unit C",
            "Lot 12",
            "PH2",
            "Apt 4 B",
            "PMB 23",
        ]);
        let second = proptest::option::of(select(vec![
            "A2",
            "Apt 4",
            "4-B",
            "Floor 2",
            "Front",
            "Building 3",
            "No. 7",
            "PO Box 45",
            "Garden level",
        ]));
        let city = proptest::option::of(select(vec![
            "St. Paul",
            "Ft Worth",
            "E St Louis",
            "Winston-Salem",
            "Coeur d'Alene",
            "Cañon City",
        ]));
        (number, before, name, kind, after, unit, second, city).prop_map(
            |(number, before, name, kind, after, unit, second, city)| AddressInput {
                street1: [number, before, name, kind, after, unit].join(" "),
                street2: second.map(str::to_owned),
                city: city.map(str::to_owned),
                state: None,
                zip: Some("48034-1234".to_owned()),
            },
        )
    }

    /// As in Puerto Rico.
    fn puerto_rican() -> impl Strategy<Value = AddressInput> {
        let area = select(vec![
            "",
            "Urb Las Gladiolas",
            "Urbanización Villa Carolina",
            "Urb Ext Vista Bella",
            "Jardines de Caparra",
            "Cond Ashford Palace",
        ]);
        let number = select(vec!["150", "A17", "A-17", "199-31", "B 17"]);
        let street = select(vec![
            "Calle A",
            "Calle 125",
            "Ave. F.D. Roosevelt",
            "Avenida Ponce de León",
            "Camino Amazona",
            "Carr 176",
            "PR-176",
            "Vía Angélica",
        ]);
        let unit = select(vec!["", "Apt 3", "Apto 4B", "Edif 2 Apt 3", "Piso 2"]);
        let second = proptest::option::of(select(vec![
            "Urb Los Olmos",
            "Urb. Golden Gate Apt 3",
            "Apartamento 4",
            "Alts de Caná",
        ]));
        let turned = any::<bool>();
        (area, number, street, unit, second, turned).prop_map(
            |(area, number, street, unit, second, turned)| AddressInput {
                street1: if turned {
                    [area, street, number, unit].join(" ")
                } else {
                    [area, number, street, unit].join(" ")
                },
                street2: second.map(str::to_owned),
                city: Some("San Juan".to_owned()),
                state: Some("PR".to_owned()),
                zip: Some("00926".to_owned()),
            },
        )
    }

    fn anything() -> impl Strategy<Value = AddressInput> {
        let state = proptest::option::of(prop_oneof![
            select(State::ALL).prop_map(|state| state.as_str().to_owned()),
            any::<String>()
        ]);
        let number = select(vec!["", "1 ", "12 "]);
        (
            number,
            any::<String>(),
            given(any::<String>()),
            given(any::<String>()),
            state,
            given(any::<String>()),
        )
            .prop_map(
                |(number, street1, street2, city, state, zip)| AddressInput {
                    street1: format!("{number}{street1}"),
                    street2,
                    city,
                    state,
                    zip,
                },
            )
    }

    fn is_plain(text: &str) -> bool {
        let known = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || " #-/.".contains(c);
        text.chars().all(known) && !text.is_empty() && text == text.trim() && !text.contains("  ")
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_text_breaks_it(input in anything()) {
            match normalize(&input) {
                Ok(address) => prop_assert!(is_plain(&address.street), "{address:?}"),
                Err(invalid) => prop_assert!(!invalid.is_empty()),
            }
        }

        #[test]
        fn the_normal_form_is_plain(input in composed()) {
            if let Ok(address) = normalize(&input) {
                let parts = [Some(&address.street), address.unit.as_ref(), address.urbanization.as_ref(), address.city.as_ref()];
                for part in parts.into_iter().flatten() {
                    prop_assert!(is_plain(part), "{address:?}");
                }
            }
        }

        #[test]
        fn the_normal_form_is_its_own_normal_form(input in prop_oneof![3 => sensible(), 1 => puerto_rican()]) {
            if let Ok(address) = normalize(&input) {
                let again = AddressInput::from(&address);
                // abbreviations that are spelled out can make it longer than what may be typed
                if again.street1.len() <= 100 && again.street2.as_ref().is_none_or(|unit| unit.len() <= 50) {
                    prop_assert_eq!(normalize(&again), Ok(address), "from {:?}", input);
                }
            }
        }

        #[test]
        fn letter_case_and_spaces_make_no_difference(input in prop_oneof![composed(), sensible(), puerto_rican()]) {
            let louder = AddressInput {
                street1: format!("  {} ", input.street1.to_lowercase()),
                street2: input.street2.as_ref().map(|typed| typed.to_uppercase()),
                ..input.clone()
            };
            if louder.street1.len() <= 100 {
                prop_assert_eq!(normalize(&louder).ok(), normalize(&input).ok());
            }
        }
    }
}
