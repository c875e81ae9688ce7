//! How a database goes about the statements that a store runs: by which index, and what it sorts. For
//! tests that no list loses its index.

use std::sync::{Arc, Mutex, PoisonError};

use hum_core::{record::Value, store::StoreError};

use super::query::Database;

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

    pub(crate) async fn note(&self, database: &Database, sql: &str) -> Result<(), StoreError> {
        let plan = Plan {
            statement: sql.to_owned(),
            steps: Box::pin(database.explain(sql)).await?,
        };
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(plan);
        Ok(())
    }
}

impl Database {
    /// The same database, which notes in `plans` how it goes about each statement that reads.
    pub(crate) fn explained(&self, plans: Plans) -> Self {
        Self::Explained(Box::new(self.clone()), plans)
    }

    async fn explain(&self, sql: &str) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Sqlite(store) => {
                let rows = store.rows(&format!("EXPLAIN QUERY PLAN {sql}"), &[])?;
                let steps = rows.into_iter().filter_map(|mut row| match row.pop() {
                    Some(Value::Text(step)) => Some(step),
                    _ => None,
                });
                Ok(steps.collect())
            }
            Self::Postgres(store) => store.explain(sql).await,
            Self::Explained(database, _) => Box::pin(database.explain(sql)).await,
        }
    }
}
