//! Merges sorted runs into one sequence.

use std::{cmp::Reverse, collections::BinaryHeap, path::Path};

use super::{error::ImportError, manifest::Run, row::Row, runs::RunReader};

/// How many runs are merged at once; more are merged in steps, so that neither memory nor open
/// files grow with the data.
pub const FAN_IN: usize = 128;
/// Memory for all the runs that are merged at once.
const MEMORY: usize = 64 << 20;

/// The rows of several runs, sorted.
pub struct Merge {
    readers: Vec<RunReader>,
    next: BinaryHeap<Reverse<(Row, usize)>>,
}

impl Merge {
    /// Opens the runs.
    ///
    /// # Errors
    /// A run cannot be read.
    pub fn new(work: &Path, runs: &[Run]) -> Result<Self, ImportError> {
        let memory = (MEMORY / runs.len().max(1)).min(1 << 20);
        let mut readers = runs
            .iter()
            .map(|run| RunReader::open(work, run, memory))
            .collect::<Result<Vec<_>, _>>()?;
        let mut next = BinaryHeap::with_capacity(readers.len());
        for (number, reader) in readers.iter_mut().enumerate() {
            if let Some(row) = reader.next_row()? {
                next.push(Reverse((row, number)));
            }
        }
        Ok(Self { readers, next })
    }

    fn step(&mut self) -> Result<Option<Row>, ImportError> {
        let Some(mut top) = self.next.peek_mut() else {
            return Ok(None);
        };
        let Reverse((row, number)) = *top;
        match self.readers[number].next_row()? {
            Some(following) => top.0.0 = following,
            None => {
                std::collections::binary_heap::PeekMut::pop(top);
            }
        }
        Ok(Some(row))
    }
}

impl Iterator for Merge {
    type Item = Result<Row, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}
