//! What a batch does, without SQL: rows of tables, and the things that are not rows.

use std::collections::BTreeMap;

use hum_core::{
    batch::{At, Batch, Count, Finished, Guard, Write},
    job::Merge,
    record::{Record as _, Row, Value},
    selector::{Redaction, Selector},
    store::{CommitError, Conflict, StoreError},
};

use super::{
    job::{self, JOB},
    table::{self, TableSql},
};

/// A batch, ready for an engine.
#[derive(Debug)]
pub(crate) struct Ops {
    pub(crate) org: String,
    pub(crate) finishes: Vec<Finish>,
    pub(crate) guards: Vec<Guarded>,
    /// Before the records below: what they touch was there before the batch.
    pub(crate) selections: Vec<Selection>,
    /// Records that go.
    pub(crate) deletes: Vec<Guarded>,
    pub(crate) puts: Vec<(&'static TableSql, Vec<Value>)>,
    pub(crate) inserts: Vec<(&'static TableSql, Vec<Value>)>,
    /// Rows of [`hum_core::event::Event`], in order, without their numbers.
    pub(crate) events: Vec<Vec<Value>>,
    /// Rows of [`JOB`].
    pub(crate) jobs: Vec<(Merge, Vec<Value>)>,
    /// What is counted, and how much more of it; each metric once.
    pub(crate) counts: BTreeMap<String, i64>,
    /// The version that each record will have, by its place in the batch.
    pub(crate) versions: Vec<i64>,
}

/// A record that must still be at `version`.
#[derive(Debug)]
pub(crate) struct Guarded {
    pub(crate) table: &'static TableSql,
    /// Organization and the rest of the key.
    pub(crate) key: [Value; 2],
    pub(crate) version: i64,
}

impl Guarded {
    /// What must still hold of a row `t`, beside its key, with `{version}` to be replaced by the
    /// version, and what it is called when it does not.
    pub(crate) fn condition(table: &TableSql) -> (&'static str, Conflict) {
        if table.name == JOB.name {
            (
                "t.fence = {version} AND t.state = 'running'",
                Conflict::StaleFence,
            )
        } else {
            ("t.version = {version}", Conflict::Changed)
        }
    }
}

/// A write to all records that a selector finds.
#[derive(Debug)]
pub(crate) struct Selection {
    /// Where in the batch.
    pub(crate) place: usize,
    pub(crate) table: &'static TableSql,
    pub(crate) selector: Selector,
    /// What is put into which column; they are deleted when this is `None`.
    pub(crate) columns: Option<Vec<(&'static str, Value)>>,
}

/// The end of one run of a job.
#[derive(Debug)]
pub(crate) struct Finish {
    pub(crate) job: String,
    pub(crate) fence: i64,
    pub(crate) how: Finished,
}

impl Selection {
    /// The values of its statement: the organization, what is equal, the limit, what is put.
    pub(crate) fn params(&self, org: &str) -> Vec<Value> {
        let equal = self.selector.equal.iter().map(|(_, value)| value.clone());
        let put = self
            .columns
            .iter()
            .flatten()
            .map(|(_, value)| value.clone());
        std::iter::once(Value::text(org))
            .chain(equal)
            .chain([Value::Int(self.selector.limit.into())])
            .chain(put)
            .collect()
    }

    /// Finds the keys, beside the organization, of one record more than the limit; `$n` is the n-th
    /// of [`Selection::params`].
    pub(crate) fn find(&self) -> String {
        let equal = self.selector.equal.iter().enumerate();
        let equal: String = equal
            .map(|(nth, (column, _))| format!(" AND {column} = ${}", nth + 2))
            .collect();
        format!(
            "SELECT {key} FROM {} WHERE org_id = $1{equal} ORDER BY {key} LIMIT ${} + 1",
            self.table.name,
            self.selector.equal.len() + 2,
            key = self.key("")
        )
    }

    /// The columns of the key beside the organization, each behind `prefix`.
    pub(crate) fn key(&self, prefix: &str) -> String {
        let columns = self.table.key.iter().skip(1);
        let named: Vec<String> = columns.map(|column| format!("{prefix}{column}")).collect();
        named.join(", ")
    }

    /// The start of its statement, up to the condition; `slot` spells the n-th parameter of a
    /// column.
    pub(crate) fn verb(&self, slot: impl Fn(&str, usize) -> String) -> String {
        let name = self.table.name;
        let Some(columns) = &self.columns else {
            return format!("DELETE FROM {name} AS t");
        };
        let first = self.selector.equal.len() + 3;
        let mut sets: Vec<String> = columns
            .iter()
            .enumerate()
            .map(|(nth, (column, _))| format!("{column} = {}", slot(column, first + nth)))
            .collect();
        if self.table.version.is_some() {
            sets.push("version = version + 1".into());
        }
        format!("UPDATE {name} AS t SET {}", sets.join(", "))
    }
}

/// Takes a batch apart. Runs on the caller's side, so that the writer only writes.
pub(crate) fn lower(batch: Batch) -> Result<Ops, CommitError> {
    if batch.writes.len() > Batch::MOST {
        return Err(StoreError::TooLarge(batch.writes.len()).into());
    }
    let mut ops = Ops {
        org: batch.org.to_string(),
        finishes: Vec::new(),
        guards: Vec::new(),
        selections: Vec::new(),
        deletes: Vec::new(),
        puts: Vec::with_capacity(batch.writes.len()),
        inserts: Vec::with_capacity(batch.writes.len()),
        events: Vec::new(),
        jobs: Vec::new(),
        counts: BTreeMap::new(),
        versions: Vec::with_capacity(batch.writes.len()),
    };
    for write in batch.writes {
        let version = ops.add(write)?;
        ops.versions.push(version);
    }
    Ok(ops)
}

impl Ops {
    /// Answers the version that a record will have; zero for what has none.
    fn add(&mut self, write: Write) -> Result<i64, StoreError> {
        match write {
            Write::Insert(row) => {
                let (table, mut values) = self.own(row)?;
                let version = table.version.and_then(|at| values.get_mut(at));
                let stored = i64::from(version.is_some());
                version
                    .into_iter()
                    .for_each(|version| *version = Value::Int(1));
                self.inserts.push((table, values));
                Ok(stored)
            }
            Write::Put(row) => {
                let of = row.table;
                let (table, mut values) = self.own(row)?;
                let Some(version) = table.version.and_then(|at| values.get_mut(at)) else {
                    return Err(of.corrupt("version", "records of this kind never change"));
                };
                let Value::Int(read) = *version else {
                    return Err(of.corrupt("version", "missing"));
                };
                let next = read.saturating_add(1);
                *version = Value::Int(next);
                self.puts.push((table, values));
                Ok(next)
            }
            Write::Delete(At { table, id, version }) => {
                let key = [Value::text(&self.org), id];
                self.deletes.push(Guarded {
                    table: table::of(table),
                    key,
                    version,
                });
                Ok(0)
            }
            Write::Guard(guard) => {
                let (table, id, version) = match guard {
                    Guard::Record(At { table, id, version }) => (table::of(table), id, version),
                    Guard::Claim(id, fence) => (table::of(&JOB), Value::text(id), fence),
                };
                self.guards.push(Guarded {
                    table,
                    key: [Value::text(&self.org), id],
                    version,
                });
                Ok(0)
            }
            Write::Emit(event) => {
                let (_, values) = self.own(event.to_row())?;
                self.events.push(values);
                Ok(0)
            }
            Write::Enqueue(new) => {
                let (_, values) = self.own(job::to_row(&new))?;
                self.jobs.push((new.merge, values));
                Ok(0)
            }
            Write::Finish(finish) => {
                self.finishes.push(Finish {
                    job: finish.job.to_string(),
                    fence: finish.fence,
                    how: finish.how,
                });
                Ok(0)
            }
            Write::Count(Count { metric, delta }) => {
                let sum = self.counts.entry(metric).or_default();
                *sum = sum.saturating_add(delta);
                Ok(0)
            }
            Write::Redact(redaction) => {
                redaction.check()?;
                let Redaction { selector, columns } = redaction;
                Ok(self.select(selector, Some(columns)))
            }
            Write::DeleteWhere(selector) => {
                selector.check()?;
                Ok(self.select(selector, None))
            }
        }
    }

    /// Its place is behind all that were added so far.
    fn select(&mut self, selector: Selector, columns: Option<Vec<(&'static str, Value)>>) -> i64 {
        self.selections.push(Selection {
            place: self.versions.len(),
            table: table::of(selector.table),
            selector,
            columns,
        });
        0
    }

    /// Every write of a batch belongs to the batch's organization, whatever the decision said.
    fn own(&self, row: Row) -> Result<(&'static TableSql, Vec<Value>), StoreError> {
        match row.values.first() {
            Some(Value::Text(org)) if *org == self.org => Ok((table::of(row.table), row.values)),
            _ => Err(row
                .table
                .corrupt("org_id", "a write for another organization")),
        }
    }
}
