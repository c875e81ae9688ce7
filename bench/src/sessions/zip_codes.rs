//! ZIP codes and the cells around their middles, from the table that hum is built with and the
//! peers read.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

use h3o::{CellIndex, LatLng, Resolution};

use crate::server;

/// A ZIP code whose middle has a cell of its own.
pub struct ZipCode {
    pub zip: String,
    pub state: String,
    pub city: String,
    /// The cell of the middle, then the six around it.
    pub cells: Vec<CellIndex>,
}

/// `48034\tMI\t42.4969\t-83.2910\t25\tSOUTHFIELD`, sorted by ZIP code.
pub fn table() -> PathBuf {
    server::repository().join("hum-adapters/data/zip/zip.tsv")
}

/// About `count` of them from all over the country.
pub fn spread(table: &Path, count: usize) -> io::Result<Vec<ZipCode>> {
    let text = std::fs::read_to_string(table)?;
    let mut taken = BTreeSet::new();
    let all: Vec<ZipCode> = text
        .lines()
        .filter_map(parse)
        .filter(|zip| zip.cells.iter().all(|cell| taken.insert(*cell)))
        .collect();
    let stride = (all.len() / count.max(1)).max(1);
    Ok(all.into_iter().step_by(stride).take(count).collect())
}

fn parse(line: &str) -> Option<ZipCode> {
    let mut fields = line.split('\t');
    let (zip, state) = (fields.next()?.to_owned(), fields.next()?.to_owned());
    let middle = LatLng::new(fields.next()?.parse().ok()?, fields.next()?.parse().ok()?).ok()?;
    let city = fields.nth(1)?.to_owned();
    let cells: Vec<CellIndex> = middle
        .to_cell(Resolution::Eight)
        .grid_disk_fast(1)
        .collect::<Option<_>>()?;
    Some(ZipCode {
        zip,
        state,
        city,
        cells,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_two_share_a_cell() {
        let zips = super::spread(&super::table(), 5_000).expect("the table");
        let cells: std::collections::BTreeSet<_> =
            zips.iter().flat_map(|zip| zip.cells.clone()).collect();
        assert_eq!((zips.len(), cells.len()), (5_000, 35_000));
    }
}
