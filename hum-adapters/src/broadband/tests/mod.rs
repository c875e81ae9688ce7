//! Rules of the map as a whole. What one file does alone is tested in that file; kills are in
//! `tests/process/import.rs`.

mod damage;
mod evidence;
mod plans;
mod replaced;
mod sample;

use std::path::Path;

use hum_core::{
    broadband::{BroadbandMap, Coverage, Place, Provider},
    clock::Timestamp,
    geocode::{Coordinates, Precision},
};

use super::{
    LocalBroadbandMap,
    import::{FccImport, ImportError, Imported},
};

/// The reference address: 29090 Tiffany Drive E, Southfield, Michigan.
const HERE: Coordinates = Coordinates {
    latitude: 42.501_721_339_274,
    longitude: -83.286_263_465_881,
};

const HEADER: &str = "frn,provider_id,brand_name,location_id,technology,max_advertised_download_speed,\
    max_advertised_upload_speed,low_latency,business_residential_code,state_usps,block_geoid,h3_res8_id";

/// 2026-11-22T00:00:00Z.
fn now() -> Timestamp {
    "2026-11-22T00:00:00Z".parse().unwrap()
}

fn place(precision: Precision, block: Option<&str>) -> Place {
    Place {
        position: HERE,
        precision,
        block_geoid: block.map(str::to_owned),
        zip5: Some("48034".into()),
    }
}

/// The cell of the reference address, and the one beside it in some direction.
fn cell(beside: usize) -> String {
    let center = h3o::LatLng::new(HERE.latitude, HERE.longitude)
        .unwrap()
        .to_cell(h3o::Resolution::Eight);
    center.grid_disk_safe(1).nth(beside).unwrap().to_string()
}

/// A row: provider as `frn/id/brand`, location, technology, speeds as `down/up`, code, block, cell.
fn row(
    provider: &str,
    location: u64,
    technology: u8,
    speeds: &str,
    code: char,
    block: &str,
    cell: &str,
) -> String {
    let provider = provider.replace('/', ",");
    let low = u8::from(technology != 60);
    let speeds = speeds.replace('/', ",");
    format!(
        "{provider},{},{technology},{speeds},{low},{code},MI,{block},{cell}",
        1_000_000_000 + location
    )
}

fn import(folder: &Path, vintage: &str, rows: &[String]) -> Result<Imported, ImportError> {
    let file = folder.join(format!("bdc_26_Test_fixed_broadband_{vintage}.csv"));
    std::fs::write(&file, format!("{HEADER}\n{}\n", rows.join("\n"))).unwrap();
    FccImport {
        folder: folder.to_owned(),
        files: vec![file],
        vintage: None,
        restart: false,
        skip_bad_rows: false,
        rows_per_run: 3,
    }
    .run(&mut |_| ())
}

/// An answer that needs no waiting, as [`hum_core::geocode::Reach::Local`] promises.
fn ask(map: &LocalBroadbandMap, place: &Place, at: Timestamp) -> Coverage {
    let mut asking = std::pin::pin!(map.providers_at(place, at));
    match asking
        .as_mut()
        .poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
    {
        std::task::Poll::Ready(answer) => answer.unwrap(),
        std::task::Poll::Pending => panic!("a local map does not wait"),
    }
}

fn named<'a>(coverage: &'a Coverage, brand: &str) -> &'a Provider {
    coverage
        .providers
        .iter()
        .find(|provider| provider.provider_name == brand)
        .unwrap_or_else(|| panic!("no {brand}"))
}

fn brands(coverage: &Coverage) -> Vec<&str> {
    coverage
        .providers
        .iter()
        .map(|provider| provider.provider_name.as_str())
        .collect()
}
