use hum_core::broadband::{Confidence, Grain, Technology};

use super::*;

const BLOCK: &str = "261251630001001";
const OTHER_BLOCK: &str = "261251630001002";

fn map(rows: &[String]) -> (tempfile::TempDir, LocalBroadbandMap) {
    let folder = tempfile::tempdir().unwrap();
    import(folder.path(), "J25_14nov2025", rows).unwrap();
    let map = LocalBroadbandMap::open(folder.path()).unwrap();
    (folder, map)
}

/// Four locations in one block, two in another, all in the cell of the reference address.
fn fiber_in_one_block() -> Vec<String> {
    let mut rows = Vec::new();
    for location in 0..4 {
        rows.push(row(
            "1/11/Fiber",
            location,
            50,
            "1000/1000",
            'X',
            BLOCK,
            &cell(0),
        ));
    }
    for location in 0..6 {
        let block = if location < 4 { BLOCK } else { OTHER_BLOCK };
        rows.push(row("2/22/Sky", location, 60, "100/3", 'X', block, &cell(0)));
    }
    rows
}

#[test]
fn all_locations_of_the_block_confirm_a_provider() {
    let (_folder, map) = map(&fiber_in_one_block());
    let coverage = ask(&map, &place(Precision::Rooftop, Some(BLOCK)), now());
    assert_eq!(brands(&coverage), ["Fiber", "Sky"]);
    let fiber = &coverage.providers[0].evidence;
    assert_eq!(
        (fiber.grain, fiber.confidence),
        (Grain::Block, Confidence::Confirmed)
    );
    assert_eq!(fiber.share_of_locations_served, Some(1.0));
    assert_eq!(
        (fiber.source.as_str(), fiber.vintage.as_str()),
        ("FCC Broadband Data Collection", "J25-14nov2025")
    );
    assert!(fiber.distance_m.unwrap() < 600, "{:?}", fiber.distance_m);
}

#[test]
fn without_a_block_the_cell_counts() {
    let (_folder, map) = map(&fiber_in_one_block());
    for block in [None, Some("261259999999999"), Some("not a block")] {
        let coverage = ask(&map, &place(Precision::Range, block), now());
        assert_eq!(
            brands(&coverage),
            ["Sky", "Fiber"],
            "confirmed comes before faster"
        );
        let fiber = &named(&coverage, "Fiber").evidence;
        assert_eq!(
            (fiber.grain, fiber.confidence),
            (Grain::Cell, Confidence::Likely)
        );
        assert!((fiber.share_of_locations_served.unwrap() - 4.0 / 6.0).abs() < 1e-9);
        assert_eq!(
            named(&coverage, "Sky").evidence.confidence,
            Confidence::Confirmed
        );
    }
}

#[test]
fn a_provider_that_is_not_in_the_known_block_is_unknown() {
    let (_folder, map) = map(&fiber_in_one_block());
    let coverage = ask(&map, &place(Precision::Rooftop, Some(OTHER_BLOCK)), now());
    let fiber = &named(&coverage, "Fiber").evidence;
    assert_eq!(
        (fiber.grain, fiber.confidence),
        (Grain::Cell, Confidence::Unknown)
    );
    // Two locations are too few to confirm anything.
    let sky = &named(&coverage, "Sky").evidence;
    assert_eq!(
        (sky.grain, sky.confidence, sky.share_of_locations_served),
        (Grain::Block, Confidence::Likely, Some(1.0))
    );
}

#[test]
fn a_provider_of_neighbouring_cells_only_is_unknown_and_comes_last() {
    let mut rows = fiber_in_one_block();
    for location in 10..20 {
        rows.push(row(
            "3/33/Beside",
            location,
            50,
            "5000/5000",
            'X',
            "261251630002001",
            &cell(3),
        ));
    }
    let (_folder, map) = map(&rows);
    let coverage = ask(&map, &place(Precision::Rooftop, Some(BLOCK)), now());
    assert_eq!(brands(&coverage), ["Fiber", "Sky", "Beside"]);
    let beside = &coverage.providers[2].evidence;
    assert_eq!(
        (beside.grain, beside.confidence),
        (Grain::Cell, Confidence::Unknown)
    );
    assert_eq!(beside.share_of_locations_served, Some(1.0));
    assert!(
        (300..1_600).contains(&beside.distance_m.unwrap()),
        "{:?}",
        beside.distance_m
    );
}

#[test]
fn a_block_in_two_cells_is_one_block() {
    let mut rows = fiber_in_one_block();
    rows.push(row("2/22/Sky", 30, 60, "100/3", 'X', BLOCK, &cell(2)));
    let (_folder, map) = map(&rows);
    let coverage = ask(&map, &place(Precision::Rooftop, Some(BLOCK)), now());
    assert_eq!(
        named(&coverage, "Fiber").evidence.share_of_locations_served,
        Some(0.8)
    );
    assert_eq!(
        named(&coverage, "Sky").evidence.share_of_locations_served,
        Some(1.0)
    );
}

#[test]
fn the_middle_of_a_zip_code_proves_nothing() {
    let mut rows = fiber_in_one_block();
    for location in 10..14 {
        rows.push(row(
            "2/22/Sky",
            location,
            60,
            "150/3",
            'X',
            "261251630002001",
            &cell(5),
        ));
    }
    let (_folder, map) = map(&rows);
    let coverage = ask(&map, &place(Precision::ZipCentroid, Some(BLOCK)), now());
    assert_eq!(brands(&coverage), ["Fiber", "Sky"]);
    for provider in &coverage.providers {
        assert_eq!(
            (provider.evidence.grain, provider.evidence.confidence),
            (Grain::Zip, Confidence::Unknown)
        );
    }
    assert_eq!(
        named(&coverage, "Fiber").evidence.share_of_locations_served,
        Some(0.4)
    );
    assert_eq!(
        named(&coverage, "Sky").evidence.share_of_locations_served,
        Some(1.0)
    );
    assert_eq!(named(&coverage, "Sky").offerings[0].max_download_speed, 150);
}

#[test]
fn rows_that_are_there_twice_count_once() {
    let mut rows = fiber_in_one_block();
    rows.extend(rows.clone());
    rows.push(row("1/11/Fiber", 0, 50, "2000/500", 'R', BLOCK, &cell(0)));
    let (_folder, map) = map(&rows);
    let coverage = ask(&map, &place(Precision::Rooftop, Some(BLOCK)), now());
    let fiber = named(&coverage, "Fiber");
    assert_eq!(fiber.evidence.share_of_locations_served, Some(1.0));
    assert_eq!(
        (
            fiber.offerings[0].max_download_speed,
            fiber.offerings[0].max_upload_speed
        ),
        (2_000, 1_000)
    );
}

#[test]
fn two_providers_with_one_brand_stay_two() {
    let mut rows = Vec::new();
    for location in 0..4 {
        rows.push(row(
            "1/11/Net",
            location,
            50,
            "1000/1000",
            'X',
            BLOCK,
            &cell(0),
        ));
        rows.push(row(
            "2/22/Net",
            location,
            40,
            "500/20",
            'X',
            BLOCK,
            &cell(0),
        ));
    }
    let (_folder, map) = map(&rows);
    let coverage = ask(&map, &place(Precision::Rooftop, Some(BLOCK)), now());
    assert_eq!(brands(&coverage), ["Net", "Net"]);
    assert_ne!(
        coverage.providers[0].provider_id,
        coverage.providers[1].provider_id
    );
    assert_eq!(
        coverage.providers[0].offerings[0].technology,
        Technology::Fiber
    );
}

#[test]
fn a_provider_with_two_technologies_serves_the_locations_of_both() {
    let mut rows = Vec::new();
    for location in 0..4 {
        // Fiber at two, copper at three; one has both.
        if location < 2 {
            rows.push(row(
                "1/11/Bell",
                location,
                50,
                "1000/1000",
                'X',
                BLOCK,
                &cell(0),
            ));
        }
        if location > 0 {
            rows.push(row("1/11/Bell", location, 10, "50/5", 'X', BLOCK, &cell(0)));
        }
    }
    let (_folder, map) = map(&rows);
    let coverage = ask(&map, &place(Precision::Rooftop, Some(BLOCK)), now());
    let bell = &coverage.providers[..];
    assert_eq!(bell.len(), 1);
    assert_eq!(bell[0].evidence.share_of_locations_served, Some(1.0));
    let technologies: Vec<_> = bell[0]
        .offerings
        .iter()
        .map(|offering| offering.technology)
        .collect();
    assert_eq!(
        technologies,
        [Technology::Fiber, Technology::Dsl],
        "the fastest first"
    );
}

#[test]
fn what_is_for_businesses_only_is_not_answered_but_its_locations_are_known() {
    let mut rows = fiber_in_one_block();
    for location in 4..8 {
        rows.push(row(
            "4/44/Office",
            location + 40,
            50,
            "9000/9000",
            'B',
            BLOCK,
            &cell(0),
        ));
    }
    let (_folder, map) = map(&rows);
    let coverage = ask(&map, &place(Precision::Rooftop, Some(BLOCK)), now());
    assert_eq!(brands(&coverage), ["Fiber", "Sky"]);
    assert_eq!(
        coverage.providers[0].evidence.share_of_locations_served,
        Some(0.5)
    );
}

#[test]
fn codes_of_one_kind_are_one_technology() {
    let rows: Vec<String> = (0..3)
        .flat_map(|location| {
            [(60, "100/3"), (61, "250/25")].map(|(code, speeds)| {
                row("1/11/Orbit", location, code, speeds, 'X', BLOCK, &cell(0))
            })
        })
        .collect();
    let (_folder, map) = map(&rows);
    let coverage = ask(&map, &place(Precision::Rooftop, Some(BLOCK)), now());
    let offerings = &coverage.providers[0].offerings;
    assert_eq!(offerings.len(), 1);
    assert_eq!(
        (offerings[0].technology, offerings[0].max_download_speed),
        (Technology::Satellite, 250)
    );
    assert_eq!(offerings[0].low_latency, Some(true), "of the faster one");
}

#[test]
fn nobody_is_an_empty_list() {
    let (_folder, map) = map(&fiber_in_one_block());
    for (latitude, longitude) in [
        (0.0, 0.0),
        (90.0, 0.0),
        (-90.0, 180.0),
        (39.0, -98.0),
        (f64::NAN, 0.0),
    ] {
        let place = Place {
            position: Coordinates {
                latitude,
                longitude,
            },
            precision: Precision::Rooftop,
            block_geoid: None,
            zip5: None,
        };
        assert!(ask(&map, &place, now()).providers.is_empty());
    }
}
