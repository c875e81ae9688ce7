//! What an unfinished import has done so far. Replaced as a whole after every run, so that a kill
//! loses one run at most.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use serde::{Deserialize, Serialize};

use super::error::{ImportError, io_error};
use crate::broadband::{durable, index::writer::ProviderName};

/// The manifest's own version.
const FORMAT: u32 = 1;
/// How much of the head and the tail of an input is compared.
const SAMPLE: u64 = 64 << 10;

/// The state of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    /// The release.
    pub vintage: String,
    /// The files, in the order given.
    pub inputs: Vec<Input>,
    /// Where reading goes on: the number of the file, the byte and the line. Beyond the last file:
    /// everything was read.
    pub next: (usize, u64, u64),
    /// Sorted files with rows.
    pub runs: Vec<Run>,
    /// The number for the next run's file; numbers are not used twice.
    pub next_run: u64,
    /// In the order of their numbers in the runs.
    pub providers: Vec<ProviderName>,
    /// Rows that were read.
    pub rows: u64,
    /// … of them for businesses only.
    pub business_rows: u64,
    /// Bad rows that were skipped.
    pub bad_rows: u64,
}

/// A file to import, as it was when the import began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Absolute.
    pub path: PathBuf,
    /// Bytes.
    pub len: u64,
    modified_ns: u64,
    /// CRC-32 of the first and the last 64 KiB.
    sample: u32,
}

/// A sorted file with rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its name in the work directory.
    pub file: String,
    /// Rows in it.
    pub rows: u64,
    /// CRC-32 of it.
    pub crc: u32,
}

impl Manifest {
    /// Of an import that begins.
    pub fn new(vintage: String, inputs: Vec<Input>) -> Self {
        Self {
            format: FORMAT,
            vintage,
            inputs,
            next: (0, 0, 0),
            runs: Vec::new(),
            next_run: 0,
            providers: Vec::new(),
            rows: 0,
            business_rows: 0,
            bad_rows: 0,
        }
    }

    /// The manifest in a work directory; `None`: no import was begun there.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn load(work: &Path) -> Result<Option<Self>, ImportError> {
        let path = work.join("manifest.json");
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error("read", &path)(error)),
        };
        let damaged = |why: String| ImportError::DamagedWork {
            path: path.display().to_string(),
            why,
        };
        let manifest: Self =
            serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        if manifest.format != FORMAT {
            return Err(damaged(format!("its format is {}", manifest.format)));
        }
        Ok(Some(manifest))
    }

    /// Puts this manifest in place of the one before.
    ///
    /// # Errors
    /// The disk; then the one before is still there.
    pub fn save(&self, work: &Path) -> Result<(), ImportError> {
        let path = work.join("manifest.json");
        let text =
            serde_json::to_vec(self).map_err(|error| io_error("write", &path)(error.into()))?;
        durable::replace(&path, &text).map_err(io_error("write", &path))
    }

    /// Whether everything was read.
    pub fn read_everything(&self) -> bool {
        self.next.0 >= self.inputs.len()
    }
}

impl Input {
    /// As the file is now.
    ///
    /// # Errors
    /// It is not there, or cannot be read.
    pub fn of(path: &Path) -> Result<Self, ImportError> {
        let unreadable =
            |error| ImportError::Usage(format!("{} cannot be read: {error}", path.display()));
        let absolute = fs::canonicalize(path).map_err(unreadable)?;
        let mut file = File::open(&absolute).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(ImportError::Usage(format!(
                "{} is not a file; name the CSV files in it",
                path.display()
            )));
        }
        let mut start = [0; 4];
        let mut crc = crc32fast::Hasher::new();
        let mut sample = Vec::new();
        let mut read = |from: SeekFrom| -> std::io::Result<()> {
            sample.clear();
            file.seek(from)?;
            (&mut file).take(SAMPLE).read_to_end(&mut sample)?;
            crc.update(&sample);
            if from == SeekFrom::Start(0) {
                let len = sample.len().min(4);
                start[..len].copy_from_slice(&sample[..len]);
            }
            Ok(())
        };
        read(SeekFrom::Start(0)).map_err(io_error("read", path))?;
        read(SeekFrom::Start(metadata.len().saturating_sub(SAMPLE)))
            .map_err(io_error("read", path))?;
        if start == *b"PK\x03\x04" {
            return Err(ImportError::Usage(format!(
                "{} is a zip archive; unzip it and import the CSV file in it",
                path.display()
            )));
        }
        let modified = metadata
            .modified()
            .ok()
            .and_then(|at| at.duration_since(UNIX_EPOCH).ok())
            .unwrap_or_default();
        Ok(Self {
            path: absolute,
            len: metadata.len(),
            modified_ns: u64::try_from(modified.as_nanos()).unwrap_or(u64::MAX),
            sample: crc.finalize(),
        })
    }

    /// What makes it another file than `before`, as the end of a sentence.
    pub fn differs(&self, before: &Self) -> Option<&'static str> {
        if self.len != before.len {
            Some("another size")
        } else if self.sample != before.sample {
            Some("another content")
        } else if self.modified_ns != before.modified_ns {
            Some("another time of its last change")
        } else {
            None
        }
    }
}
