use hum_core::broadband::{Confidence, Technology, TechnologyCategory};

use super::*;

fn map() -> LocalBroadbandMap {
    LocalBroadbandMap::open(Path::new("/no/such/folder")).unwrap()
}

fn at(latitude: f64, longitude: f64, precision: Precision) -> Place {
    Place {
        position: Coordinates {
            latitude,
            longitude,
        },
        precision,
        block_geoid: None,
        zip5: None,
    }
}

#[test]
fn the_sample_answers_at_the_reference_address_with_plans() {
    let map = map();
    assert_eq!(map.reach(), hum_core::geocode::Reach::Local);
    assert!(map.data_set().starts_with("sample-"));
    let coverage = ask(&map, &place(Precision::Rooftop, None), now());
    assert!(coverage.providers.len() >= 4, "{:?}", brands(&coverage));
    assert!(
        coverage
            .providers
            .iter()
            .any(|provider| provider.evidence.confidence == Confidence::Confirmed)
    );
    for provider in &coverage.providers {
        assert!(
            provider.provider_name.ends_with("(sample)"),
            "{}",
            provider.provider_name
        );
        assert_eq!(provider.evidence.source, "hum sample data (synthetic)");
        assert!(
            provider
                .telephone
                .as_deref()
                .is_some_and(|number| number.contains("55501"))
        );
        assert!(
            provider
                .url
                .as_deref()
                .is_some_and(|url| url.starts_with("https://example.com/"))
        );
        assert!(
            provider.min_plan_price.is_some() && !provider.product_catalog.is_empty(),
            "{}",
            provider.provider_name
        );
    }
}

#[test]
fn the_sample_covers_the_whole_zip_code() {
    let map = map();
    for latitude in [42.46, 42.48, 42.50, 42.53] {
        for longitude in [-83.33, -83.30, -83.26] {
            let coverage = ask(
                &map,
                &at(latitude, longitude, Precision::ZipCentroid),
                now(),
            );
            assert!(
                coverage.providers.len() >= 4,
                "{latitude} {longitude}: {:?}",
                brands(&coverage)
            );
        }
    }
}

#[test]
fn the_sample_has_places_in_other_states_and_one_with_satellites_only() {
    let map = map();
    for (latitude, longitude) in [(30.2706, -97.7426), (44.4752, -73.2179)] {
        let coverage = ask(
            &map,
            &at(latitude, longitude, Precision::ZipCentroid),
            now(),
        );
        assert!(
            coverage
                .providers
                .iter()
                .any(|provider| provider.offerings[0].technology == Technology::Fiber)
        );
        let products = coverage
            .providers
            .iter()
            .flat_map(|provider| &provider.product_catalog[0].products);
        assert!(
            products
                .into_iter()
                .all(|product| product.sku != "SAMPLE-FBR-03"),
            "sold in Michigan only"
        );
    }
    for (latitude, longitude) in [(38.0672, -117.2301), (38.3910, -116.3993)] {
        let coverage = ask(
            &map,
            &at(latitude, longitude, Precision::ZipCentroid),
            now(),
        );
        assert_eq!(coverage.providers.len(), 2);
        assert!(
            coverage
                .providers
                .iter()
                .flat_map(|provider| &provider.offerings)
                .all(|offering| offering.technology_category == TechnologyCategory::Satellite)
        );
    }
}
