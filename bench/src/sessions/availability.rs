//! Who serves whom, shaped like the FCC's availability files: ten locations around the middle of
//! every ZIP code.

use std::{
    fs::File,
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use super::{providers::Providers, zip_codes::ZipCode};

/// The release that the file's name says.
pub const VINTAGE: &str = "J25-14nov2025";
const NAME: &str = "bdc_99_All_fixed_broadband_J25_14nov2025.csv";
const HEADER: &str = "frn,provider_id,brand_name,location_id,technology,max_advertised_download_speed,\
    max_advertised_upload_speed,low_latency,business_residential_code,state_usps,block_geoid,h3_res8_id";
/// Per ZIP code, in its seven cells.
const LOCATIONS: usize = 10;
/// What all networks of a ZIP code reach, together.
const ROWS_PER_ZIP: usize = 38;

/// How many ZIP codes make so many rows.
pub fn zip_codes_for(rows: usize) -> usize {
    rows.div_ceil(ROWS_PER_ZIP)
}

/// Writes the file.
pub fn write(folder: &Path, zips: &[ZipCode], providers: &Providers) -> io::Result<PathBuf> {
    let path = folder.join(NAME);
    let mut out = BufWriter::new(File::create(&path)?);
    writeln!(out, "{HEADER}")?;
    for (number, zip) in zips.iter().enumerate() {
        for provider in providers.around(number) {
            for network in &provider.networks {
                for place in 0..network.reach.min(LOCATIONS) {
                    let cell = zip.cells[place % zip.cells.len()];
                    writeln!(
                        out,
                        "{:010},{},{},{},{},{},{},1,X,{},26{}{:08},{cell}",
                        provider.frn(),
                        provider.id,
                        provider.brand,
                        1_000_000_000 + number * LOCATIONS + place,
                        network.code,
                        network.download,
                        network.upload,
                        zip.state,
                        zip.zip,
                        10_001_001 + place % zip.cells.len(),
                    )?;
                }
            }
        }
    }
    out.flush()?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zip_code_has_as_many_rows_as_are_counted_on() {
        let zips = crate::sessions::zip_codes::spread(&crate::sessions::zip_codes::table(), 10)
            .expect("the table");
        let folder = tempfile::tempdir().expect("a folder");
        let path = write(folder.path(), &zips, &Providers::invent()).expect("a file");
        let text = std::fs::read_to_string(path).expect("the file");
        assert_eq!(text.lines().count(), 1 + 10 * ROWS_PER_ZIP);
        assert!(
            text.lines()
                .all(|line| line.split(',').count() == HEADER.split(',').count())
        );
    }
}
