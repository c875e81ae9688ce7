//! What answers until somebody imports data: invented providers at a few places, so that everything
//! can be tried.

use super::{
    import::{
        gather::Gatherer,
        row::Row,
        rows::{Next, Providers, Rows},
    },
    index::{
        Index,
        writer::{About, IndexWriter},
    },
    plans::{PlansImport, catalogue::Version},
};
use hum_core::clock::Timestamp;

/// The data set's name.
pub const DATA_SET: &str = "sample-2026";
/// Who says what is in it.
pub const SOURCE: &str = "hum sample data (synthetic)";

const AVAILABILITY: &[u8] = include_bytes!("../../data/sample/availability.csv");
const PLANS: &[u8] = include_bytes!("../../data/sample/plans.csv");

/// The index of the sample, made now. Takes milliseconds.
///
/// # Errors
/// The sample is not right, which a test would have told.
pub fn index() -> Result<Index, String> {
    from_csv(
        AVAILABILITY,
        &About {
            data_set: DATA_SET.into(),
            source: SOURCE.into(),
            vintage: "2026".into(),
            ..About::default()
        },
    )
}

/// What the sample's providers sell.
///
/// # Errors
/// The sample is not right, which a test would have told.
pub fn plans() -> Result<Version, String> {
    let read = PlansImport::default().read("plans.csv", PLANS, Timestamp::from_micros(0));
    read.map(|read| read.version)
        .map_err(|error| error.to_string())
}

/// An index in memory of a small file.
///
/// # Errors
/// A sentence.
pub fn from_csv(csv: &[u8], about: &About) -> Result<Index, String> {
    let mut rows = Rows::new(csv, "the file".into()).map_err(|error| error.to_string())?;
    let mut providers = Providers::default();
    let mut sorted: Vec<Row> = Vec::new();
    loop {
        match rows
            .next(&mut providers)
            .map_err(|error| error.to_string())?
        {
            Next::Row(row) => sorted.push(row),
            Next::Bad(bad) => return Err(bad.to_string()),
            Next::End => break,
        }
    }
    let about = About {
        rows: sorted.len() as u64,
        ..about.clone()
    };
    sorted.sort_unstable();
    let (names, numbers) = providers.sorted();
    let build = || {
        let mut gatherer = Gatherer::new(
            IndexWriter::new(Vec::new(), Vec::new(), Vec::new()),
            &numbers,
        );
        sorted.iter().try_for_each(|row| gatherer.add(*row))?;
        gatherer.finish()?.finish(&names, &about)
    };
    let written = build().map_err(|error: std::io::Error| error.to_string())?;
    let [offers, blocks, cells] = written.sections;
    let bytes = [&written.header[..], &offers, &blocks, &cells, &written.tail].concat();
    Index::from_bytes(bytes).map_err(|error| error.to_string())
}
