//! What a customer has before the first request: an organization, a key, broadband data. Made once,
//! with hum's own commands.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use hum_core::access::ApiKeySecret;
use serde_json::json;

use crate::{database::Database, hum};

use super::{
    availability,
    providers::Providers,
    zip_codes::{self, ZipCode},
};

/// Files that every round reads, or begins with.
pub struct Prepared {
    /// hum's data directory.
    pub data: PathBuf,
    /// A database with the key, to be copied.
    pub database: PathBuf,
    pub key: String,
    pub availability: PathBuf,
    /// The plans, as peers read them.
    pub cards: PathBuf,
    /// The keys, as peers read them.
    pub keys: PathBuf,
    pub zips: Vec<ZipCode>,
}

/// Makes everything in `folder`. `rows` of availability, about.
pub fn all(program: &Path, folder: &Path, rows: usize) -> io::Result<Prepared> {
    let zips = zip_codes::spread(&zip_codes::table(), availability::zip_codes_for(rows))?;
    let providers = Providers::invent();
    let availability = availability::write(folder, &zips, &providers)?;
    let cards = providers.write_for_peers(folder)?;
    let plans = providers.write_for_hum(folder)?;

    let data = folder.join("data");
    let database = data.join("hum.db");
    let run = |arguments: &[&OsStr]| {
        hum::ask(
            program,
            &Database::Sqlite(database.clone()),
            &data,
            arguments,
        )
    };
    run(&["organizations", "create", "bench"].map(OsStr::new))?;
    let options = [
        "keys", "create", "--org", "bench", "--role", "operator", "--scopes", "sessions",
    ];
    let key = run(&options.map(OsStr::new))?;
    run(&["import".as_ref(), "fcc".as_ref(), availability.as_os_str()])?;
    run(&["import".as_ref(), "plans".as_ref(), plans.as_os_str()])?;

    let hash = key
        .parse::<ApiKeySecret>()
        .map_err(io::Error::other)?
        .hash();
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let keys = folder.join("keys.json");
    let may = json!({ "org": "bench", "role": "operator", "scopes": ["sessions"] });
    fs::write(&keys, json!(BTreeMap::from([(hash, may)])).to_string())?;
    Ok(Prepared {
        data,
        database,
        key,
        availability,
        cards,
        keys,
        zips,
    })
}
