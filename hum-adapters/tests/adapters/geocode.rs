//! The geocoders on the web against servers that answer what theirs answer, and against bad ones.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use axum::response::IntoResponse as _;
use hum_adapters::{
    clock::SystemClock,
    geocode::{self, Census, HttpConfig, Nominatim, Settings, Source},
};
use hum_core::{
    address::{Address, State},
    clock::{Clock, Timestamp},
    geocode::{Candidate, Coordinates, Geocoder, MatchType, Precision, Reach, SourceError},
};
use serde_json::{Value, json};

use super::{
    server::{Do, Rude, Server, json as answer},
    zip_table::address,
};

/// Shows the time that the test sets, and keeps what it was asked to wait instead of waiting.
#[derive(Default)]
pub struct StillClock {
    pub now: Mutex<Duration>,
    pub waits: Mutex<Vec<Duration>>,
}

#[async_trait]
impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(0)
    }

    fn monotonic(&self) -> Duration {
        *self.now.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        self.waits.lock().unwrap().push(duration);
    }
}

fn config(url: &str) -> HttpConfig {
    HttpConfig {
        base_url: url.into(),
        user_agent: "tests (ops@hum.example)".into(),
        timeout: Duration::from_millis(900),
    }
}

fn census(url: &str) -> Census {
    Census::new(config(&format!("{url}/geocoder"))).unwrap()
}

fn nominatim(url: &str) -> Nominatim {
    Nominatim::new(config(url), Arc::new(StillClock::default())).unwrap()
}

fn both(url: &str) -> [(&'static str, Box<dyn Geocoder>); 2] {
    [
        ("census", Box::new(census(url))),
        ("nominatim", Box::new(nominatim(url))),
    ]
}

/// A street that is written alike by everybody.
fn broadway() -> Address {
    let street = "120 BROADWAY".into();
    Address {
        street,
        unit: None,
        ..address(Some("NEW YORK"), Some(State::NewYork), Some("10271"))
    }
}

async fn found(geocoder: &dyn Geocoder, asked: &Address) -> Vec<Candidate> {
    let answer = geocoder.geocode(asked, None).await.unwrap();
    assert_eq!(answer.problems, Vec::<String>::new());
    answer.candidates
}

/// As <https://geocoding.geo.census.gov/geocoder/Geocoding_Services_API.html> shows it, without
/// most geographies.
fn census_answer(matches: &[Value]) -> Value {
    json!({ "result": {
        "input": {
            "address": { "zip": "10271", "city": "NEW YORK", "street": "120 BROADWAY", "state": "NY" },
            "vintage": { "isDefault": true, "id": "4", "vintageName": "Current_Current", "vintageDescription": "Current Vintage - Current Benchmark" },
            "benchmark": { "isDefault": true, "benchmarkDescription": "Public Address Ranges - Current Benchmark", "id": "4", "benchmarkName": "Public_AR_Current" },
        },
        "addressMatches": matches,
    } })
}

fn census_match(street: &str, (city, state, zip): (&str, &str, &str), (x, y): (f64, f64)) -> Value {
    json!({
        "tigerLine": { "side": "L", "tigerLineId": "59659402" },
        "geographies": {
            "States": [{ "STATENS": "01779796", "GEOID": "36", "CENTLAT": "+42.9133974", "NAME": "New York", "STUSAB": "NY", "STATE": "36" }],
            "Counties": [{ "GEOID": "36061", "NAME": "New York County", "STATE": "36", "COUNTY": "061" }],
            "Census Tracts": [{ "GEOID": "36061000700", "NAME": "Census Tract 7", "TRACT": "000700" }],
            "2020 Census Blocks": [{ "SUFFIX": "", "GEOID": "360610007001012", "CENTLAT": "+40.7084", "BLOCK": "1012", "AREAWATER": 0, "STATE": "36", "BASENAME": "1012", "OID": "210703970092384", "LSADC": "BK", "INTPTLAT": "+40.7084", "FUNCSTAT": "S", "NAME": "Block 1012", "TRACT": "000700", "BLKGRP": "1", "COUNTY": "061" }],
        },
        "coordinates": { "x": x, "y": y },
        "addressComponents": {
            "zip": zip, "streetName": "BROADWAY", "preType": "", "city": city, "preDirection": "", "suffixDirection": "",
            "fromAddress": "100", "state": state, "suffixType": "", "toAddress": "120", "suffixQualifier": "", "preQualifier": "",
        },
        "matchedAddress": format!("{street}, {city}, {state}, {zip}"),
    })
}

const NEW_YORK: (&str, &str, &str) = ("NEW YORK", "NY", "10271");
const HERE: (f64, f64) = (-74.010_596_1, 40.708_343_2);

async fn census_server(matches: Vec<Value>) -> Server {
    Server::start(move |_| answer(200, census_answer(&matches))).await
}

#[tokio::test]
async fn census_is_asked_for_the_parts_and_answers_with_the_block() {
    let server = census_server(vec![census_match("120 BROADWAY", NEW_YORK, HERE)]).await;
    let census = census(&server.url());
    let expected = Candidate {
        address: broadway(),
        position: Coordinates {
            latitude: 40.708_343_2,
            longitude: -74.010_596_1,
        },
        match_type: MatchType::Exact,
        precision: Precision::Range,
        block_geoid: Some("360610007001012".into()),
        source: "census".into(),
    };
    assert_eq!(found(&census, &broadway()).await, [expected]);
    assert_eq!(census.reach(), Reach::Remote);
    let seen = server.seen();
    assert_eq!(
        (seen.len(), seen[0].uri.path()),
        (1, "/geocoder/geographies/address")
    );
    assert_eq!(seen[0].headers["user-agent"], "tests (ops@hum.example)");
    let query = seen[0].query();
    let query: Vec<_> = query
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    let parts = [
        ("street", "120 BROADWAY"),
        ("city", "NEW YORK"),
        ("state", "NY"),
        ("zip", "10271"),
    ];
    assert_eq!(query[..4], parts);
    assert_eq!(
        query[4..],
        [
            ("benchmark", "Public_AR_Current"),
            ("vintage", "Current_Current"),
            ("format", "json")
        ]
    );
}

#[tokio::test]
async fn census_completes_what_was_not_given() {
    let server = census_server(vec![census_match("120 BROADWAY", NEW_YORK, HERE)]).await;
    let asked = Address {
        zip5: None,
        unit: Some("FL 7".into()),
        ..broadway()
    };
    let found = found(&census(&server.url()), &asked).await;
    assert_eq!(
        found[0].address,
        Address {
            unit: Some("FL 7".into()),
            ..broadway()
        }
    );
    assert_eq!(found[0].match_type, MatchType::Exact);
    assert!(server.seen()[0].query().iter().all(|(key, _)| key != "zip"));
}

#[tokio::test]
async fn a_census_match_that_differs_is_inexact() {
    for (street, place) in [
        ("122 BROADWAY", NEW_YORK),
        ("120 BROADWAY", ("NEW YORK", "NY", "10005")),
    ] {
        let server = census_server(vec![census_match(street, place, HERE)]).await;
        let found = found(&census(&server.url()), &broadway()).await;
        assert_eq!(found[0].match_type, MatchType::Inexact);
        assert_eq!(
            (
                found[0].address.street.as_str(),
                found[0].address.zip5.as_deref()
            ),
            (street, Some(place.2))
        );
    }
}

#[tokio::test]
async fn a_city_is_compared_where_no_zip_code_agrees() {
    let elsewhere = ("BUFFALO", "NY", "14203");
    let server = census_server(vec![census_match(
        "120 BROADWAY",
        elsewhere,
        (-78.87, 42.88),
    )])
    .await;
    let asked = Address {
        zip5: None,
        ..broadway()
    };
    let found_there = found(&census(&server.url()), &asked).await;
    assert_eq!(
        (
            found_there[0].match_type,
            found_there[0].address.city.as_deref()
        ),
        (MatchType::Inexact, Some("BUFFALO"))
    );

    let server =
        Server::start(|_| answer(200, json!([nominatim_place(HOUSE, Some("120"), HERE)]))).await;
    let found_here = found(
        &nominatim(&server.url()),
        &Address {
            city: Some("NEWYORK".into()),
            ..asked.clone()
        },
    )
    .await;
    assert_eq!(
        (
            found_here[0].match_type,
            found_here[0].address.city.as_deref()
        ),
        (MatchType::Exact, Some("NEWYORK"))
    );
    let found_here = found(
        &nominatim(&server.url()),
        &Address {
            city: None,
            ..asked
        },
    )
    .await;
    assert_eq!(found_here[0].address, broadway());
}

#[tokio::test]
async fn a_tie_is_several_candidates_but_one_place_is_one() {
    let near = (HERE.0 + 0.0005, HERE.1);
    let queens = ("NEW YORK", "NY", "11101");
    let far = (-73.94, 40.75);
    let jersey = ("NEW YORK", "NJ", "07001");
    let server = census_server(vec![
        census_match("120 BROADWAY", NEW_YORK, HERE),
        census_match("120 BROADWAY", NEW_YORK, near),
        census_match("120 BROADWAY", queens, far),
        census_match("120 BROADWAY", jersey, (-74.2, 40.6)),
    ])
    .await;
    let found = found(&census(&server.url()), &broadway()).await;
    let zips: Vec<_> = found
        .iter()
        .map(|candidate| candidate.address.zip5.as_deref().unwrap())
        .collect();
    assert_eq!(
        zips,
        ["10271", "11101"],
        "and another state is another address"
    );
}

#[tokio::test]
async fn a_block_is_fifteen_digits_of_2020() {
    for (layer, geoid, expected) in [
        (
            "Census Blocks",
            json!("360610007001012"),
            Some("360610007001012"),
        ),
        ("2010 Census Blocks", json!("360610007001012"), None),
        ("2020 Census Blocks", json!("36061000700"), None),
        ("2020 Census Blocks", json!("36061000700101x"), None),
        ("2020 Census Blocks", json!(360_610_007_001_012_u64), None),
    ] {
        let mut matched = census_match("120 BROADWAY", NEW_YORK, HERE);
        matched["geographies"] = json!({ layer: [{ "GEOID": geoid }] });
        let server = census_server(vec![matched]).await;
        assert_eq!(
            found(&census(&server.url()), &broadway()).await[0]
                .block_geoid
                .as_deref(),
            expected,
            "{layer}"
        );
    }
    let mut matched = census_match("120 BROADWAY", NEW_YORK, HERE);
    matched.as_object_mut().unwrap().remove("geographies");
    let server = census_server(vec![matched]).await;
    assert_eq!(
        found(&census(&server.url()), &broadway()).await[0].block_geoid,
        None
    );
}

#[tokio::test]
async fn no_match_is_an_answer() {
    let server = Server::start(|seen| {
        answer(
            200,
            if seen.uri.path() == "/search" {
                json!([])
            } else {
                census_answer(&[])
            },
        )
    })
    .await;
    for (_, geocoder) in both(&server.url()) {
        assert_eq!(found(&*geocoder, &broadway()).await, []);
    }
    // The Bureau answers 400 without a ZIP code or a city with its state, so it is not asked.
    let street_only = Address {
        city: None,
        zip5: None,
        ..broadway()
    };
    assert_eq!(found(&census(&server.url()), &street_only).await, []);
    assert_eq!(server.seen().len(), 2);
}

/// As <https://nominatim.org/release-docs/latest/api/Output/> shows it.
fn nominatim_place(
    (osm_type, category, kind): (&str, &str, &str),
    number: Option<&str>,
    (lon, lat): (f64, f64),
) -> Value {
    let mut place = json!({
        "place_id": 334_021_437, "licence": "Data © OpenStreetMap contributors, ODbL 1.0. http://osm.org/copyright",
        "osm_type": osm_type, "osm_id": 265_915_551, "lat": lat.to_string(), "lon": lon.to_string(),
        "category": category, "type": kind, "place_rank": if number.is_some() { 30 } else { 26 },
        "importance": 0.000_083, "addresstype": if category == "place" { "place" } else { category }, "name": "",
        "display_name": "120, Broadway, Financial District, Manhattan, New York County, City of New York, New York, 10271, United States",
        "address": {
            "road": "Broadway", "quarter": "Financial District", "suburb": "Manhattan", "county": "New York County",
            "city": "City of New York", "state": "New York", "ISO3166-2-lvl4": "US-NY", "postcode": "10271",
            "country": "United States", "country_code": "us",
        },
        "boundingbox": ["40.7079", "40.7087", "-74.0112", "-74.0100"],
    });
    if let Some(number) = number {
        place["address"]["house_number"] = number.into();
    }
    place
}

const HOUSE: (&str, &str, &str) = ("node", "place", "house");
const BUILDING: (&str, &str, &str) = ("way", "building", "yes");
const CALCULATED: (&str, &str, &str) = ("way", "place", "house");
const STREET: (&str, &str, &str) = ("way", "highway", "primary");
const POSTCODE: (&str, &str, &str) = ("relation", "place", "postcode");

async fn nominatim_finds(places: Vec<Value>) -> Vec<Candidate> {
    let server = Server::start(move |_| answer(200, places.clone().into())).await;
    found(&nominatim(&server.url()), &broadway()).await
}

#[tokio::test]
async fn nominatim_is_asked_for_the_parts_and_answers_with_the_house() {
    let server =
        Server::start(|_| answer(200, json!([nominatim_place(BUILDING, Some("120"), HERE)]))).await;
    let nominatim = nominatim(&server.url());
    let expected = Candidate {
        address: broadway(),
        position: Coordinates {
            latitude: 40.708_343_2,
            longitude: -74.010_596_1,
        },
        match_type: MatchType::Exact,
        precision: Precision::Rooftop,
        block_geoid: None,
        source: "nominatim".into(),
    };
    assert_eq!(found(&nominatim, &broadway()).await, [expected]);
    assert_eq!(nominatim.reach(), Reach::Remote);
    let seen = server.seen();
    assert_eq!(
        (seen[0].uri.path(), &seen[0].headers["user-agent"]),
        ("/search", &"tests (ops@hum.example)".parse().unwrap())
    );
    let query = seen[0].query();
    let query: Vec<_> = query
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    let parts = [
        ("street", "120 BROADWAY"),
        ("city", "NEW YORK"),
        ("state", "NY"),
        ("postalcode", "10271"),
    ];
    assert_eq!(query[..4], parts);
    assert_eq!(
        query[4..],
        [
            ("countrycodes", "us"),
            ("format", "jsonv2"),
            ("addressdetails", "1"),
            ("limit", "5")
        ]
    );
}

#[tokio::test]
async fn nominatims_kinds_have_their_precision_and_what_is_only_near_is_no_match() {
    for (kind, number, expected) in [
        (HOUSE, Some("120"), Some(Precision::Rooftop)),
        (BUILDING, Some("118;120"), Some(Precision::Rooftop)),
        (
            ("node", "amenity", "bank"),
            Some("120"),
            Some(Precision::Rooftop),
        ),
        (CALCULATED, Some("120"), Some(Precision::Range)),
        (POSTCODE, None, Some(Precision::ZipCentroid)),
        (STREET, None, None),
        (HOUSE, Some("1200"), None),
        (BUILDING, None, None),
        (("relation", "boundary", "administrative"), None, None),
    ] {
        let found = nominatim_finds(vec![nominatim_place(kind, number, HERE)]).await;
        assert_eq!(
            found.iter().map(|found| found.precision).next(),
            expected,
            "{kind:?} {number:?}"
        );
    }
    let area = nominatim_finds(vec![nominatim_place(POSTCODE, None, HERE)]).await;
    assert_eq!(
        (area[0].match_type, area[0].address.zip5.as_deref()),
        (MatchType::Area, Some("10271"))
    );
}

#[tokio::test]
async fn nominatims_best_precision_is_the_answer() {
    let near = (HERE.0 + 0.0005, HERE.1);
    let far = (-73.9, 40.8);
    let found = nominatim_finds(vec![
        nominatim_place(CALCULATED, Some("120"), far),
        nominatim_place(POSTCODE, None, far),
        nominatim_place(BUILDING, Some("120"), HERE),
        nominatim_place(("node", "amenity", "bank"), Some("120"), near),
    ])
    .await;
    assert_eq!((found.len(), found[0].precision), (1, Precision::Rooftop));

    let mut other_state = nominatim_place(HOUSE, Some("120"), HERE);
    other_state["address"]["ISO3166-2-lvl4"] = "US-NJ".into();
    let mut other_zip = nominatim_place(HOUSE, Some("120"), far);
    other_zip["address"]["postcode"] = "10005-1234".into();
    let found = nominatim_finds(vec![other_state, other_zip]).await;
    assert_eq!(
        (
            found.len(),
            found[0].match_type,
            found[0].address.zip5.as_deref()
        ),
        (1, MatchType::Inexact, Some("10005"))
    );
}

#[tokio::test]
async fn nominatim_is_asked_once_a_second_by_all_together() {
    let server = Server::start(|_| answer(200, json!([]))).await;
    let clock = Arc::new(StillClock::default());
    let nominatim = Nominatim::new(config(&server.url()), clock.clone()).unwrap();
    *clock.now.lock().unwrap() = Duration::from_secs(1000);
    let asked = broadway();
    let ask = || nominatim.geocode(&asked, None);
    let (one, two, three) = tokio::join!(ask(), ask(), ask());
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    *clock.now.lock().unwrap() = Duration::from_millis(1_002_500);
    ask().await.unwrap();
    *clock.now.lock().unwrap() = Duration::from_secs(2000);
    ask().await.unwrap();
    let waits: Vec<_> = clock
        .waits
        .lock()
        .unwrap()
        .iter()
        .map(Duration::as_millis)
        .collect();
    assert_eq!(waits, [0, 1000, 2000, 500, 0]);

    // A rush is turned away before it waits for minutes.
    let mut unavailable = 0;
    for _ in 0..40 {
        unavailable += usize::from(matches!(ask().await, Err(SourceError::Unavailable { .. })));
    }
    assert_eq!((unavailable, server.seen().len()), (20, 25));
}

fn is_unavailable(error: &SourceError) -> bool {
    match error {
        SourceError::Unavailable { .. } => true,
        SourceError::Refused { .. } => false,
    }
}

async fn failure(geocoder: &dyn Geocoder) -> SourceError {
    let error = geocoder.geocode(&broadway(), None).await.unwrap_err();
    assert!(
        !error.to_string().to_uppercase().contains("BROADWAY"),
        "an error goes to logs: {error}"
    );
    error
}

#[tokio::test]
async fn a_status_says_whether_to_ask_again() {
    for (status, again) in [
        (500, true),
        (502, true),
        (503, true),
        (429, true),
        (408, true),
        (400, false),
        (403, false),
        (404, false),
        (302, false),
    ] {
        let elsewhere = Server::start(|_| answer(200, json!([]))).await;
        let url = elsewhere.url();
        let server = Server::start(move |_| {
            let mut response = answer(
                status,
                json!({ "errors": ["120 BROADWAY"], "status": status.to_string() }),
            );
            response
                .headers_mut()
                .insert("location", url.parse().unwrap());
            response
        })
        .await;
        for (name, geocoder) in both(&server.url()) {
            let error = failure(&*geocoder).await;
            assert_eq!(is_unavailable(&error), again, "{error}");
            assert!(
                error.to_string().ends_with(&format!("HTTP {status}"))
                    && error.to_string().starts_with(name),
                "{error}"
            );
        }
        assert_eq!(
            (server.seen().len(), elsewhere.seen().len()),
            (2, 0),
            "one request each, and nobody else is asked"
        );
    }
}

#[tokio::test]
async fn a_bad_connection_is_worth_asking_again() {
    let head = |length: usize| {
        Do::Write(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n").into_bytes())
    };
    let mut dripping = vec![head(100_000)];
    for _ in 0..100 {
        dripping.extend([
            Do::Write(b" ".to_vec()),
            Do::Wait(Duration::from_millis(50)),
        ]);
    }
    for (name, script) in [
        ("hangs", vec![Do::Hang]),
        (
            "hangs within",
            vec![head(100), Do::Write(b"[".to_vec()), Do::Hang],
        ),
        ("drips", dripping),
        ("resets", vec![Do::Reset]),
        ("closes", vec![Do::Close]),
        (
            "closes within",
            vec![head(100), Do::Write(b"[]".to_vec()), Do::Close],
        ),
    ] {
        let server = Rude::start(vec![script]).await;
        for (_, geocoder) in both(&server.url()) {
            let error = failure(&*geocoder).await;
            assert!(is_unavailable(&error), "{name}: {error}");
        }
        assert_eq!(server.requests(), 2, "{name}: no request is repeated");
    }
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for (_, geocoder) in both(&format!("http://{nobody}")) {
        assert!(is_unavailable(&failure(&*geocoder).await));
    }
}

#[tokio::test]
async fn nonsense_is_refused() {
    let moon = census_match("120 BROADWAY", NEW_YORK, (-740.0, 40.7));
    let mut moon_house = nominatim_place(HOUSE, Some("120"), HERE);
    moon_house["lat"] = "940.7".into();
    let deep = "[".repeat(100_000);
    let bodies = [
        String::new(),
        "<html>Sorry".into(),
        "null".into(),
        "{}".into(),
        "[1]".into(),
        r#"{"result":{}}"#.into(),
        r#"{"result":{"addressMatches":[{}]}}"#.into(),
        r#"[{"lat":"x","lon":"1"}]"#.into(),
        deep,
        census_answer(&[moon]).to_string(),
        json!([moon_house]).to_string(),
    ];
    for body in bodies {
        let text = body.clone();
        let server = Server::start(move |_| text.clone().into_response()).await;
        for (_, geocoder) in both(&server.url()) {
            let error = failure(&*geocoder).await;
            assert!(!is_unavailable(&error), "{body:.80}: {error}");
        }
    }
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[".to_vec();
    let server = Rude::start(vec![vec![Do::Write(head), Do::Repeat(vec![b' '; 65_536])]]).await;
    for (_, geocoder) in both(&server.url()) {
        assert!(
            failure(&*geocoder)
                .await
                .to_string()
                .ends_with("the answer is too long")
        );
    }
}

fn settings(source: Source, base_url: Option<String>) -> Settings {
    Settings {
        source,
        base_url,
        timeout: Duration::from_millis(900),
        ..Settings::default()
    }
}

fn assemble(settings: Settings) -> Result<Arc<dyn Geocoder>, String> {
    geocode::assemble(settings, Arc::new(SystemClock::new()))
}

#[tokio::test]
async fn without_configuration_nobody_is_asked() {
    let geocoder = assemble(Settings::default()).unwrap();
    assert_eq!(geocoder.reach(), Reach::Local);
    assert_eq!(
        geocoder
            .geocode(&broadway(), None)
            .await
            .unwrap()
            .candidates[0]
            .source,
        "zip-table"
    );
}

#[tokio::test]
async fn a_dead_network_degrades_to_the_middle_of_the_zip_code() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for source in [Source::Census, Source::Nominatim] {
        let geocoder = assemble(settings(source, Some(format!("http://{nobody}")))).unwrap();
        assert_eq!(geocoder.reach(), Reach::Remote);
        let answer = geocoder.geocode(&broadway(), None).await.unwrap();
        assert_eq!(
            (answer.candidates.len(), answer.candidates[0].precision),
            (1, Precision::ZipCentroid)
        );
        assert!(
            answer.problems.len() == 1 && answer.problems[0].contains(" is unavailable: "),
            "{:?}",
            answer.problems
        );
    }
}

#[tokio::test]
async fn the_network_is_not_asked_where_good_coordinates_are_given() {
    let server = census_server(vec![census_match("120 BROADWAY", NEW_YORK, HERE)]).await;
    let geocoder = assemble(settings(Source::Census, Some(server.url()))).unwrap();
    let near = Coordinates {
        latitude: 40.708,
        longitude: -74.011,
    };
    let given = geocoder.geocode(&broadway(), Some(near)).await.unwrap();
    assert_eq!(
        (given.candidates[0].match_type, server.seen().len()),
        (MatchType::Given, 0)
    );

    let answer = geocoder.geocode(&broadway(), None).await.unwrap();
    assert_eq!(
        (
            answer.candidates[0].source.as_str(),
            answer.problems.len(),
            server.seen().len()
        ),
        ("census", 0, 1)
    );

    let abroad = Coordinates {
        latitude: 48.85,
        longitude: 2.35,
    };
    let answer = geocoder.geocode(&broadway(), Some(abroad)).await.unwrap();
    assert_eq!(
        (answer.candidates[0].source.as_str(), answer.problems.len()),
        ("census", 1)
    );
    assert!(
        answer.problems[0].ends_with("km from the middle of ZIP code 10271; they are not used."),
        "{:?}",
        answer.problems
    );
}

#[test]
fn settings_that_cannot_work_are_refused_with_a_sentence() {
    for url in [
        "",
        "census",
        "ftp://a.example/",
        "https://a.example/?key=1",
        "https://a.example/#a",
    ] {
        assert!(
            assemble(settings(Source::Census, Some(url.into()))).is_err(),
            "{url}"
        );
    }
    let anonymous = assemble(settings(Source::Nominatim, None))
        .map(drop)
        .unwrap_err();
    assert!(anonymous.contains("user agent"), "{anonymous}");
    let named = Settings {
        user_agent: Some("acme (ops@acme.example)".into()),
        ..settings(Source::Nominatim, None)
    };
    assert!(assemble(named).is_ok());
    assert!(
        assemble(settings(
            Source::Nominatim,
            Some("https://nominatim.acme.example".into())
        ))
        .is_ok()
    );
    assert!(assemble(settings(Source::Census, None)).is_ok());
    let broken = Settings {
        user_agent: Some("a\nb".into()),
        ..settings(Source::Census, None)
    };
    assert!(assemble(broken).is_err());
}
