//! From the FCC's files to an index, in constant memory, over any number of kills.
//!
//! ```text
//! CSV ─ rows ─► sorted runs of 2 million rows ─ merge ─► gather ─► index
//!                 └─ after each: manifest.json            (again from the runs, when killed)
//! ```
//!
//! Everything unfinished is in the folder `import.work` beside the index. A run counts when the
//! manifest names it; the manifest is replaced as a whole. So the same command goes on after the
//! last run that was finished, whatever stopped it, and makes the same bytes as if nothing had. The
//! index is written there too, read back and checked, and then takes the name of the one before.

pub mod error;
pub mod gather;
pub mod manifest;
pub mod merge;
mod publish;
pub mod row;
pub mod rows;
pub mod runs;
pub mod vintage;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

pub use error::ImportError;

use error::io_error;
use manifest::{Input, Manifest};
use merge::{FAN_IN, Merge};
use row::{Audience, Row};
use rows::{Next, Providers, Rows};

use super::durable;

/// The name of the index in the folder of broadband data.
pub const INDEX_FILE: &str = "availability.idx";
const WORK: &str = "import.work";
/// Who says what is in an FCC file.
pub const FCC: &str = "FCC Broadband Data Collection";

/// What to import, and how.
#[derive(Debug, Clone)]
pub struct FccImport {
    /// The folder of broadband data.
    pub folder: PathBuf,
    /// The CSV files.
    pub files: Vec<PathBuf>,
    /// The release, where the names of the files do not say it.
    pub vintage: Option<String>,
    /// Whether to forget an unfinished import.
    pub restart: bool,
    /// Whether to go on without rows that cannot be used.
    pub skip_bad_rows: bool,
    /// Rows that are sorted at once: 24 bytes of memory each.
    pub rows_per_run: usize,
}

/// Rows that are sorted at once, unless somebody says otherwise: 48 MiB.
pub const ROWS_PER_RUN: usize = 2 << 20;

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Goes on where an earlier run of the command stopped.
    Resumed {
        /// Rows that were read before.
        rows: u64,
    },
    /// Reads.
    Reading {
        /// Rows so far, those of earlier runs of the command included.
        rows: u64,
        /// Bytes so far.
        bytes: u64,
        /// Bytes of all files.
        of: u64,
    },
    /// Merges.
    Merging {
        /// Rows so far.
        rows: u64,
        /// Rows altogether.
        of: u64,
    },
    /// Reads the new index back.
    Checking,
}

/// What was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The data set.
    pub data_set: String,
    /// Rows that were read.
    pub rows: u64,
    /// … of them for businesses only.
    pub business_rows: u64,
    /// Bad rows that were skipped.
    pub bad_rows: u64,
    /// Rows that this run of the command did not have to read again.
    pub resumed_rows: u64,
    /// Cells in the index.
    pub cells: u64,
    /// Locations in the index.
    pub locations: u64,
    /// Providers in the index.
    pub providers: usize,
    /// The index.
    pub path: PathBuf,
}

impl FccImport {
    /// Does it. `progress` is called often and should be quick.
    ///
    /// # Errors
    /// A sentence. The index that was there is still there, and what was read is kept for the next
    /// time.
    pub fn run(&self, progress: &mut dyn FnMut(Progress)) -> Result<Imported, ImportError> {
        let work = self.folder.join(WORK);
        fs::create_dir_all(&self.folder).map_err(io_error("make", &self.folder))?;
        let lock_path = self.folder.join("import.lock");
        let Some(_lock) = durable::lock(&lock_path).map_err(io_error("lock", &lock_path))? else {
            return Err(ImportError::Busy(self.folder.display().to_string()));
        };
        let mut manifest = self.begin(&work)?;
        let resumed_rows = manifest.rows;
        if resumed_rows > 0 {
            progress(Progress::Resumed { rows: resumed_rows });
        }
        self.read(&work, &mut manifest, progress)?;
        // A file that was written to while it was read is nobody's data.
        unchanged(&manifest)?;
        if manifest.rows == 0 {
            forget(&work)?;
            return Err(ImportError::Usage(
                "there is no row to import in these files; the data before is still in place"
                    .into(),
            ));
        }
        merge_in_steps(&work, &mut manifest, progress)?;
        let imported = publish::publish(&self.folder, &work, &manifest, progress)?;
        forget(&work)?;
        Ok(Imported {
            resumed_rows,
            ..imported
        })
    }

    /// The manifest of an unfinished import of the same files, or a new one.
    fn begin(&self, work: &Path) -> Result<Manifest, ImportError> {
        let vintage = vintage::of_files(&self.files, self.vintage.as_deref())?;
        let mut inputs = Vec::with_capacity(self.files.len());
        for path in &self.files {
            let input = Input::of(path)?;
            if inputs
                .iter()
                .any(|before: &Input| before.path == input.path)
            {
                return Err(ImportError::Usage(format!(
                    "{} is named twice",
                    path.display()
                )));
            }
            inputs.push(input);
        }
        if self.restart {
            forget(work)?;
        }
        fs::create_dir_all(work).map_err(io_error("make", work))?;
        let Some(manifest) = Manifest::load(work)? else {
            let manifest = Manifest::new(vintage, inputs);
            manifest.save(work)?;
            return Ok(manifest);
        };
        let same = manifest.inputs.len() == inputs.len()
            && manifest
                .inputs
                .iter()
                .zip(&inputs)
                .all(|(before, now)| before.path == now.path)
            && manifest.vintage == vintage;
        if !same {
            let files: Vec<_> = manifest
                .inputs
                .iter()
                .map(|input| input.path.display().to_string())
                .collect();
            let unfinished = format!("{} of {}", files.join(" "), manifest.vintage);
            return Err(ImportError::OtherImport { unfinished });
        }
        unchanged(&manifest)?;
        Ok(manifest)
    }

    /// Reads whatever was not read yet, into runs.
    fn read(
        &self,
        work: &Path,
        manifest: &mut Manifest,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), ImportError> {
        if manifest.read_everything() {
            return Ok(());
        }
        let of = manifest.inputs.iter().map(|input| input.len).sum();
        let mut providers = Providers::new(manifest.providers.clone());
        let mut batch: Vec<Row> = Vec::with_capacity(self.rows_per_run);
        while !manifest.read_everything() {
            let (number, byte, line) = manifest.next;
            let path = manifest.inputs[number].path.clone();
            let before: u64 = manifest.inputs[..number]
                .iter()
                .map(|input| input.len)
                .sum();
            let file = File::open(&path).map_err(io_error("open", &path))?;
            let mut rows = Rows::new(file, path.display().to_string())?;
            if byte > 0 {
                rows.seek(byte, line)?;
            }
            loop {
                let (byte, line) = rows.position();
                match rows.next(&mut providers)? {
                    Next::Row(row) => {
                        batch.push(row);
                        manifest.rows += 1;
                        manifest.business_rows +=
                            u64::from(row.fields().audience == Audience::Business);
                        if manifest.rows.is_multiple_of(1 << 16) {
                            progress(Progress::Reading {
                                rows: manifest.rows,
                                bytes: before + byte,
                                of,
                            });
                        }
                        if batch.len() == self.rows_per_run {
                            let (byte, line) = rows.position();
                            manifest.next = (number, byte, line);
                            save_run(work, manifest, &providers, &mut batch)?;
                        }
                    }
                    Next::Bad(_) if self.skip_bad_rows => manifest.bad_rows += 1,
                    Next::Bad(bad) => {
                        manifest.next = (number, byte, line);
                        save_run(work, manifest, &providers, &mut batch)?;
                        return Err(ImportError::BadRow(bad));
                    }
                    Next::End => break,
                }
            }
            manifest.next = (number + 1, 0, 0);
        }
        progress(Progress::Reading {
            rows: manifest.rows,
            bytes: of,
            of,
        });
        save_run(work, manifest, &providers, &mut batch)
    }
}

/// Removes a work directory. The manifest goes first: what it names must be there as long as it is.
fn forget(work: &Path) -> Result<(), ImportError> {
    let gone = |error: std::io::Error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            Ok(())
        } else {
            Err(error)
        }
    };
    let manifest = work.join("manifest.json");
    match fs::remove_file(&manifest) {
        Ok(()) => durable::sync_folder(&manifest).map_err(io_error("remove", &manifest))?,
        Err(error) => gone(error).map_err(io_error("remove", &manifest))?,
    }
    fs::remove_dir_all(work)
        .or_else(gone)
        .map_err(io_error("remove", work))
}

/// Compares the files with what they were when the import began.
fn unchanged(manifest: &Manifest) -> Result<(), ImportError> {
    for before in &manifest.inputs {
        if let Some(what) = Input::of(&before.path)?.differs(before) {
            return Err(ImportError::Changed {
                file: before.path.display().to_string(),
                what,
            });
        }
    }
    Ok(())
}

/// Sorts rows into a run and commits it together with how far the reading is.
fn save_run(
    work: &Path,
    manifest: &mut Manifest,
    providers: &Providers,
    batch: &mut Vec<Row>,
) -> Result<(), ImportError> {
    if !batch.is_empty() {
        batch.sort_unstable();
        batch.dedup();
        let file = format!("run-{:06}", manifest.next_run);
        manifest.next_run += 1;
        manifest
            .runs
            .push(runs::write(work, file, batch.iter().copied().map(Ok))?);
        batch.clear();
    }
    manifest.providers = providers.names().to_vec();
    manifest.save(work)
}

/// Merges runs until there are few enough to be merged at once.
fn merge_in_steps(
    work: &Path,
    manifest: &mut Manifest,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), ImportError> {
    while manifest.runs.len() > FAN_IN {
        let some: Vec<_> = manifest.runs[..FAN_IN].to_vec();
        let of = some.iter().map(|run| run.rows).sum();
        let mut count = 0;
        let rows = Merge::new(work, &some)?.inspect(|_| {
            count += 1;
            if count % (1 << 20) == 0 {
                progress(Progress::Merging { rows: count, of });
            }
        });
        let file = format!("run-{:06}", manifest.next_run);
        let merged = runs::write(work, file, rows)?;
        manifest.next_run += 1;
        manifest.runs.drain(..FAN_IN);
        manifest.runs.push(merged);
        manifest.save(work)?;
        for run in &some {
            let path = work.join(&run.file);
            fs::remove_file(&path).map_err(io_error("remove", &path))?;
        }
    }
    Ok(())
}
