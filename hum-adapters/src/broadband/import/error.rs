//! Why an import stopped, in sentences for the person who started it.

use std::{fmt, io, path::Path};

use crate::broadband::index::IndexError;

/// Why an import stopped. What was read before is kept, unless a sentence says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The disk.
    #[error(
        "cannot {doing} {path}: {source}; run the same command again to go on from where it stopped"
    )]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// A row that cannot be used.
    #[error("{0}; --skip-bad-rows goes on without such rows and counts them")]
    BadRow(Box<BadRow>),
    /// The header of a file.
    #[error(
        "{file} has no column {column}; its first line is {found:?}, and an FCC availability file begins with {expected}"
    )]
    NoColumn {
        /// Which file.
        file: String,
        /// What is missing.
        column: &'static str,
        /// What is there.
        found: String,
        /// What should be there.
        expected: &'static str,
    },
    /// The command makes no sense.
    #[error("{0}")]
    Usage(String),
    /// A file is not what it was when the import began.
    #[error(
        "{file} has changed since this import began ({what}); --restart begins anew with the file as it is now"
    )]
    Changed {
        /// Which file.
        file: String,
        /// How.
        what: &'static str,
    },
    /// The work directory belongs to another command.
    #[error(
        "another import is unfinished: {unfinished}; run it again to finish it, or add --restart to begin anew with these files"
    )]
    OtherImport {
        /// Its files.
        unfinished: String,
    },
    /// Somebody else is at work.
    #[error("another import is running on {0}; wait for it to end")]
    Busy(String),
    /// What an earlier run of the command left cannot be used.
    #[error(
        "the work of the unfinished import in {path} is damaged ({why}); --restart begins anew"
    )]
    DamagedWork {
        /// Which file.
        path: String,
        /// How.
        why: String,
    },
    /// The index that was written is not readable. It was not published.
    #[error("the new index was not put in place: {0}")]
    Index(#[from] IndexError),
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Which file.
    pub file: String,
    /// Which line, from 1.
    pub line: u64,
    /// Which column.
    pub column: &'static str,
    /// What it has.
    pub value: String,
    /// What it must be.
    pub right: &'static str,
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, line {}, column {}: {:?} is not right; it must be {}",
            self.file, self.line, self.column, self.value, self.right
        )
    }
}

/// For `map_err`.
pub fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ImportError {
    let path = path.display().to_string();
    move |source| ImportError::Io {
        doing,
        path,
        source,
    }
}
