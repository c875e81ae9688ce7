//! What a batch does, without SQL: rows of tables, and the things that are not rows.

use std::collections::BTreeMap;

use hum_core::{
    batch::{At, Batch, Count, Finished, Guard, Write},
    job::Merge,
    record::{Record as _, Row, Value},
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

/// The end of one run of a job.
#[derive(Debug)]
pub(crate) struct Finish {
    pub(crate) job: String,
    pub(crate) fence: i64,
    pub(crate) how: Finished,
}

/// Takes a batch apart. Runs on the caller's side, so that the writer only writes.
pub(crate) fn lower(batch: Batch) -> Result<Ops, CommitError> {
    let mut ops = Ops {
        org: batch.org.to_string(),
        finishes: Vec::new(),
        guards: Vec::new(),
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
        }
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
