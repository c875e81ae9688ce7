//! Imports a file with plans: as CSV, as JSON, or as the FCC's labels.
//!
//! **CSV.** The first line has the names of columns, in any order; a name that is not known is an
//! error, so that a typing mistake is not a plan without a price. Lists have semicolons between
//! their parts.
//!
//! | Column | |
//! |---|---|
//! | `frn`, `provider_id`, `brand_name` | Whose plan: one at least. What is given must agree with the availability data; the brand without case. |
//! | `provider_icon`, `provider_logo`, `telephone`, `url`, `button_label`, `promo_text`, `promo_logo_url`, `url_promo_text`, `url_promo_logo_url` | About the provider. Once is enough: of its plans in effect, the newest that says something counts. |
//! | `sku`, `name` | Required. |
//! | `download_speed`, `upload_speed` | Required: Mbit/s, or a range such as `50-100`. |
//! | `price` | Required: a month, such as `49.99`. |
//! | `introductory_months`, `regular_price` | Both when `price` is an introduction. |
//! | `currency` | `USD` when left out. |
//! | `technology` | `fiber`, `cable`, `dsl`, `fixed wireless`, `licensed fixed wireless`, `satellite`, `other`; the plan is shown where the provider has that network. Left out: wherever the provider is. |
//! | `position` | Order of display; left out: the order of the file. |
//! | `contract_months` | 0 when left out. |
//! | `one_time_fees`, `monthly_fees` | `Activation=35.00; Installation=99.00` |
//! | `effective_from`, `effective_to` | Days such as `2026-12-31`, both included (UTC); left out: always. |
//! | `states`, `zips` | `MI;OH`, `48034;48075`; left out: everywhere. |
//! | `description`, `data_limit`, `channel_count`, `streaming_apps`, `is_required_to_checkout`, `is_contract_required`, `is_modem_router_included`, `is_bundle_qualifier`, `is_local_checkout`, `required_with_plans`, `select_type`, `category`, `category_name`, `bundle_discounts`, `typical_latency_ms` | As in [`hum_core::broadband::Product`]. |
//!
//! **JSON.** A list of objects with the same names, or an object with such a list as `plans`.
//! Numbers, flags and lists may be JSON's own; fees may be
//! `[{"name": "Activation", "price": "35.00"}]`.
//!
//! **Labels.** See [`super::label`].

use std::{fmt, io, path::Path};

use hum_core::{broadband::Technology, clock::Timestamp};
use sha1::{Digest, Sha1};

use super::{
    catalogue::{Catalogue, Day, Entry, PLANS_FILE, Version},
    draft::{COLUMNS, Draft},
    json, label, table,
};
use crate::broadband::durable;

/// What holds for rows that do not say it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Defaults {
    /// The first day.
    pub effective_from: Option<Day>,
    /// The last day.
    pub effective_to: Option<Day>,
    /// Two capital letters each.
    pub states: Vec<String>,
    /// Five digits each.
    pub zips: Vec<String>,
    /// Over what.
    pub technology: Option<Technology>,
}

/// What to import, and how.
#[derive(Debug, Clone, Default)]
pub struct PlansImport {
    /// Days such as `2026-12-31`.
    pub effective_from: Option<String>,
    /// The last day.
    pub effective_to: Option<String>,
    /// Two letters each.
    pub states: Vec<String>,
    /// Five digits each.
    pub zips: Vec<String>,
    /// Such as `cable`.
    pub technology: Option<String>,
    /// Whether the file has all plans of its providers, so that others of theirs end.
    pub complete: bool,
}

/// What was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlansImported {
    /// The number of the version, from 1.
    pub version: usize,
    /// Plans in it.
    pub plans: usize,
    /// Mobile plans that were left out.
    pub mobile: usize,
    /// False: the same file was imported before, and nothing was changed.
    pub changed: bool,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum PlansError {
    /// The disk.
    #[error("cannot {doing} {path}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// The catalogue that is there cannot be read.
    #[error("{0}")]
    Catalogue(String),
    /// Somebody else is at work.
    #[error("another import of plans is running on {0}; wait for it to end")]
    Busy(String),
    /// The file, or an option.
    #[error("{}", listed(file, problems))]
    Problems {
        /// Which file.
        file: String,
        /// All of them.
        problems: Vec<PlanProblem>,
    },
}

/// Something that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanProblem {
    /// A line of a CSV file, or a number in a JSON list, from 1. 0: not in the file, but in an
    /// option.
    pub row: u64,
    /// Which column.
    pub column: String,
    /// What it has.
    pub value: String,
    /// What it must be.
    pub right: String,
}

impl PlanProblem {
    /// A problem.
    pub fn new(row: u64, column: &str, value: &str, right: impl Into<String>) -> Self {
        Self {
            row,
            column: column.to_owned(),
            value: value.chars().take(100).collect(),
            right: right.into(),
        }
    }
}

impl fmt::Display for PlanProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            row,
            column,
            value,
            right,
        } = self;
        match (row, value.as_str()) {
            (0, _) => write!(f, "{column} is {value:?}; it must be {right}"),
            (row, "") => write!(f, "row {row}, column {column}: it must be {right}"),
            (row, value) => write!(
                f,
                "row {row}, column {column} is {value:?}; it must be {right}"
            ),
        }
    }
}

fn listed(file: &str, problems: &[PlanProblem]) -> String {
    const SHOWN: usize = 50;
    let mut text = format!("{file} was not imported, and nothing was changed:");
    for problem in problems.iter().take(SHOWN) {
        text.push_str(&format!("\n  {problem}"));
    }
    if problems.len() > SHOWN {
        text.push_str(&format!("\n  … and {} more", problems.len() - SHOWN));
    }
    text
}

impl PlansImport {
    /// Imports a file into the catalogue of a folder.
    ///
    /// # Errors
    /// A sentence, or one for each problem. Nothing was changed.
    pub fn run(
        &self,
        folder: &Path,
        file: &Path,
        now: Timestamp,
    ) -> Result<PlansImported, PlansError> {
        let failed = |doing: &'static str, path: &Path| {
            let path = path.display().to_string();
            move |source| PlansError::Io {
                doing,
                path,
                source,
            }
        };
        let bytes = std::fs::read(file).map_err(failed("read", file))?;
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        std::fs::create_dir_all(folder).map_err(failed("make", folder))?;
        let lock = folder.join("plans.lock");
        let Some(_lock) = durable::lock(&lock).map_err(failed("lock", &lock))? else {
            return Err(PlansError::Busy(folder.display().to_string()));
        };
        let mut catalogue = Catalogue::load(folder).map_err(PlansError::Catalogue)?;
        let Read { version, mobile } = self.read(&name, &bytes, now)?;
        let plans = version.entries.len();
        if let Some(before) = catalogue.holds(&version) {
            return Ok(PlansImported {
                version: before,
                plans,
                mobile,
                changed: false,
            });
        }
        catalogue.versions.push(version);
        let path = folder.join(PLANS_FILE);
        durable::replace(&path, &catalogue.to_bytes()).map_err(failed("write", &path))?;
        Ok(PlansImported {
            version: catalogue.versions.len(),
            plans,
            mobile,
            changed: true,
        })
    }

    /// Reads a file without storing it.
    ///
    /// # Errors
    /// One sentence for each problem.
    pub fn read(&self, name: &str, bytes: &[u8], now: Timestamp) -> Result<Read, PlansError> {
        let mut problems = Vec::new();
        let defaults = self.defaults(&mut problems);
        let starts_with = bytes
            .iter()
            .find(|byte| !byte.is_ascii_whitespace() && !b"\xef\xbb\xbf".contains(byte));
        let is_json = matches!(starts_with, Some(b'[' | b'{'));
        let (drafts, mobile) = if is_json {
            (json::read(bytes, &mut problems), 0)
        } else {
            let table = table::read(bytes, &mut problems);
            if label::is_label(&table.names) {
                label::read(table, &mut problems)
            } else {
                (
                    table
                        .rows
                        .into_iter()
                        .map(|(row, values)| Draft { row, values })
                        .collect(),
                    0,
                )
            }
        };
        let entries = entries(&drafts, &defaults, &mut problems);
        if entries.is_empty() && problems.is_empty() {
            problems.push(PlanProblem::new(
                1,
                "(all)",
                "",
                "followed by a plan: there is none",
            ));
        }
        if !problems.is_empty() {
            return Err(PlansError::Problems {
                file: name.to_owned(),
                problems,
            });
        }
        let fingerprint = Sha1::new()
            .chain_update(format!("{self:?}\n"))
            .chain_update(bytes)
            .finalize();
        let fingerprint = fingerprint
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let version = Version {
            imported_at: now,
            file: name.to_owned(),
            fingerprint,
            complete: self.complete,
            entries,
        };
        Ok(Read { version, mobile })
    }

    fn defaults(&self, problems: &mut Vec<PlanProblem>) -> Defaults {
        let values = [
            (
                "effective_from",
                self.effective_from.clone().unwrap_or_default(),
            ),
            (
                "effective_to",
                self.effective_to.clone().unwrap_or_default(),
            ),
            ("states", self.states.join(";")),
            ("zips", self.zips.join(";")),
            ("technology", self.technology.clone().unwrap_or_default()),
            // What a plan must have besides.
            ("brand_name", "-".into()),
            ("sku", "-".into()),
            ("name", "-".into()),
            ("price", "0".into()),
            ("download_speed", "0".into()),
            ("upload_speed", "0".into()),
        ];
        let values = values
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.to_owned(), value));
        let options = Draft {
            row: 0,
            values: values.collect(),
        };
        let entry = options.read(0, &Defaults::default(), problems);
        entry.map_or_else(Defaults::default, |entry| Defaults {
            effective_from: entry.effective_from,
            effective_to: entry.effective_to,
            states: entry.states,
            zips: entry.zips,
            technology: super::catalogue::technology(&entry.product.technology),
        })
    }
}

/// A file that was read.
pub struct Read {
    /// What it brings.
    pub version: Version,
    /// Mobile plans that were left out.
    pub mobile: usize,
}

fn entries(drafts: &[Draft], defaults: &Defaults, problems: &mut Vec<PlanProblem>) -> Vec<Entry> {
    let mut unknown = Vec::new();
    let mut entries: Vec<Entry> = Vec::with_capacity(drafts.len());
    for draft in drafts {
        for name in draft
            .values
            .keys()
            .filter(|name| !COLUMNS.contains(&name.as_str()))
        {
            if !unknown.contains(name) {
                unknown.push(name.clone());
                let right = format!("one of {}", COLUMNS.join(", "));
                problems.push(PlanProblem::new(
                    draft.row,
                    name,
                    "not a known column",
                    right,
                ));
            }
        }
        let position = 1 + draft_position(&entries, draft);
        let Some(entry) = draft.read(position, defaults, problems) else {
            continue;
        };
        let same = |other: &Entry| {
            other.provider == entry.provider
                && other.product.sku == entry.product.sku
                && (&other.states, &other.zips, other.effective_from)
                    == (&entry.states, &entry.zips, entry.effective_from)
        };
        match entries.iter().find(|other| same(other)) {
            // Label files repeat themselves.
            Some(other)
                if other.product.name == entry.product.name
                    && other.product.price == entry.product.price => {}
            Some(_) => problems.push(PlanProblem::new(
                draft.row,
                "sku",
                &entry.product.sku,
                "the only one of its provider, place and first day in the file",
            )),
            None => entries.push(entry),
        }
    }
    entries
}

/// How many plans of the same provider came before.
fn draft_position(entries: &[Entry], draft: &Draft) -> u32 {
    let frn = draft.values.get("frn").and_then(|frn| frn.parse().ok());
    let brand = draft.values.get("brand_name");
    let same = |entry: &&Entry| entry.provider.frn == frn && entry.provider.brand.as_ref() == brand;
    entries.iter().filter(same).count() as u32
}

impl Catalogue {
    /// The number of a version with the same file, unless a later one says something about the same
    /// providers.
    fn holds(&self, new: &Version) -> Option<usize> {
        let at = self
            .versions
            .iter()
            .rposition(|version| version.fingerprint == new.fingerprint)?;
        let names_same = |entry: &Entry| {
            new.entries
                .iter()
                .any(|mine| mine.provider == entry.provider)
        };
        let replaced = self.versions[at + 1..]
            .iter()
            .any(|later| later.entries.iter().any(names_same));
        (!replaced).then_some(at + 1)
    }
}
