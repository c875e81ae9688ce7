//! Jobs. The rules are core's ([`hum_core::job`]); here is their SQL, side by side where the
//! databases must differ.
//!
//! Two partial unique indexes carry the rules: at most one job of a kind and key is queued, and at
//! most one runs.

use std::{collections::BTreeSet, fmt::Write as _};

use hum_core::{
    clock::Timestamp,
    id::{JobId, OrgId},
    job::{BEHIND_ALL, Claim, Claimed, JobKind, Line, Look, Merge, NewJob, NextDue, PROMOTE, Want},
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
        Column::of::<String>("queue").fixed(),
        Column::of::<Timestamp>("run_at"),
        Column::of::<bool>("ready"),
    ],
    unique: &[],
    indexes: &[],
};

/// Where these columns are in a row of [`JOB`].
pub(crate) const KIND: usize = 2;
pub(crate) const KEY: usize = 3;
/// And whether it is ready, behind it.
pub(crate) const RUN_AT: usize = 5;

pub(crate) fn to_row(job: &NewJob) -> Row {
    let mut row = Writer::new(&JOB);
    row.put(&job.org);
    row.put(&job.id);
    row.put(&job.kind.as_str().to_owned());
    row.put(&job.key);
    row.put(&job.queue);
    row.put(&job.run_at);
    row.put(&job.ready);
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
        Column::of::<String>("queue"),
        Column::of::<i64>("fence"),
        Column::of::<i64>("attempt"),
        Column::of::<Timestamp>("run_at"),
    ],
    unique: &[],
    indexes: &[],
};

fn names_of(alias: &str) -> String {
    CLAIMED
        .columns
        .iter()
        .map(|column| format!("{alias}{}", column.name))
        .collect::<Vec<_>>()
        .join(", ")
}

fn from_row(values: Vec<Value>, wants: &[Want]) -> Result<(Timestamp, Claimed), StoreError> {
    let mut row = Reader::new(Row {
        table: &CLAIMED,
        values,
    });
    let (org, id) = (row.take()?, row.take()?);
    let name: String = row.take()?;
    let kind = wants
        .iter()
        .map(|want| want.line.kind)
        .find(|kind| kind.as_str() == name)
        .ok_or_else(|| row.corrupt("unknown name"))?;
    let claimed = Claimed {
        org,
        id,
        kind,
        key: row.take()?,
        queue: row.take()?,
        fence: row.take()?,
        attempt: row.take()?,
    };
    Ok((row.take()?, claimed))
}

/// The claimed jobs, oldest due first; `wants` are those that were asked for.
pub(crate) fn claimed(rows: Vec<Vec<Value>>, wants: &[Want]) -> Result<Vec<Claimed>, StoreError> {
    let mut jobs = rows
        .into_iter()
        .map(|row| from_row(row, wants))
        .collect::<Result<Vec<_>, _>>()?;
    jobs.sort_by(|(at, a), (bt, b)| (at, a.id).cmp(&(bt, b.id)));
    Ok(jobs.into_iter().map(|(_, job)| job).collect())
}

// Due jobs stand in lines. A job `q` can be claimed when its twin does not run; as many stand in
// front of it that cannot as jobs run, so what is skipped is never much.

const STANDS: &str = "q.state = 'queued' AND q.ready";
/// Not `NOT EXISTS`, of which Postgres makes a join that compares with whatever runs.
const ALONE: &str = "(SELECT 1 FROM job r WHERE r.state = 'running' \
     AND r.org_id = q.org_id AND r.kind = q.kind AND r.key = q.key) IS NULL";

/// Before and behind every line of a kind: organizations too have ids for names.
const FIRST: [&str; 2] = ["", ""];
const BEHIND: [&str; 2] = [BEHIND_ALL, BEHIND_ALL];

/// The parts of lines that looks go through, each from behind a line up to another one: kind,
/// organization and queue, organization and queue, and which comes first.
pub(crate) fn parts(looks: &[Look]) -> Vec<[Value; 6]> {
    let part = |kind: JobKind, from: [&str; 2], to: [&str; 2], nth: i64| {
        [
            kind.as_str().into(),
            from[0].into(),
            from[1].into(),
            to[0].into(),
            to[1].into(),
            Value::Int(nth),
        ]
    };
    let of_look = |Look { kind, after }: &Look| match after {
        None => vec![part(*kind, FIRST, BEHIND, 0)],
        Some(Line { org, queue, .. }) => {
            let org = org.to_string();
            vec![
                part(*kind, [&org, queue], BEHIND, 0),
                part(*kind, FIRST, [&org, queue], 1),
            ]
        }
    };
    looks.iter().flat_map(of_look).collect()
}

/// The columns of [`parts`].
pub(crate) const PART: &[Column] = &[
    Column::of::<String>("kind"),
    Column::of::<String>("org_id"),
    Column::of::<String>("queue"),
    Column::of::<String>("to_org"),
    Column::of::<String>("to_queue"),
    Column::of::<i64>("part"),
];

/// From each line to the next one that has work, by one step in the index, however long it is.
/// Goes through `parts`, each up to `$1` lines far. To the next queue, or else to the next
/// organization: SQLite begins `(org_id, queue) > (…)` at the first row of the line that it is to
/// leave, and reads it to its end.
pub(crate) fn sqlite_lines(parts: usize) -> String {
    let mut values = String::new();
    for nth in 0..parts {
        let comma = if nth == 0 { "" } else { ", " };
        let slot = |at: usize| 2 + nth * PART.len() + at;
        let _ = write!(
            values,
            "{comma}(${}, ${}, ${}, ${}, ${}, ${})",
            slot(0),
            slot(1),
            slot(2),
            slot(3),
            slot(4),
            slot(5)
        );
    }
    format!(
        "WITH RECURSIVE looked (kind, org_id, queue, to_org, to_queue, part) AS (VALUES {values}), \
         line (kind, org_id, queue, to_org, to_queue, part, nth) AS (\
         SELECT kind, org_id, queue, to_org, to_queue, part, 0 FROM looked \
         UNION ALL \
         SELECT n.kind, n.org_id, n.queue, l.to_org, l.to_queue, l.part, l.nth + 1 FROM line l \
         JOIN job n ON (n.org_id, n.id) = (\
         SELECT org_id, id FROM (SELECT q.org_id, q.id FROM job q WHERE {STANDS} AND q.kind = l.kind \
         AND q.org_id = l.org_id AND q.queue > l.queue AND {ALONE} ORDER BY q.queue LIMIT 1) \
         UNION ALL SELECT org_id, id FROM (SELECT q.org_id, q.id FROM job q WHERE {STANDS} AND q.kind = l.kind \
         AND q.org_id > l.org_id AND {ALONE} ORDER BY q.org_id, q.queue LIMIT 1) LIMIT 1) \
         WHERE l.nth < $1 AND (n.org_id, n.queue) <= (l.to_org, l.to_queue)) \
         SELECT kind, org_id, queue FROM line WHERE nth > 0 ORDER BY kind, part, nth"
    )
}

/// The same; `$1` to `$6` are the columns of the parts, `$7` how far. Its order is all of the
/// index's, or Postgres may sort a line by another one.
pub(crate) fn postgres_lines() -> String {
    format!(
        "WITH RECURSIVE line (kind, org_id, queue, to_org, to_queue, part, nth) AS (\
         SELECT kind COLLATE \"C\", org_id COLLATE \"C\", queue COLLATE \"C\", to_org, to_queue, part, 0 \
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[]) \
         AS looked (kind, org_id, queue, to_org, to_queue, part) \
         UNION ALL \
         SELECT l.kind, n.org_id, n.queue, l.to_org, l.to_queue, l.part, l.nth + 1 FROM line l \
         CROSS JOIN LATERAL (SELECT q.org_id, q.queue FROM job q WHERE {STANDS} \
         AND q.kind = l.kind AND (q.org_id, q.queue) > (l.org_id, l.queue) AND {ALONE} \
         ORDER BY q.kind, q.org_id, q.queue, q.run_at, q.id LIMIT 1) n \
         WHERE l.nth < $7 AND (n.org_id, n.queue) <= (l.to_org, l.to_queue)) \
         SELECT kind, org_id, queue FROM line WHERE nth > 0 ORDER BY kind, part, nth"
    )
}

/// The lines that were found, at most `limit` of each kind.
pub(crate) fn lines(
    rows: Vec<Vec<Value>>,
    looks: &[Look],
    limit: u32,
) -> Result<Vec<Line>, StoreError> {
    let mut lines: Vec<Line> = Vec::with_capacity(rows.len());
    for values in rows {
        let mut row = Reader::new(Row {
            table: &JOB,
            values,
        });
        let name: String = row.take()?;
        let look = looks.iter().find(|look| look.kind.as_str() == name);
        let kind = look.ok_or_else(|| row.corrupt("unknown name"))?.kind;
        let so_far = lines.iter().filter(|line| line.kind == kind).count();
        if so_far < limit as usize {
            let (org, queue) = (row.take()?, row.take()?);
            lines.push(Line { kind, org, queue });
        }
    }
    Ok(lines)
}

const CLAIM: &str = "SET state = 'running', fence = fence + 1, attempt = attempt + 1";

/// Claims from the line of kind `$1`, organization `$2` and queue `$3` up to `$4` jobs until `$5`.
/// SQLite has one writer at a time: what was selected is still so when it is updated.
pub(crate) fn sqlite_claim() -> String {
    format!(
        "UPDATE job {CLAIM}, lease_until = $5 WHERE org_id = $2 AND id IN (\
         SELECT q.id FROM job q WHERE {STANDS} AND q.kind = $1 AND q.org_id = $2 AND q.queue = $3 \
         AND {ALONE} ORDER BY q.run_at, q.id LIMIT $4) RETURNING {}",
        names_of("")
    )
}

/// The same from many lines, the columns of [`WANT`], until `$5`. Postgres has many writers: a row
/// that somebody else is claiming is passed over instead of waited for.
pub(crate) fn postgres_claim() -> String {
    format!(
        "WITH due AS MATERIALIZED (SELECT d.org_id, d.id \
         FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS w (kind, org_id, queue, most) \
         CROSS JOIN LATERAL (SELECT q.org_id, q.id FROM job q WHERE {STANDS} AND q.kind = w.kind \
         AND q.org_id = w.org_id AND q.queue = w.queue AND {ALONE} \
         ORDER BY q.kind, q.org_id, q.queue, q.run_at, q.id LIMIT w.most FOR UPDATE OF q SKIP LOCKED) d) \
         UPDATE job {CLAIM}, lease_until = $5 FROM due \
         WHERE job.org_id = due.org_id AND job.id = due.id RETURNING {}",
        names_of("job.")
    )
}

/// What is wanted, as parameters.
pub(crate) fn wanted(want: &Want) -> [Value; 4] {
    let Line { kind, org, queue } = &want.line;
    [
        kind.as_str().into(),
        Value::text(org),
        queue.as_str().into(),
        Value::Int(want.limit.into()),
    ]
}

/// The columns of [`wanted`].
pub(crate) const WANT: &[Column] = &[
    Column::of::<String>("kind"),
    Column::of::<String>("org_id"),
    Column::of::<String>("queue"),
    Column::of::<i64>("most"),
];

/// Jobs whose time `$1` has come stand in their lines from now on.
pub(crate) fn sqlite_promote() -> String {
    format!(
        "UPDATE job SET ready = true WHERE (org_id, id) IN (SELECT q.org_id, q.id FROM job q \
         WHERE q.state = 'queued' AND NOT q.ready AND q.run_at <= $1 ORDER BY q.run_at LIMIT {PROMOTE})"
    )
}

/// The same.
pub(crate) fn postgres_promote() -> String {
    format!(
        "WITH due AS MATERIALIZED (SELECT q.org_id, q.id FROM job q \
         WHERE q.state = 'queued' AND NOT q.ready AND q.run_at <= $1 \
         ORDER BY q.run_at LIMIT {PROMOTE} FOR UPDATE OF q SKIP LOCKED) \
         UPDATE job SET ready = true FROM due WHERE job.org_id = due.org_id AND job.id = due.id"
    )
}

/// What happens when the job's twin is queued already. `INSERT` comes before it.
fn on_twin(merge: Merge) -> &'static str {
    match merge {
        Merge::Move => {
            "ON CONFLICT (org_id, kind, key) WHERE state = 'queued' \
             DO UPDATE SET run_at = excluded.run_at, ready = excluded.ready"
        }
        Merge::Sooner => {
            "ON CONFLICT (org_id, kind, key) WHERE state = 'queued' \
             DO UPDATE SET run_at = excluded.run_at, ready = excluded.ready OR job.ready \
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
        "UPDATE job SET state = 'queued', ready = false, lease_until = NULL, run_at = $4, last_error = $5 \
         WHERE {HELD} AND {NO_TWIN}"
    )
}

/// Given back without having run, and due at `$4`: now.
pub(crate) fn release() -> String {
    format!(
        "UPDATE job SET state = 'queued', ready = true, lease_until = NULL, run_at = $4, attempt = attempt - 1 \
         WHERE {HELD} AND {NO_TWIN}"
    )
}

/// The twin is queued, so this one goes; answers its kind and key.
pub(crate) fn yield_to_twin() -> String {
    format!("DELETE FROM job WHERE {HELD} RETURNING kind, key")
}

/// Of the organization `$1`, the queued job of kind `$2` and key `$3` is due at `$4`, if it was not
/// due before.
pub(crate) const TWIN_SOONER: &str = "UPDATE job SET run_at = $4 WHERE org_id = $1 AND kind = $2 AND key = $3 AND state = 'queued' AND run_at > $4";

/// `$4` is until when.
pub(crate) fn renew() -> String {
    format!("UPDATE job SET lease_until = $4 WHERE {HELD} RETURNING org_id, id, fence")
}

/// The same for many claims at once (Postgres).
pub(crate) const RENEW_MANY: &str = "UPDATE job t SET lease_until = $4 \
     FROM unnest($1::text[], $2::text[], $3::bigint[]) AS u (org_id, id, fence) \
     WHERE t.org_id = u.org_id AND t.id = u.id AND t.fence = u.fence AND t.state = 'running' \
     RETURNING t.org_id, t.id, t.fence";

/// A claim, as parameters.
pub(crate) fn held(claim: Claim) -> [Value; 3] {
    [
        Value::text(claim.org),
        Value::text(claim.job),
        Value::Int(claim.fence),
    ]
}

/// The columns of [`held`].
pub(crate) const CLAIM_COLUMNS: &[Column] = &[
    Column::of::<String>("org_id"),
    Column::of::<String>("id"),
    Column::of::<i64>("fence"),
];

/// Which of these claims are among the rows.
pub(crate) fn renewed(rows: &[Vec<Value>], claims: &[Claim]) -> Vec<Claim> {
    let rows: BTreeSet<&[Value]> = rows.iter().map(Vec::as_slice).collect();
    let found = |claim: &&Claim| rows.contains(held(**claim).as_slice());
    claims.iter().filter(found).copied().collect()
}

/// Claims past their lease at `$1`, some at a time.
pub(crate) const EXPIRED: &str = "WITH expired AS MATERIALIZED (SELECT org_id, id, fence FROM job \
     WHERE state = 'running' AND lease_until <= $1 ORDER BY lease_until LIMIT 1000) \
     SELECT org_id, id, fence FROM expired ORDER BY org_id, id";
/// An expired claim is queued again at `$4`, now; its attempt counts, for it may have run.
pub(crate) fn requeue() -> String {
    format!(
        "UPDATE job SET state = 'queued', ready = true, lease_until = NULL, run_at = $4 \
         WHERE {HELD} AND {NO_TWIN}"
    )
}

pub(crate) const NEXT_DUE: &str = "SELECT \
     (SELECT min(run_at) FROM job WHERE state = 'queued' AND NOT ready) AS promote, \
     (SELECT min(lease_until) FROM job WHERE state = 'running') AS sweep";

/// What [`NEXT_DUE`] answers.
pub(crate) fn next_due(rows: &[Vec<Value>]) -> NextDue {
    let at = |column: usize| match rows.first().and_then(|row| row.get(column)) {
        Some(Value::Int(micros)) => Some(Timestamp::from_micros(*micros)),
        _ => None,
    };
    NextDue {
        promote: at(0),
        sweep: at(1),
    }
}
