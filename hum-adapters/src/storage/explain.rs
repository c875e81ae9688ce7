//! How a database goes about the statements that a store runs: by which index, and what it sorts. For
//! tests that no list loses its index.

use std::sync::{Arc, Mutex, PoisonError};

/// One statement that was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its text.
    pub statement: String,
    /// What the database said that it does, a line for each step.
    pub steps: Vec<String>,
}

/// The statements that a store ran to read, in their order. Cloning gives another handle.
#[derive(Debug, Clone, Default)]
pub struct Plans(Arc<Mutex<Vec<Plan>>>);

impl Plans {
    /// Everything since the last time.
    pub fn take(&self) -> Vec<Plan> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn note(&self, plan: Plan) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(plan);
    }
}
