//! Address sessions as a library: no server, no carrier, no model. An address in; providers, plans
//! and evidence out.
//!
//! `cargo run -p hum-examples --example address_session`

use std::{error::Error, sync::Arc};

use hum_adapters::{
    broadband::LocalBroadbandMap, bus::InProcessBus, cipher::KeyFileCipher, clock::SystemClock,
    entropy::SystemEntropy, geocode::ZipTable, storage::SqliteStore,
};
use hum_core::{
    Hum,
    access::Caller,
    address_session::SessionRequest,
    idempotency::{Answer, Remember},
    organization::NewOrganization,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Both sources are on this machine: a table of ZIP codes, and the data in a folder. This folder
    // has none, so that the sample data answers; `hum import fcc` and `hum import plans` put real
    // data there.
    let data = std::env::temp_dir().join("hum-example-without-data");
    let hum = Hum::builder()
        .storage(SqliteStore::in_memory()?)
        .geocoder(ZipTable)
        .broadband_map(LocalBroadbandMap::open(&data)?)
        .cipher(KeyFileCipher::from_key([42; 32], Arc::new(SystemEntropy)))
        .clock(SystemClock::new())
        .entropy(SystemEntropy)
        .live_bus(InProcessBus::new())
        .build()?;
    let organization = hum
        .organizations()
        .create(NewOrganization {
            slug: "acme".into(),
            name: "Acme".into(),
        })
        .await?;
    let caller = Caller::system(organization.id);

    let request = SessionRequest {
        street1: "29090 Tiffany Drive E".into(),
        zip: Some("48034".into()),
        ..SessionRequest::default()
    };
    let Answer::Fresh(created) = hum
        .address_sessions()
        .create(&caller, request, Remember::nothing())
        .await?
    else {
        unreachable!()
    };
    let found = created.session.found();
    let place = found.place().ok_or("the ZIP code is known")?;
    println!(
        "{} ({} by {})",
        place.address,
        place.precision.as_str(),
        place.source
    );
    for provider in found.providers() {
        let evidence = &provider.evidence;
        println!(
            "  {}: {}, grain {}",
            provider.provider_name,
            evidence.confidence.as_str(),
            evidence.grain.as_str()
        );
        for offering in &provider.offerings {
            let (down, up) = (offering.max_download_speed, offering.max_upload_speed);
            println!("    {} {down}/{up} Mbit/s", offering.technology.as_str());
        }
        for plan in provider
            .product_catalog
            .iter()
            .flat_map(|group| &group.products)
        {
            println!(
                "    {}: ${}.{:02} a month",
                plan.name,
                plan.price.amount_cents / 100,
                plan.price.amount_cents % 100
            );
        }
    }
    assert!(
        !found.providers().is_empty(),
        "the sample data knows this place"
    );

    // The token opens the session until it is closed, or half an hour passed without use.
    let token = created.token.reveal();
    assert!(
        hum.address_sessions()
            .use_session(&caller, token)
            .await?
            .is_some()
    );
    assert!(
        hum.address_sessions()
            .close(&caller, token)
            .await?
            .is_some()
    );
    assert!(
        hum.address_sessions()
            .use_session(&caller, token)
            .await?
            .is_none()
    );
    println!("closed: the token is worth nothing any more");
    Ok(())
}
