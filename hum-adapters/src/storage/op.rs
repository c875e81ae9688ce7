//! What a batch does, without SQL: rows of tables, and the four things that are not rows.

use hum_core::{
    batch::{Batch, Finished, Guard, Record, Write},
    id::OrgId,
    job::Merge,
    planted::{Bug, planted},
    store::{CommitError, Conflict, StoreError},
};

use super::{
    audit::{self, AUDIT},
    consent::CONSENT,
    event::EVENT,
    job,
    sms::CONVERSATION,
    table::{Stored, Table},
    value::Value,
    webhook::WEBHOOK,
};

/// A batch, ready for an engine.
#[derive(Debug)]
pub(crate) struct Ops {
    pub(crate) org: String,
    pub(crate) finishes: Vec<Finish>,
    pub(crate) guards: Vec<Guarded>,
    pub(crate) puts: Vec<(&'static Table, Vec<Value>)>,
    pub(crate) inserts: Vec<(&'static Table, Vec<Value>)>,
    /// Rows of [`EVENT`], in order, without their numbers.
    pub(crate) events: Vec<Vec<Value>>,
    /// Rows of [`job::JOB`].
    pub(crate) jobs: Vec<(Merge, Vec<Value>)>,
}

/// A record that must still be at `version`.
#[derive(Debug)]
pub(crate) struct Guarded {
    pub(crate) table: &'static Table,
    /// Organization and the rest of the key.
    pub(crate) key: [Value; 2],
    pub(crate) version: i64,
}

impl Guarded {
    /// What must still hold of a row `t`, beside its key, with `{version}` to be replaced by the version, and what it is called
    /// when it does not.
    pub(crate) fn condition(table: &Table) -> (&'static str, Conflict) {
        if table.name == job::JOB.name {
            ("t.fence = {version} AND t.state = 'running'", Conflict::StaleFence)
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
    /// A planted bug.
    pub(crate) by_id: bool,
}

/// Takes a batch apart. Runs on the caller's side, so that the writer only writes.
pub(crate) fn lower(batch: &Batch) -> Result<Ops, CommitError> {
    let org = batch.org;
    let mut ops = Ops {
        org: org.to_string(),
        finishes: Vec::new(),
        guards: Vec::new(),
        puts: Vec::with_capacity(batch.writes.len()),
        inserts: Vec::with_capacity(batch.writes.len()),
        events: Vec::new(),
        jobs: Vec::new(),
    };
    for write in &batch.writes {
        match write {
            Write::Insert(record) => {
                let (table, mut row) = to_row(org, record)?;
                set_version(table, &mut row, 1);
                ops.inserts.push((table, row));
            }
            Write::Put(record) => {
                let (table, mut row) = to_row(org, record)?;
                if !table.has_version() {
                    return Err(corrupt(table, "version", "records of this kind never change").into());
                }
                let Some(Value::Int(read)) = row.last() else { return Err(corrupt(table, "version", "missing").into()) };
                let next = read.saturating_add(1);
                set_version(table, &mut row, next);
                ops.puts.push((table, row));
            }
            Write::Guard(guard) => {
                let (table, key, version) = match guard {
                    Guard::Conversation(id, version) => (&CONVERSATION, Value::text(id), *version),
                    Guard::Consent(contact, version) => (&CONSENT, Value::text(contact), *version),
                    Guard::Webhook(id, version) => (&WEBHOOK, Value::text(id), *version),
                    Guard::Claim(id, fence) => (&job::JOB, Value::text(id), *fence),
                };
                ops.guards.push(Guarded { table, key: [Value::text(org), key], version });
            }
            Write::Emit(event) => {
                own(org, event.org, &EVENT)?;
                ops.events.push(event.to_row());
            }
            Write::Enqueue(new) => {
                own(org, new.org, &job::JOB)?;
                ops.jobs.push((new.merge, job::to_row(new)));
            }
            Write::Finish(finish) => ops.finishes.push(Finish {
                job: finish.job.to_string(),
                fence: finish.fence,
                how: finish.how.clone(),
                by_id: planted(Bug::FinishById),
            }),
        }
    }
    Ok(ops)
}

fn set_version(table: &Table, row: &mut [Value], version: i64) {
    if table.has_version()
        && let Some(last) = row.last_mut()
    {
        *last = Value::Int(version);
    }
}

fn corrupt(table: &Table, column: &'static str, detail: &str) -> StoreError {
    StoreError::Corrupt { table: table.name, column, detail: detail.into() }
}

/// Every write of a batch belongs to the batch's organization, whatever the decision said.
fn own(org: OrgId, of: OrgId, table: &'static Table) -> Result<&'static Table, StoreError> {
    if of == org { Ok(table) } else { Err(corrupt(table, "org_id", "a write for another organization")) }
}

/// The table and row of a record. No wildcard: a kind of record that nobody stores does not compile.
fn to_row(org: OrgId, record: &Record) -> Result<(&'static Table, Vec<Value>), StoreError> {
    fn row<T: Stored>(org: OrgId, of: OrgId, record: &T) -> Result<(&'static Table, Vec<Value>), StoreError> {
        Ok((own(org, of, T::table())?, record.to_row()))
    }
    match record {
        Record::Organization(record) => row(org, record.id, record),
        Record::CarrierAccount(record) => row(org, record.org, record),
        Record::ApiKey(record) => row(org, record.org, record),
        Record::Flow(record) => row(org, record.org, record),
        Record::FlowVersion(record) => row(org, record.org, record),
        Record::Number(record) => row(org, record.org, record),
        Record::Conversation(record) => row(org, record.org, record),
        Record::Message(record) => row(org, record.org, record),
        Record::Attempt(record) => row(org, record.org, record),
        Record::Consent(record) => row(org, record.org, record),
        Record::Turn(record) => row(org, record.org, record),
        Record::Webhook(record) => row(org, record.org, record),
        Record::Delivery(record) => row(org, record.org, record),
        Record::StoredReply(record) => row(org, record.org, record),
        Record::AddressSession(record) => row(org, record.org, record),
        Record::Audit(record) => Ok((own(org, record.org, &AUDIT)?, audit::to_row(record))),
    }
}
