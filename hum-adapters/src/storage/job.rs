//! Jobs. The rules are core's ([`hum_core::job`]); here is their SQL, side by side where the
//! databases must differ.
//!
//! Two partial unique indexes carry the rules: at most one job of a kind and key is queued, and at
//! most one runs.

use hum_core::{
    clock::Timestamp,
    id::{JobId, OrgId},
    job::{Claimed, JobKind, Merge, NewJob},
    record::{Column, Reader, Row, Table, Value, Writer},
    store::StoreError,
};

use super::table;

/// The columns that a new job has.
pub(crate) static JOB: Table = Table {
    name: "job",
    columns: &[
        Column::of::<OrgId>("org_id").key(),
        Column::of::<JobId>("id").key(),
        Column::of::<String>("kind").fixed(),
        Column::of::<String>("key").fixed(),
        Column::of::<Timestamp>("run_at"),
    ],
    unique: &[],
};

/// Where `kind`, `key` and `run_at` are in a row of [`JOB`].
pub(crate) const KIND: usize = 2;
pub(crate) const KEY: usize = 3;
pub(crate) const RUN_AT: usize = 4;

pub(crate) fn to_row(job: &NewJob) -> Row {
    let mut row = Writer::new(&JOB);
    row.put(&job.org);
    row.put(&job.id);
    row.put(&job.kind.as_str().to_owned());
    row.put(&job.key);
    row.put(&job.run_at);
    row.row(&JOB)
}

/// What a claim answers. `run_at` is there to put rows in order: `RETURNING` has none.
static CLAIMED: Table = Table {
    name: "job",
    columns: &[
        Column::of::<OrgId>("org_id"),
        Column::of::<JobId>("id"),
        Column::of::<String>("kind"),
        Column::of::<String>("key"),
        Column::of::<i64>("fence"),
        Column::of::<i64>("attempt"),
        Column::of::<Timestamp>("run_at"),
    ],
    unique: &[],
};

fn names_of(alias: &str) -> String {
    CLAIMED
        .columns
        .iter()
        .map(|column| format!("{alias}{}", column.name))
        .collect::<Vec<_>>()
        .join(", ")
}

fn from_row(values: Vec<Value>, kinds: &[JobKind]) -> Result<(Timestamp, Claimed), StoreError> {
    let mut row = Reader::new(Row {
        table: &CLAIMED,
        values,
    });
    let (org, id) = (row.take()?, row.take()?);
    let name: String = row.take()?;
    let kind = kinds
        .iter()
        .copied()
        .find(|kind| kind.as_str() == name)
        .ok_or_else(|| row.corrupt("unknown name"))?;
    let claimed = Claimed {
        org,
        id,
        kind,
        key: row.take()?,
        fence: row.take()?,
        attempt: row.take()?,
    };
    Ok((row.take()?, claimed))
}

/// The claimed jobs, oldest due first; `kinds` are those that were asked for.
pub(crate) fn claimed(
    rows: Vec<Vec<Value>>,
    kinds: &[JobKind],
) -> Result<Vec<Claimed>, StoreError> {
    let mut jobs = rows
        .into_iter()
        .map(|row| from_row(row, kinds))
        .collect::<Result<Vec<_>, _>>()?;
    jobs.sort_by(|(at, a), (bt, b)| (at, a.id).cmp(&(bt, b.id)));
    Ok(jobs.into_iter().map(|(_, job)| job).collect())
}

/// Kinds as text: they are a closed set of this build, and a list of parameters has no fixed
/// length.
fn list(kinds: &[JobKind]) -> String {
    if kinds.is_empty() {
        return "NULL".into();
    }
    kinds
        .iter()
        .map(|kind| format!("'{}'", kind.as_str()))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Which jobs a claim takes: due at `$1`, of these kinds, without a twin that runs; `$3` of them.
fn due(kinds: &[JobKind]) -> String {
    format!(
        "SELECT q.org_id, q.id FROM job q \
         WHERE q.state = 'queued' AND q.run_at <= $1 AND q.kind IN ({}) \
         AND NOT EXISTS (SELECT 1 FROM job r WHERE r.state = 'running' \
           AND r.org_id = q.org_id AND r.kind = q.kind AND r.key = q.key) \
         ORDER BY q.run_at, q.id LIMIT $3",
        list(kinds)
    )
}

const CLAIM: &str =
    "SET state = 'running', fence = fence + 1, attempt = attempt + 1, lease_until = $2";

/// SQLite has one writer at a time: what was selected is still so when it is updated.
pub(crate) fn sqlite_claim(kinds: &[JobKind]) -> String {
    format!(
        "UPDATE job {CLAIM} WHERE (org_id, id) IN ({}) RETURNING {}",
        due(kinds),
        names_of("")
    )
}

/// Postgres has many: a row that somebody else is claiming is passed over instead of waited for.
pub(crate) fn postgres_claim(kinds: &[JobKind]) -> String {
    format!(
        "WITH due AS MATERIALIZED ({} FOR UPDATE OF q SKIP LOCKED) \
         UPDATE job {CLAIM} FROM due WHERE job.org_id = due.org_id AND job.id = due.id RETURNING {}",
        due(kinds),
        names_of("job.")
    )
}

/// What happens when the job's twin is queued already. `INSERT` comes before it.
fn on_twin(merge: Merge) -> &'static str {
    match merge {
        Merge::Move => {
            "ON CONFLICT (org_id, kind, key) WHERE state = 'queued' DO UPDATE SET run_at = excluded.run_at"
        }
        Merge::Sooner => {
            "ON CONFLICT (org_id, kind, key) WHERE state = 'queued' DO UPDATE SET run_at = excluded.run_at \
             WHERE excluded.run_at < job.run_at"
        }
    }
}

pub(crate) fn sqlite_enqueue(merge: Merge) -> String {
    format!("{} {}", table::of(&JOB).sqlite_insert(), on_twin(merge))
}

pub(crate) fn postgres_enqueue(merge: Merge) -> String {
    format!("{} {}", table::of(&JOB).postgres_insert(), on_twin(merge))
}

// A claim ends, or is given back: `$1` organization, `$2` job, `$3` fence.

const HELD: &str = "org_id = $1 AND id = $2 AND fence = $3 AND state = 'running'";
const NO_TWIN: &str = "NOT EXISTS (SELECT 1 FROM job q WHERE q.state = 'queued' \
     AND q.org_id = job.org_id AND q.kind = job.kind AND q.key = job.key)";

pub(crate) fn done() -> String {
    format!("DELETE FROM job WHERE {HELD}")
}

/// The same for many claims at once (Postgres); answers which of them (from 1) were held.
pub(crate) const DONE_OF_MANY: &str = "DELETE FROM job t \
     USING unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY AS u (org_id, id, fence, nth) \
     WHERE t.org_id = u.org_id AND t.id = u.id AND t.fence = u.fence AND t.state = 'running' RETURNING u.nth";

pub(crate) fn failed() -> String {
    format!("UPDATE job SET state = 'failed', lease_until = NULL, last_error = $4 WHERE {HELD}")
}

/// Queued again at `$4`, unless its twin is.
pub(crate) fn again() -> String {
    format!(
        "UPDATE job SET state = 'queued', lease_until = NULL, run_at = $4, last_error = $5 WHERE {HELD} AND {NO_TWIN}"
    )
}

/// Given back without having run.
pub(crate) fn release() -> String {
    format!(
        "UPDATE job SET state = 'queued', lease_until = NULL, run_at = $4, attempt = attempt - 1 WHERE {HELD} AND {NO_TWIN}"
    )
}

/// The twin is queued, so this one goes; answers its kind and key.
pub(crate) fn yield_to_twin() -> String {
    format!("DELETE FROM job WHERE {HELD} RETURNING kind, key")
}

/// Of the organization `$1`, the queued job of kind `$2` and key `$3` is due at `$4`, if it was not
/// due before.
pub(crate) const TWIN_SOONER: &str = "UPDATE job SET run_at = $4 WHERE org_id = $1 AND kind = $2 AND key = $3 AND state = 'queued' AND run_at > $4";

pub(crate) fn heartbeat() -> String {
    format!("UPDATE job SET lease_until = $4 WHERE {HELD}")
}

/// Claims past their lease at `$1`.
pub(crate) const EXPIRED: &str = "SELECT org_id, id, fence FROM job WHERE state = 'running' AND lease_until <= $1 ORDER BY org_id, id";
/// An expired claim is queued again at `$4`; its attempt counts, for it may have run.
pub(crate) fn requeue() -> String {
    format!(
        "UPDATE job SET state = 'queued', lease_until = NULL, run_at = $4 WHERE {HELD} AND {NO_TWIN}"
    )
}

pub(crate) fn next_due(kinds: &[JobKind]) -> String {
    format!(
        "SELECT min(due) AS due FROM (\
         SELECT min(run_at) AS due FROM job WHERE state = 'queued' AND kind IN ({}) \
         UNION ALL SELECT min(lease_until) FROM job WHERE state = 'running') AS next",
        list(kinds)
    )
}

/// What [`next_due`] answers.
pub(crate) fn due_at(rows: &[Vec<Value>]) -> Option<Timestamp> {
    match rows.first()?.first()? {
        Value::Int(micros) => Some(Timestamp::from_micros(*micros)),
        _ => None,
    }
}
