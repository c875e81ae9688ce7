//! The table of ZIP codes, asked as the port is asked.

use hum_adapters::geocode::ZipTable;
use hum_core::{
    address::{Address, State},
    geocode::{Candidate, Coordinates, Geocoder as _, Geocoding, MatchType, Precision, Reach},
};

pub fn address(city: Option<&str>, state: Option<State>, zip: Option<&str>) -> Address {
    let (city, zip5) = (city.map(Into::into), zip.map(Into::into));
    Address {
        urbanization: None,
        street: "29090 TIFFANY DR E".into(),
        unit: Some("APT A2".into()),
        city,
        state,
        zip5,
        plus4: None,
    }
}

async fn ask(address: &Address, given: Option<(f64, f64)>) -> Geocoding {
    let given = given.map(|(latitude, longitude)| Coordinates {
        latitude,
        longitude,
    });
    ZipTable.geocode(address, given).await.unwrap()
}

async fn by_zip(zip: &str, given: Option<(f64, f64)>) -> Geocoding {
    ask(&address(None, None, Some(zip)), given).await
}

fn only(answer: Geocoding) -> Candidate {
    assert_eq!(
        (answer.candidates.len(), answer.problems.as_slice()),
        (1, &[][..]),
        "{answer:?}"
    );
    answer.candidates.into_iter().next().unwrap()
}

fn zips(answer: &Geocoding) -> Vec<&str> {
    answer
        .candidates
        .iter()
        .map(|candidate| candidate.address.zip5.as_deref().unwrap())
        .collect()
}

#[tokio::test]
async fn a_zip_code_is_completed_and_placed_in_its_middle() {
    for (zip, city, state, latitude, longitude) in [
        ("48034", "SOUTHFIELD", "MI", 42.497, -83.291),
        ("10001", "NEW YORK", "NY", 40.751, -73.997),
        ("00901", "SAN JUAN", "PR", 18.465, -66.107),
        ("99501", "ANCHORAGE", "AK", 61.217, -149.876),
        ("02108", "BOSTON", "MA", 42.357, -71.066),
        ("60601", "CHICAGO", "IL", 41.885, -87.622),
        ("20500", "WASHINGTON", "DC", 38.897, -77.037),
        ("55101", "SAINT PAUL", "MN", 44.951, -93.088),
        ("76102", "FORT WORTH", "TX", 32.758, -97.329),
        ("96813", "HONOLULU", "HI", 21.313, -157.850),
        ("90210", "BEVERLY HILLS", "CA", 34.100, -118.415),
        ("99503", "ANCHORAGE", "AK", 61.190, -149.894),
        ("99519", "ANCHORAGE", "AK", 61.109, -149.440),
    ] {
        let found = only(by_zip(zip, None).await);
        let said = (
            found.address.city.as_deref(),
            found.address.state.map(State::as_str),
            found.address.zip5.as_deref(),
        );
        assert_eq!(said, (Some(city), Some(state), Some(zip)));
        assert_eq!(
            (found.match_type, found.precision, found.source.as_str()),
            (MatchType::Area, Precision::ZipCentroid, "zip-table")
        );
        assert!(
            found.position.distance_m(Coordinates {
                latitude,
                longitude
            }) < 3_000.0,
            "{zip} {:?}",
            found.position
        );
        assert_eq!(
            (found.address.street.as_str(), found.address.unit.as_deref()),
            ("29090 TIFFANY DR E", Some("APT A2"))
        );
    }
    assert_eq!(ZipTable.reach(), Reach::Local);
}

#[tokio::test]
async fn a_city_that_was_given_is_kept() {
    let found = only(
        ask(
            &address(
                Some("LATHRUP VILLAGE"),
                Some(State::Michigan),
                Some("48076"),
            ),
            None,
        )
        .await,
    );
    assert_eq!(found.address.city.as_deref(), Some("LATHRUP VILLAGE"));
}

#[tokio::test]
async fn an_unknown_or_contradicted_zip_code_is_no_match_and_says_why() {
    for (asked, problem) in [
        (
            address(None, None, Some("00000")),
            "ZIP code 00000 is not known.",
        ),
        (
            address(Some("SOUTHFIELD"), Some(State::California), Some("48034")),
            "ZIP code 48034 is in MI, not in CA.",
        ),
        (
            address(Some("NOWHERE"), Some(State::Michigan), None),
            "NOWHERE, MI is not known; a ZIP code would help.",
        ),
        (
            address(Some("SOUTHFIELD"), None, None),
            "A ZIP code, or a city and a state, is needed.",
        ),
        (
            address(None, None, None),
            "A ZIP code, or a city and a state, is needed.",
        ),
    ] {
        let answer = ask(&asked, Some((42.5, -83.3))).await;
        assert_eq!(
            answer,
            Geocoding {
                candidates: vec![],
                problems: vec![problem.into()]
            }
        );
    }
}

#[tokio::test]
async fn a_city_with_one_zip_code_is_a_match_and_with_several_ambiguous() {
    assert_eq!(
        zips(
            &ask(
                &address(Some("MACKINAC ISLAND"), Some(State::Michigan), None),
                None
            )
            .await
        ),
        ["49757"]
    );

    let southfield = ask(
        &address(Some("SOUTHFIELD"), Some(State::Michigan), None),
        None,
    )
    .await;
    assert_eq!(
        zips(&southfield),
        ["48033", "48034", "48037", "48075", "48076", "48086"]
    );
    assert_eq!(southfield.problems, Vec::<String>::new());

    let chicago = ask(&address(Some("CHICAGO"), Some(State::Illinois), None), None).await;
    assert_eq!((zips(&chicago).len(), zips(&chicago)[0]), (20, "60601"));
    assert!(
        chicago.problems[0].ends_with("ZIP codes; the first 20 are listed."),
        "{:?}",
        chicago.problems
    );
}

#[tokio::test]
async fn coordinates_that_agree_with_the_zip_code_are_the_position() {
    let found = only(by_zip("48034", Some((42.5, -83.3))).await);
    assert_eq!(
        found.position,
        Coordinates {
            latitude: 42.5,
            longitude: -83.3
        }
    );
    assert_eq!(
        (found.match_type, found.precision, found.source.as_str()),
        (MatchType::Given, Precision::Rooftop, "caller")
    );
    assert_eq!(found.address.city.as_deref(), Some("SOUTHFIELD"));

    // 150 km from its middle, and still in it.
    assert_eq!(
        only(by_zip("89049", Some((38.07, -117.23))).await).match_type,
        MatchType::Given
    );
}

#[tokio::test]
async fn coordinates_that_disagree_are_not_used() {
    let ann_arbor = (42.28, -83.74);
    let without_sign = (42.5, 83.3);
    let far = |km| {
        format!(
            "The given coordinates are {km} km from the middle of ZIP code 48034; they are not used."
        )
    };
    let off = || "The given coordinates are not on the map; they are not used.".to_owned();
    let cases = [
        (ann_arbor, far(44)),
        (without_sign, far(10469)),
        ((-83.3, 42.5), far(15140)),
        ((402.5, -83.3), off()),
        ((42.5, -183.3), off()),
        ((f64::NAN, -83.3), off()),
    ];
    for (given, problem) in cases {
        let answer = by_zip("48034", Some(given)).await;
        assert_eq!(answer.problems, [problem]);
        let found = only(Geocoding {
            problems: vec![],
            ..answer
        });
        assert_eq!(
            (found.match_type, found.source.as_str()),
            (MatchType::Area, "zip-table")
        );
    }
}

#[tokio::test]
async fn coordinates_choose_among_the_zip_codes_of_a_city() {
    let chicago = address(Some("CHICAGO"), Some(State::Illinois), None);
    let norwood = only(ask(&chicago, Some((41.985, -87.80))).await);
    assert_eq!(
        (norwood.address.zip5.as_deref(), norwood.match_type),
        (Some("60631"), MatchType::Given)
    );

    let abroad = ask(&chicago, Some((48.85, 2.35))).await;
    assert_eq!(
        abroad.candidates.len(),
        20,
        "coordinates far from the city choose nothing"
    );
    assert!(
        abroad.problems[0].contains("km from CHICAGO, IL"),
        "{:?}",
        abroad.problems
    );
}
