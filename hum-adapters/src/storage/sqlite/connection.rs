//! One connection: how it is opened, and how values go in and come out.

use std::{path::Path, time::Duration};

use hum_core::{
    record::Value,
    store::{CommitError, Conflict, StoreError},
};
use rusqlite::{
    Connection, Statement, ToSql,
    config::DbConfig,
    ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_ROWID, SQLITE_CONSTRAINT_UNIQUE},
    types::{ToSqlOutput, ValueRef},
};

use super::{store_error, unavailable};

/// `FULL`: in WAL mode, a commit that was answered survives a power cut. `wal_autocheckpoint=0`:
/// the writer's second thread copies the log back, not the commit that happens to fill it.
/// `journal_size_limit`: a log that grew beyond its limit while somebody read is cut when it starts
/// over.
const PRAGMAS: &str = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF; \
     PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=67108864; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-32768; PRAGMA mmap_size=1073741824;";
/// How long one process waits for a lock of another one.
pub(super) const BUSY: Duration = Duration::from_secs(5);
/// More than there are statements.
const STATEMENTS: usize = 256;

pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path).map_err(|error| {
        unavailable(format!(
            "cannot open the database {}: {error}",
            path.display()
        ))
    })?;
    connection.busy_timeout(BUSY).map_err(store_error)?;
    connection.execute_batch(PRAGMAS).map_err(|error| {
        unavailable(format!(
            "cannot use the database {}: {error}",
            path.display()
        ))
    })?;
    prepare_for_statements(&connection)?;
    Ok(connection)
}

/// Without the planner's stability guarantee SQLite compiles a cached statement again whenever a
/// bound value could have made another plan: half of the time of claiming a job.
fn prepare_for_statements(connection: &Connection) -> Result<(), StoreError> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(store_error)?;
    Ok(())
}

pub(super) fn open_in_memory() -> Result<Connection, StoreError> {
    let connection = Connection::open_in_memory().map_err(store_error)?;
    connection
        .execute_batch("PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF;")
        .map_err(store_error)?;
    prepare_for_statements(&connection)?;
    Ok(connection)
}

/// What SQLite said, for a commit and for a read.
pub(super) struct Failed(rusqlite::Error);

impl Failed {
    pub(super) fn code(&self) -> Option<rusqlite::ErrorCode> {
        self.0.sqlite_error_code()
    }
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self(error)
    }
}

impl From<Failed> for StoreError {
    fn from(failed: Failed) -> Self {
        store_error(failed.0)
    }
}

impl From<Failed> for CommitError {
    fn from(failed: Failed) -> Self {
        const TAKEN: [i32; 3] = [
            SQLITE_CONSTRAINT_UNIQUE,
            SQLITE_CONSTRAINT_PRIMARYKEY,
            SQLITE_CONSTRAINT_ROWID,
        ];
        match &failed.0 {
            rusqlite::Error::SqliteFailure(code, _) if TAKEN.contains(&code.extended_code) => {
                Self::Conflict(Conflict::Exists)
            }
            _ => Self::Store(failed.into()),
        }
    }
}

/// A value as SQLite takes it.
pub(super) struct Bound<'a>(pub(super) &'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Int(int) => ValueRef::Integer(*int),
            Value::Bool(bool) => ValueRef::Integer(i64::from(*bool)),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// To SQLite `$2` is a name, not a number, and `?2` may stand alone: so each parameter is asked for
/// its own.
fn bind(statement: &mut Statement<'_>, params: &[Value]) -> rusqlite::Result<()> {
    for index in 1..=statement.parameter_count() {
        let number = statement
            .parameter_name(index)
            .and_then(|name| name.get(1..)?.parse::<usize>().ok());
        if let Some(value) = number.and_then(|number| params.get(number.wrapping_sub(1))) {
            statement.raw_bind_parameter(index, Bound(value))?;
        }
    }
    Ok(())
}

pub(super) fn rows(
    connection: &Connection,
    sql: &str,
    params: &[Value],
) -> Result<Vec<Vec<Value>>, Failed> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, params)?;
    let width = statement.column_count();
    let mut rows = statement.raw_query();
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let mut values = Vec::with_capacity(width);
        for column in 0..width {
            values.push(match row.get_ref(column)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(int) => Value::Int(int),
                // No column holds one; whoever reads it says that it is not a number.
                ValueRef::Real(real) => Value::Text(real.to_string()),
                ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
            });
        }
        all.push(values);
    }
    Ok(all)
}

/// Answers how many rows were touched.
pub(super) fn execute(
    connection: &Connection,
    sql: &str,
    params: &[Value],
) -> Result<usize, Failed> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, params)?;
    Ok(statement.raw_execute()?)
}
