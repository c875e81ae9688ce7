//! The trace: a line for everything that happened, and its hash.

use std::fmt::Write as _;

use hum_core::batch::{Batch, Committed, Guard, Write};
use sha2::{Digest as _, Sha256};

/// A line for each step. The same seed gives the same trace.
#[derive(Default)]
pub struct Trace {
    hash: Sha256,
    lines: Option<Vec<String>>,
    steps: u64,
}

impl Trace {
    /// Nothing happened yet. With `keep_lines` all of it is kept, to be printed.
    pub fn new(keep_lines: bool) -> Self {
        Self {
            lines: keep_lines.then(Vec::new),
            ..Self::default()
        }
    }

    /// Adds a line.
    pub fn add(&mut self, line: String) {
        self.hash.update(line.as_bytes());
        self.hash.update(b"\n");
        self.steps += 1;
        if let Some(lines) = &mut self.lines {
            lines.push(line);
        }
    }

    /// How many lines there are.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// SHA-256 of all lines, in lower-case hex.
    pub fn hash(&self) -> String {
        self.hash
            .clone()
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The lines, if they were kept.
    pub fn lines(&self) -> Vec<String> {
        self.lines.clone().unwrap_or_default()
    }
}

/// A commit, with every value in it: a row by itself does not show them.
pub(crate) fn commit(batch: &Batch, committed: &Committed) -> String {
    let mut text = format!("commit {} [", batch.org);
    for write in &batch.writes {
        let _ = match write {
            Write::Insert(row) => write!(text, "Insert {} {:?}, ", row.table.name, row.values),
            Write::Put(row) => write!(text, "Put {} {:?}, ", row.table.name, row.values),
            Write::Delete(at) => write!(
                text,
                "Delete {} {:?} {}, ",
                at.table.name, at.id, at.version
            ),
            Write::Guard(Guard::Record(at)) => {
                write!(text, "Guard {} {:?} {}, ", at.table.name, at.id, at.version)
            }
            Write::Guard(Guard::Claim(..))
            | Write::Emit(_)
            | Write::Enqueue(_)
            | Write::Finish(_)
            | Write::Count(_)
            | Write::Redact(_)
            | Write::DeleteWhere(_) => {
                write!(text, "{write:?}, ")
            }
        };
    }
    let _ = write!(text, "] {committed:?}");
    text
}
