//! `POST /sessions` of different addresses, as bytes that are ready to be written.

use crate::load;

use super::zip_codes::ZipCode;

const NAMES: [&str; 16] = [
    "Oak",
    "Tiffany",
    "Maple",
    "Martin Luther King",
    "Washington",
    "Lake Shore",
    "Second",
    "Pine Hill",
    "Old Mill",
    "Cedar",
    "County Line",
    "Sunset",
    "Church",
    "Meadow",
    "Jefferson",
    "River",
];
const SUFFIXES: [&str; 12] = [
    "Street",
    "Ave",
    "Drive",
    "Rd",
    "Boulevard",
    "Ln",
    "Court",
    "Place",
    "Parkway",
    "Way",
    "Terrace",
    "Circle",
];
const DIRECTIONALS: [&str; 5] = ["", " E", " North", " SW", ""];

/// `count` addresses in a mixed order of ZIP codes, each at most once.
pub fn with_key(key: &str, count: usize, zips: &[ZipCode]) -> Vec<Box<[u8]>> {
    (0..count)
        .map(|number| one(key, number, &zips[number.wrapping_mul(7919) % zips.len()]))
        .collect()
}

fn one(key: &str, number: usize, zip: &ZipCode) -> Box<[u8]> {
    let name = NAMES[number % NAMES.len()];
    let (suffix, directional) = (
        SUFFIXES[number / 7 % SUFFIXES.len()],
        DIRECTIONALS[number / 11 % DIRECTIONALS.len()],
    );
    let house = 100 + number / 3;
    let unit = if number.is_multiple_of(4) {
        format!(r#""street2":"Apt {}","#, number % 97 + 1)
    } else {
        String::new()
    };
    let body = format!(
        r#"{{"street1":"{house} {name} {suffix}{directional}",{unit}"city":"{}","state":"{}","zip":"{}","campaign_id":"bench"}}"#,
        zip.city, zip.state, zip.zip
    );
    let headers = format!(
        "user-agent: hum-bench\r\naccept: application/json\r\nauthorization: Bearer {key}\r\ncontent-type: application/json"
    );
    load::post("/sessions", &headers, &body)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_address_is_another_one() {
        let zips = crate::sessions::zip_codes::spread(&crate::sessions::zip_codes::table(), 100)
            .expect("the table");
        let requests = super::with_key("key", 5_000, &zips);
        assert_eq!(
            requests
                .iter()
                .collect::<std::collections::BTreeSet<_>>()
                .len(),
            5_000
        );
    }
}
