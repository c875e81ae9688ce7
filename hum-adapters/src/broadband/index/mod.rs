//! The index: one file with everything that is known about every cell, sorted by cell. See
//! [`mod@format`] for its bytes.

pub mod check;
pub mod format;
pub mod reader;
pub mod writer;

pub use reader::{BlockRecord, CellRecord, Index, OfferRecord, ProviderRecord};

/// Why an index cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// It is not there, or the disk does not give it.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is something else, or of another version.
    #[error("{path} is not an index of this version of hum: {why}; import the data again")]
    Foreign {
        /// Which file.
        path: String,
        /// Why.
        why: String,
    },
    /// Its bytes contradict each other.
    #[error("the index is damaged: {0}; importing again repairs it")]
    Damaged(Damaged),
}

/// What contradicts what in an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} {number} {why}")]
pub struct Damaged {
    /// What kind of thing.
    pub what: &'static str,
    /// Which one.
    pub number: u64,
    /// What is wrong with it.
    pub why: &'static str,
}

impl From<Damaged> for IndexError {
    fn from(damaged: Damaged) -> Self {
        Self::Damaged(damaged)
    }
}
