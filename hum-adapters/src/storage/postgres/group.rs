//! Applies the batches of a group, inside one transaction: all rows of a table and kind of write in
//! one statement.
//!
//! Rows are in the order of their keys, and tables always in the same order, so that two writers
//! wait for each other at most in a line, not in a circle. The order also puts what may refuse a
//! batch before what is worth the work.

use std::collections::BTreeMap;

use hum_core::{
    batch::{Committed, Finished},
    job::Merge,
    record::{Column, Field as _, Value},
    selector::Touched,
    store::Conflict,
};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use super::{
    super::{
        counter, event,
        job::{self, JOB},
        op::{Finish, Guarded, Ops, Selection},
        query::{Sql, sql},
        table::{TableSql, postgres_type},
    },
    statement::{bind, bind_rows},
};

/// Why the group cannot be committed as it is.
pub(super) enum Refused {
    /// These batches, by position.
    Batches(Vec<(usize, Conflict)>),
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

pub(super) async fn apply(
    connection: &mut PgConnection,
    batches: &mut [&mut Ops],
) -> Result<Vec<Committed>, Refused> {
    sqlx::raw_sql("BEGIN").execute(&mut *connection).await?;
    // Before the ends: a batch may guard the very claim that it ends.
    guard(connection, batches).await?;
    finish(connection, batches).await?;
    let touched = select(connection, batches).await?;
    put(connection, batches).await?;
    delete(connection, batches).await?;
    insert(connection, batches).await?;
    let mut committed = append(connection, batches).await?;
    for (committed, touched) in committed.iter_mut().zip(touched) {
        committed.touched = touched;
    }
    enqueue(connection, batches).await?;
    // Last, so that a counter that everybody adds to is locked for the shortest time.
    count(connection, batches).await?;
    Ok(committed)
}

/// Runs a statement over many rows that answers which of them (from 1) it found; the batches of the
/// others are refused.
async fn expect_all(
    connection: &mut PgConnection,
    sql: Sql,
    columns: &[Column],
    mut rows: Vec<(usize, &[Value])>,
    otherwise: Conflict,
) -> Result<(), Refused> {
    if rows.is_empty() {
        return Ok(());
    }
    rows.sort_by_key(|(_, row)| *row);
    let values: Vec<&[Value]> = rows.iter().map(|(_, row)| *row).collect();
    let found = bind_rows(sqlx::query(AssertSqlSafe(sql)), columns, &values)
        .fetch_all(connection)
        .await?;
    if found.len() == rows.len() {
        return Ok(());
    }
    let mut missing = vec![true; rows.len()];
    for row in &found {
        let nth: i64 = row.try_get(0)?;
        if let Some(missing) = usize::try_from(nth - 1)
            .ok()
            .and_then(|nth| missing.get_mut(nth))
        {
            *missing = false;
        }
    }
    let refused: BTreeMap<usize, Conflict> = rows
        .iter()
        .zip(missing)
        .filter(|(_, missing)| *missing)
        .map(|((batch, _), _)| (*batch, otherwise))
        .collect();
    Err(Refused::Batches(refused.into_iter().collect()))
}

/// Rows by table; the tables in the order of their names.
type ByTable<'a> = BTreeMap<&'static str, (&'static TableSql, Vec<(usize, &'a [Value])>)>;

fn by_table<'a>(
    rows: impl Iterator<Item = (usize, &'a (&'static TableSql, Vec<Value>))>,
) -> ByTable<'a> {
    rows.fold(ByTable::new(), |mut tables, (batch, (table, row))| {
        tables
            .entry(table.name)
            .or_insert_with(|| (table, Vec::new()))
            .1
            .push((batch, row));
        tables
    })
}

async fn put(connection: &mut PgConnection, batches: &[&mut Ops]) -> Result<(), Refused> {
    let rows = batches
        .iter()
        .enumerate()
        .flat_map(|(nth, ops)| ops.puts.iter().map(move |put| (nth, put)));
    for (table, rows) in by_table(rows).into_values() {
        expect_all(
            connection,
            table.postgres_update().into(),
            table.columns,
            rows,
            Conflict::Changed,
        )
        .await?;
    }
    Ok(())
}

async fn insert(connection: &mut PgConnection, batches: &[&mut Ops]) -> Result<(), Refused> {
    let rows = batches
        .iter()
        .enumerate()
        .flat_map(|(nth, ops)| ops.inserts.iter().map(move |insert| (nth, insert)));
    for (table, mut rows) in by_table(rows).into_values() {
        rows.sort_by_key(|(_, row)| *row);
        let values: Vec<&[Value]> = rows.iter().map(|(_, row)| *row).collect();
        bind_rows(sqlx::query(table.postgres_insert()), table.columns, &values)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// What the selections of each batch touched. Seldom, so one by one.
async fn select(
    connection: &mut PgConnection,
    batches: &[&mut Ops],
) -> Result<Vec<Vec<(usize, Touched)>>, sqlx::Error> {
    let mut all = Vec::with_capacity(batches.len());
    for ops in batches {
        let mut touched = Vec::with_capacity(ops.selections.len());
        for selection in &ops.selections {
            let of = select_one(connection, &ops.org, selection).await?;
            touched.push((selection.place, of));
        }
        all.push(touched);
    }
    Ok(all)
}

/// Locks what it finds, in the order of the keys, and writes to those within the limit.
async fn select_one(
    connection: &mut PgConnection,
    org: &str,
    selection: &Selection,
) -> Result<Touched, sqlx::Error> {
    let slot = |name: &str, nth| {
        let column = selection.table.columns.iter().find(|one| one.name == name);
        let kind = column.map_or("text", |column| postgres_type(column.kind));
        format!("${nth}::{kind}")
    };
    let sql = format!(
        "WITH found AS ({} FOR UPDATE), \
         touched AS ({} WHERE t.org_id = $1 AND ({}) IN (SELECT * FROM found LIMIT ${}) RETURNING 1) \
         SELECT (SELECT count(*) FROM touched), (SELECT count(*) FROM found)",
        selection.find(),
        selection.verb(slot),
        selection.key("t."),
        selection.selector.equal.len() + 2,
    );
    let params = selection.params(org);
    let row = bind(sqlx::query(AssertSqlSafe(sql)), &params)
        .fetch_one(connection)
        .await?;
    let (touched, found): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    Ok(Touched {
        records: u64::try_from(touched).unwrap_or(0),
        more: found > i64::from(selection.selector.limit),
    })
}

/// The columns of a record at a version.
const AT: &[Column] = &[
    Column::of::<String>("org_id"),
    Column::of::<String>("id"),
    Column::of::<i64>("version"),
];

/// Records at versions by table; the tables in the order of their names.
type AtByTable = BTreeMap<&'static str, (&'static TableSql, Vec<(usize, [Value; 3])>)>;

fn at_by_table<'a>(records: impl Iterator<Item = (usize, &'a Guarded)>) -> AtByTable {
    records.fold(
        AtByTable::new(),
        |mut tables,
         (
            batch,
            Guarded {
                table,
                key: [org, id],
                version,
            },
        )| {
            let (_, rows) = tables
                .entry(table.name)
                .or_insert_with(|| (table, Vec::new()));
            rows.push((batch, [org.clone(), id.clone(), Value::Int(*version)]));
            tables
        },
    )
}

fn slices(rows: &[(usize, [Value; 3])]) -> Vec<(usize, &[Value])> {
    rows.iter()
        .map(|(batch, row)| (*batch, row.as_slice()))
        .collect()
}

/// `FOR SHARE`: nobody changes the row until this is committed, and several may rest on it.
async fn guard(connection: &mut PgConnection, batches: &[&mut Ops]) -> Result<(), Refused> {
    let guards = batches
        .iter()
        .enumerate()
        .flat_map(|(nth, ops)| ops.guards.iter().map(move |guard| (nth, guard)));
    for (table, rows) in at_by_table(guards).values() {
        let (condition, conflict) = Guarded::condition(table);
        let sql = format!(
            "SELECT u.nth FROM unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY AS u (org_id, id, version, nth) \
             JOIN {} t ON t.org_id = u.org_id AND t.{} = u.id AND {} FOR SHARE OF t",
            table.name,
            table.key[1],
            condition.replace("{version}", "u.version"),
        );
        expect_all(connection, sql.into(), AT, slices(rows), conflict).await?;
    }
    Ok(())
}

async fn delete(connection: &mut PgConnection, batches: &[&mut Ops]) -> Result<(), Refused> {
    let gone = batches
        .iter()
        .enumerate()
        .flat_map(|(nth, ops)| ops.deletes.iter().map(move |gone| (nth, gone)));
    for (table, rows) in at_by_table(gone).values() {
        let sql = format!(
            "DELETE FROM {} t USING unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY AS u (org_id, id, version, nth) \
             WHERE t.org_id = u.org_id AND t.{} = u.id AND t.version = u.version RETURNING u.nth",
            table.name, table.key[1],
        );
        expect_all(connection, sql.into(), AT, slices(rows), Conflict::Changed).await?;
    }
    Ok(())
}

async fn finish(connection: &mut PgConnection, batches: &[&mut Ops]) -> Result<(), Refused> {
    const COLUMNS: &[Column] = &[
        Column::of::<String>("org_id"),
        Column::of::<String>("id"),
        Column::of::<i64>("fence"),
    ];
    let mut done: Vec<(usize, [Value; 3])> = Vec::new();
    let mut others: Vec<(usize, [Value; 3], &Finished)> = Vec::new();
    for (nth, ops) in batches.iter().enumerate() {
        for Finish {
            job, fence, how, ..
        } in &ops.finishes
        {
            let held = [Value::text(&ops.org), Value::text(job), Value::Int(*fence)];
            match how {
                Finished::Done => done.push((nth, held)),
                Finished::Again { .. } | Finished::Failed { .. } => others.push((nth, held, how)),
            }
        }
    }
    let rows = done
        .iter()
        .map(|(nth, held)| (*nth, held.as_slice()))
        .collect();
    expect_all(
        connection,
        Sql::Borrowed(job::DONE_OF_MANY),
        COLUMNS,
        rows,
        Conflict::StaleFence,
    )
    .await?;
    // Seldom, so one by one.
    others.sort_by(|(_, a, _), (_, b, _)| a.cmp(b));
    for (nth, held, how) in others {
        let ended = match how {
            Finished::Failed { error } => {
                execute(
                    connection,
                    sql!("{}", job::failed()),
                    &held,
                    [Value::text(error)],
                )
                .await?
                    == 1
            }
            Finished::Again { at, error } => {
                let params = [at.write(), error.write()];
                execute(connection, sql!("{}", job::again()), &held, params).await? == 1
                    || yield_to_twin(connection, &held, at.write()).await?
            }
            Finished::Done => true,
        };
        if !ended {
            return Err(Refused::Batches(vec![(nth, Conflict::StaleFence)]));
        }
    }
    Ok(())
}

async fn execute<const N: usize>(
    connection: &mut PgConnection,
    sql: Sql,
    held: &[Value; 3],
    more: [Value; N],
) -> Result<u64, sqlx::Error> {
    let params: Vec<Value> = held.iter().cloned().chain(more).collect();
    Ok(bind(sqlx::query(AssertSqlSafe(sql)), &params)
        .execute(connection)
        .await?
        .rows_affected())
}

/// The job `held` (organization, job, fence) could not be queued again: its twin is, or the claim
/// is lost (`false`).
pub(super) async fn yield_to_twin(
    connection: &mut PgConnection,
    held: &[Value; 3],
    at: Value,
) -> Result<bool, sqlx::Error> {
    let gone = sqlx::query(AssertSqlSafe(job::yield_to_twin()));
    let Some(gone) = bind(gone, held).fetch_optional(&mut *connection).await? else {
        return Ok(false);
    };
    let (kind, key): (String, String) = (gone.try_get(0)?, gone.try_get(1)?);
    let twin = [held[0].clone(), kind.into(), key.into(), at];
    bind(sqlx::query(job::TWIN_SOONER), &twin)
        .execute(connection)
        .await?;
    Ok(true)
}

/// Gives the events their numbers, in the order of the batches.
async fn append(
    connection: &mut PgConnection,
    batches: &mut [&mut Ops],
) -> Result<Vec<Committed>, Refused> {
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    for ops in batches.iter().filter(|ops| !ops.events.is_empty()) {
        *counts.entry(ops.org.clone()).or_default() += ops.events.len() as i64;
    }
    let mut committed: Vec<Committed> = batches
        .iter()
        .map(|ops| Committed {
            versions: ops.versions.clone(),
            last_event_seq: None,
            touched: Vec::new(),
        })
        .collect();
    if counts.is_empty() {
        return Ok(committed);
    }
    let (orgs, numbers): (Vec<String>, Vec<i64>) = counts
        .iter()
        .map(|(org, count)| (org.clone(), *count))
        .unzip();
    let taken = sqlx::query(event::TAKE_NUMBERS_OF_MANY)
        .bind(orgs)
        .bind(numbers)
        .fetch_all(&mut *connection)
        .await?;
    for row in &taken {
        let (org, last): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
        // From here on: the last number that is given.
        counts.entry(org).and_modify(|count| *count = last - *count);
    }
    for (ops, committed) in batches.iter_mut().zip(&mut committed) {
        let Some(last) = counts.get_mut(&ops.org) else {
            continue;
        };
        for row in &mut ops.events {
            *last += 1;
            row[event::SEQ] = Value::Int(*last);
            committed.last_event_seq = Some(*last);
        }
    }
    let rows: Vec<&[Value]> = batches
        .iter()
        .flat_map(|ops| ops.events.iter().map(Vec::as_slice))
        .collect();
    let of = event::statements();
    bind_rows(sqlx::query(of.postgres_insert()), of.columns, &rows)
        .execute(connection)
        .await?;
    Ok(committed)
}

/// Jobs of a kind and key that several batches queue are one job: within a statement, a row may be
/// written once.
async fn enqueue(connection: &mut PgConnection, batches: &[&mut Ops]) -> Result<(), Refused> {
    let mut merged: BTreeMap<[&Value; 3], (Merge, Vec<Value>)> = BTreeMap::new();
    for (merge, row) in batches.iter().flat_map(|ops| &ops.jobs) {
        let (how, queued) = merged
            .entry([&row[0], &row[job::KIND], &row[job::KEY]])
            .or_insert_with(|| (*merge, row.clone()));
        match merge {
            Merge::Move => {
                *how = Merge::Move;
                queued[job::RUN_AT..].clone_from_slice(&row[job::RUN_AT..]);
            }
            Merge::Sooner if row[job::RUN_AT] < queued[job::RUN_AT] => {
                queued[job::RUN_AT..].clone_from_slice(&row[job::RUN_AT..]);
            }
            Merge::Sooner => {}
        }
    }
    for merge in [Merge::Move, Merge::Sooner] {
        let rows = merged
            .values()
            .filter(|(how, _)| *how == merge)
            .map(|(_, row)| row.as_slice());
        let rows: Vec<&[Value]> = rows.collect();
        if !rows.is_empty() {
            let sql = match merge {
                Merge::Move => sql!("{}", job::postgres_enqueue(Merge::Move)),
                Merge::Sooner => sql!("{}", job::postgres_enqueue(Merge::Sooner)),
            };
            bind_rows(sqlx::query(AssertSqlSafe(sql)), JOB.columns, &rows)
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}

/// One row for each metric that the group counts, in the order of the keys.
async fn count(connection: &mut PgConnection, batches: &[&mut Ops]) -> Result<(), Refused> {
    let mut sums: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for ops in batches {
        for (metric, delta) in &ops.counts {
            let sum = sums.entry((&ops.org, metric)).or_default();
            *sum = sum.saturating_add(*delta);
        }
    }
    if sums.is_empty() {
        return Ok(());
    }
    let (keys, deltas): (Vec<(&str, &str)>, Vec<i64>) = sums.into_iter().unzip();
    let (orgs, metrics): (Vec<&str>, Vec<&str>) = keys.into_iter().unzip();
    sqlx::query(counter::ADD_MANY)
        .bind(orgs)
        .bind(metrics)
        .bind(deltas)
        .execute(connection)
        .await?;
    Ok(())
}
