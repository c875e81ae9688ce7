//! Applies one batch, inside a transaction that somebody else opens and ends.

use hum_core::{
    batch::{Committed, Finished},
    clock::Timestamp,
    job::Merge,
    record::{Field as _, Value},
    selector::Touched,
    store::{CommitError, Conflict},
};
use rusqlite::{CachedStatement, Connection};

use super::{
    super::{
        counter, event, job,
        op::{Finish, Guarded, Ops, Selection},
        query::sql,
    },
    connection::{Bound, Failed, execute, rows},
};

/// What can refuse the batch comes first.
pub(super) fn apply(connection: &Connection, ops: Ops) -> Result<Committed, CommitError> {
    // Before the ends: a batch may guard the very claim that it ends.
    for guard in &ops.guards {
        if !still(connection, guard)? {
            return Err(CommitError::Conflict(Guarded::condition(guard.table).1));
        }
    }
    for end in ops.finishes {
        if !finish(connection, &ops.org, end)? {
            return Err(CommitError::Conflict(Conflict::StaleFence));
        }
    }
    let mut touched = Vec::with_capacity(ops.selections.len());
    for selection in &ops.selections {
        touched.push((selection.place, select(connection, &ops.org, selection)?));
    }
    for (table, row) in &ops.puts {
        if write(connection, table.sqlite_update(), row)? != 1 {
            return Err(CommitError::Conflict(Conflict::Changed));
        }
    }
    for gone in &ops.deletes {
        if !delete(connection, gone)? {
            return Err(CommitError::Conflict(Conflict::Changed));
        }
    }
    for (table, row) in &ops.inserts {
        write(connection, table.sqlite_insert(), row)?;
    }
    let last_event_seq = append(connection, &ops.org, ops.events)?;
    for (merge, row) in &ops.jobs {
        let sql = match merge {
            Merge::Move => sql!("{}", job::sqlite_enqueue(Merge::Move)),
            Merge::Sooner => sql!("{}", job::sqlite_enqueue(Merge::Sooner)),
        };
        write(connection, &sql, row)?;
    }
    for (metric, delta) in &ops.counts {
        count(connection, &ops.org, metric, *delta)?;
    }
    Ok(Committed {
        last_event_seq,
        versions: ops.versions,
        touched,
    })
}

/// Binds a whole row: `?n` is its n-th column. Columns that the statement does not use are left
/// out.
fn write(connection: &Connection, sql: &str, row: &[Value]) -> Result<usize, Failed> {
    let mut statement = connection.prepare_cached(sql)?;
    bind_row(&mut statement, row)?;
    Ok(statement.raw_execute()?)
}

fn bind_row(statement: &mut CachedStatement<'_>, row: &[Value]) -> Result<(), Failed> {
    let used = statement.parameter_count();
    for (index, value) in row.iter().enumerate().take(used) {
        statement.raw_bind_parameter(index + 1, Bound(value))?;
    }
    Ok(())
}

fn still(connection: &Connection, guard: &Guarded) -> Result<bool, Failed> {
    let Guarded {
        table,
        key: [org, id],
        version,
    } = guard;
    let condition = Guarded::condition(table).0.replace("{version}", "?3");
    let sql = format!(
        "SELECT 1 FROM {} t WHERE t.org_id = ?1 AND t.{} = ?2 AND {condition}",
        table.name, table.key[1]
    );
    let mut statement = connection.prepare_cached(&sql)?;
    statement.raw_bind_parameter(1, Bound(org))?;
    statement.raw_bind_parameter(2, Bound(id))?;
    statement.raw_bind_parameter(3, version)?;
    Ok(statement.raw_query().next()?.is_some())
}

fn delete(connection: &Connection, gone: &Guarded) -> Result<bool, Failed> {
    let Guarded {
        table,
        key: [org, id],
        version,
    } = gone;
    let sql = format!(
        "DELETE FROM {} WHERE org_id = ?1 AND {} = ?2 AND version = ?3",
        table.name, table.key[1]
    );
    let mut statement = connection.prepare_cached(&sql)?;
    statement.raw_bind_parameter(1, Bound(org))?;
    statement.raw_bind_parameter(2, Bound(id))?;
    statement.raw_bind_parameter(3, version)?;
    Ok(statement.raw_execute()? == 1)
}

/// Finds them, to see whether there are more, and then writes to those within the limit.
fn select(connection: &Connection, org: &str, selection: &Selection) -> Result<Touched, Failed> {
    let params = selection.params(org);
    let found = rows(connection, &selection.find(), &params)?.len();
    let limit = selection.selector.limit as usize;
    let sql = format!(
        "{} WHERE org_id = $1 AND ({}) IN (SELECT * FROM ({}) LIMIT ${})",
        selection.verb(|_, nth| format!("${nth}")),
        selection.key(""),
        selection.find(),
        selection.selector.equal.len() + 2,
    );
    let records = execute(connection, &sql, &params)? as u64;
    Ok(Touched {
        records,
        more: found > limit,
    })
}

fn count(connection: &Connection, org: &str, metric: &str, delta: i64) -> Result<(), Failed> {
    connection
        .prepare_cached(counter::ADD)?
        .execute((org, metric, delta))?;
    Ok(())
}

/// Gives the events their numbers; answers the last one.
fn append(
    connection: &Connection,
    org: &str,
    events: Vec<Vec<Value>>,
) -> Result<Option<i64>, Failed> {
    if events.is_empty() {
        return Ok(None);
    }
    let count = events.len() as i64;
    if connection
        .prepare_cached(event::TAKE_NUMBERS)?
        .execute((org, count))?
        == 0
    {
        connection
            .prepare_cached(event::TAKE_FIRST_NUMBERS)?
            .execute((org, count))?;
    }
    let last: i64 = connection
        .prepare_cached(event::LAST_NUMBER)?
        .query_row([org], |row| row.get(0))?;
    let insert = event::statements().sqlite_insert();
    for (seq, mut row) in (last - count + 1..).zip(events) {
        row[event::SEQ] = Value::Int(seq);
        write(connection, insert, &row)?;
    }
    Ok(Some(last))
}

/// Ends a run; `false` when the claim is not held any more.
fn finish(connection: &Connection, org: &str, end: Finish) -> Result<bool, Failed> {
    let held = [
        Value::text(org),
        Value::Text(end.job),
        Value::Int(end.fence),
    ];
    let touched = |sql: std::borrow::Cow<'static, str>, more: Vec<Value>| {
        execute(
            connection,
            &sql,
            &held.iter().cloned().chain(more).collect::<Vec<_>>(),
        )
    };
    match end.how {
        Finished::Done => Ok(touched(sql!("{}", job::done()), vec![])? == 1),
        Finished::Failed { error } => {
            Ok(touched(sql!("{}", job::failed()), vec![error.into()])? == 1)
        }
        Finished::Again { at, error } => {
            if touched(sql!("{}", job::again()), vec![at.write(), error.write()])? == 1 {
                return Ok(true);
            }
            yield_to_twin(connection, &job::yield_to_twin(), &held, at)
        }
    }
}

/// The job `held` (organization, job, fence) could not be queued again: its twin is, or the claim
/// is lost (`false`).
pub(super) fn yield_to_twin(
    connection: &Connection,
    sql: &str,
    held: &[Value; 3],
    at: Timestamp,
) -> Result<bool, Failed> {
    let gone = rows(connection, sql, held)?;
    for row in &gone {
        let [kind, key] = &row[..] else { continue };
        let twin = [held[0].clone(), kind.clone(), key.clone(), at.write()];
        execute(connection, job::TWIN_SOONER, &twin)?;
    }
    Ok(!gone.is_empty())
}
