//! Writes files that are shaped like the FCC's availability data, with invented providers.
//!
//! ```sh
//! cargo run --release -p hum-adapters --example generate_bdc -- many 5000000 /tmp/bdc   # for measurements
//! cargo run -p hum-adapters --example generate_bdc -- sample hum-adapters/data/sample/availability.csv
//! ```

#![forbid(unsafe_code)]

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use h3o::{CellIndex, LatLng, Resolution};

const HEADER: &str = "frn,provider_id,brand_name,location_id,technology,max_advertised_download_speed,\
    max_advertised_upload_speed,low_latency,business_residential_code,state_usps,block_geoid,h3_res8_id";

/// The same numbers for the same inputs, everywhere (SplitMix64).
fn mix(a: u64, b: u64) -> u64 {
    let mut x = a.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ b.wrapping_add(0x2545_f491_4f6c_dd1d);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// True for `percent` of 100 inputs.
fn often(percent: u64, a: u64, b: u64) -> bool {
    mix(a, b) % 100 < percent
}

struct Provider {
    id: u64,
    brand: String,
    technology: u8,
    download: u32,
    upload: u32,
    /// Of the regions, the cells in them, and the locations in those, in percent.
    reach: [u64; 3],
}

struct Location {
    id: u64,
    block: u64,
    cell: CellIndex,
    region: u64,
}

impl Provider {
    fn row(&self, out: &mut dyn Write, location: &Location, state: &str) -> std::io::Result<()> {
        let quoted = if self.brand.contains(',') {
            format!("\"{}\"", self.brand)
        } else {
            self.brand.clone()
        };
        let (frn, low) = (
            5_937_974 + self.id * 7919 % 900_000,
            u8::from(self.technology != 60),
        );
        // Every seventh place has slower lines; every thirtieth row is for businesses or homes
        // only.
        let slower = if mix(location.block, self.id).is_multiple_of(7) {
            2
        } else {
            1
        };
        let code = match mix(location.id, self.id) % 60 {
            0 => 'B',
            1 => 'R',
            _ => 'X',
        };
        let Location {
            id, block, cell, ..
        } = location;
        let (technology, download, upload) = (
            self.technology,
            self.download / slower,
            self.upload / slower,
        );
        writeln!(
            out,
            "{frn:010},{},{quoted},{id},{technology},{download},{upload},{low},{code},{state},{block:015},{cell}",
            130_000 + self.id
        )
    }

    fn serves(&self, location: &Location) -> bool {
        let salt = self.id * 100 + u64::from(self.technology);
        let [regions, cells, locations] = self.reach;
        often(regions, location.region, salt)
            && often(cells, u64::from(location.cell), salt)
            && often(locations, location.id, salt)
    }
}

fn provider(id: u64, brand: &str, technology: u8, speeds: (u32, u32), reach: [u64; 3]) -> Provider {
    Provider {
        id,
        brand: brand.into(),
        technology,
        download: speeds.0,
        upload: speeds.1,
        reach,
    }
}

/// Locations in the cells around a point.
fn locations(
    around: (f64, f64),
    radius: u32,
    county: u64,
    first: u64,
    count: &dyn Fn(CellIndex) -> u64,
) -> Vec<Location> {
    let center = LatLng::new(around.0, around.1)
        .expect("a place")
        .to_cell(Resolution::Eight);
    let mut id = first;
    let mut all = Vec::new();
    for cell in center.grid_disk_safe(radius) {
        let region = cell.parent(Resolution::Five).map_or(0, u64::from);
        let in_cell = count(cell);
        for number in 0..in_cell {
            // A block has about 20 locations; a tract has 4 digits and 2, a block 4 that do not
            // begin with 0.
            let block = mix(u64::from(cell), number / 20);
            all.push(Location {
                id,
                block: county * 10_000_000_000 + block % 900_000 * 10_000 + 1_000 + block % 97,
                cell,
                region,
            });
            id += 1;
        }
    }
    all
}

/// A state's worth of files, one for each technology.
fn many(rows: u64, folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut providers = vec![
        provider(
            1,
            "Example Geostationary Networks",
            60,
            (100, 3),
            [100, 100, 100],
        ),
        provider(2, "Example Sky, Inc.", 60, (150, 10), [100, 100, 100]),
        provider(
            3,
            "Example Low Orbit Satellites",
            61,
            (280, 30),
            [100, 100, 100],
        ),
        provider(
            4,
            "Example Cellular Communications",
            71,
            (300, 20),
            [100, 80, 60],
        ),
        provider(
            5,
            "Example Mobile Home Internet",
            71,
            (400, 40),
            [100, 60, 50],
        ),
        provider(
            6,
            "Example Cable Communications, LLC",
            40,
            (1_200, 35),
            [70, 98, 95],
        ),
        provider(
            7,
            "Example Coax of the Great Lakes",
            40,
            (1_000, 20),
            [25, 95, 92],
        ),
        provider(
            8,
            "Example Bell Telephone Company",
            10,
            (100, 20),
            [90, 90, 70],
        ),
        provider(
            8,
            "Example Bell Telephone Company",
            50,
            (5_000, 5_000),
            [60, 60, 80],
        ),
    ];
    for id in 20..60 {
        providers.push(provider(
            id,
            &format!("Example Fiber Cooperative {id}"),
            50,
            (1_000, 1_000),
            [8, 50, 80],
        ));
        providers.push(provider(
            id + 100,
            &format!("Example Wireless of County {id}"),
            70,
            (100, 10),
            [6, 70, 60],
        ));
    }
    // About eight rows a location of about 40 in a cell.
    let cells = rows / 8 / 39 + 8;
    let radius = (0..).find(|k| 3 * k * (k + 1) + 1 >= cells).unwrap_or(1);
    let density = |cell: CellIndex| 5 + mix(u64::from(cell), 1) % 36 + mix(u64::from(cell), 2) % 36;
    let all = locations(
        (42.5017, -83.2863),
        u32::try_from(radius).unwrap_or(1),
        26_125,
        1_000_000_001,
        &density,
    );
    let mut left = rows;
    for (code, name) in [
        (40, "Cable"),
        (10, "Copper"),
        (50, "FiberToThePremises"),
        (71, "LicensedFixedWireless"),
        (70, "UnlicensedFixedWireless"),
        (61, "NGSOSatellite"),
        (60, "GSOSatellite"),
    ] {
        let path = folder.join(format!("bdc_26_{name}_fixed_broadband_J25_14nov2025.csv"));
        let mut out = BufWriter::new(File::create(path)?);
        writeln!(out, "{HEADER}")?;
        for provider in providers
            .iter()
            .filter(|provider| provider.technology == code)
        {
            for location in all.iter().filter(|location| provider.serves(location)) {
                if left > 0 {
                    left -= 1;
                    provider.row(&mut out, location, "MI")?;
                }
            }
        }
        out.flush()?;
    }
    eprintln!("{} rows, {} locations", rows - left, all.len());
    Ok(())
}

/// The sample that hum answers from until somebody imports data.
fn sample(path: &Path) -> std::io::Result<()> {
    let everywhere = [100, 100, 100];
    let satellites = [
        provider(901, "Example Orbit (sample)", 61, (250, 25), everywhere),
        provider(
            902,
            "Example Geostationary (sample)",
            60,
            (100, 3),
            everywhere,
        ),
    ];
    let on_the_ground = [
        provider(
            903,
            "Example Fiber (sample)",
            50,
            (2_000, 2_000),
            [100, 85, 90],
        ),
        provider(
            904,
            "Example Cable (sample)",
            40,
            (1_200, 40),
            [100, 97, 100],
        ),
        provider(
            905,
            "Example Telephone (sample)",
            10,
            (50, 10),
            [100, 70, 75],
        ),
        provider(
            906,
            "Example Wireless (sample)",
            71,
            (300, 20),
            [100, 60, 70],
        ),
    ];
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(out, "{HEADER}")?;
    let four = |_: CellIndex| 4;
    for (around, radius, county, state, first, ground) in [
        ((42.4969, -83.2910), 6, 26_125, "MI", 9_000_000_001, true), // 48034 Southfield
        ((30.2706, -97.7426), 2, 48_453, "TX", 9_000_100_001, true), // 78701 Austin
        ((44.4752, -73.2179), 2, 50_007, "VT", 9_000_200_001, true), // 05401 Burlington
        ((38.0672, -117.2301), 3, 32_023, "NV", 9_000_300_001, false), // 89049 Tonopah: satellites only
        ((38.3910, -116.3993), 3, 32_023, "NV", 9_000_400_001, false), // the middle of 89049
    ] {
        for location in locations(around, radius, county, first, &four) {
            for provider in satellites
                .iter()
                .chain(on_the_ground.iter().filter(|_| ground))
            {
                if provider.serves(&location) {
                    provider.row(&mut out, &location, state)?;
                }
            }
        }
    }
    out.flush()
}

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["many", rows, folder] => many(rows.parse().expect("a number of rows"), Path::new(folder)),
        ["sample", path] => sample(Path::new(path)),
        _ => {
            eprintln!("generate_bdc many ROWS FOLDER | generate_bdc sample FILE");
            Ok(())
        }
    }
}
