//! The databases that hum runs on, looked at and filled from outside.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use clap::{Args, ValueEnum};

use crate::server::Postgres;

/// A benchmark that runs on either.
#[derive(Args)]
pub struct Databases {
    /// Which databases.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "sqlite,postgres"
    )]
    pub database: Vec<DatabaseKind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DatabaseKind {
    Sqlite,
    Postgres,
}

impl DatabaseKind {
    /// With what its commits wait for.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite, synchronous=FULL",
            Self::Postgres => "Postgres, synchronous_commit=on",
        }
    }

    /// A fresh one in `folder`, and its server when that is a process of its own. `settings` are
    /// that server's, as `name=value`.
    pub fn fresh(
        self,
        folder: &Path,
        settings: &[&str],
    ) -> io::Result<(Database, Option<Postgres>)> {
        match self {
            Self::Sqlite => Ok((Database::Sqlite(folder.join("hum.sqlite")), None)),
            Self::Postgres => {
                let postgres = Postgres::start(&folder.join("postgres"), settings)?;
                Ok((Database::Postgres(postgres.url.clone()), Some(postgres)))
            }
        }
    }
}

#[derive(Debug, Clone)]
pub enum Database {
    Sqlite(PathBuf),
    Postgres(String),
}

impl Database {
    /// As hum is told it.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite://{}", path.display()),
            Self::Postgres(url) => url.clone(),
        }
    }

    /// The number that a query answers.
    pub fn number(&self, sql: &str) -> io::Result<u64> {
        match self {
            Self::Sqlite(path) => {
                let number: i64 = open(path)?
                    .query_row(sql, [], |row| row.get(0))
                    .map_err(io::Error::other)?;
                Ok(number.unsigned_abs())
            }
            Self::Postgres(url) => psql(url, sql)?.trim().parse().map_err(io::Error::other),
        }
    }

    /// Runs statements, without waiting for a disk.
    pub fn execute(&self, sql: &str) -> io::Result<()> {
        match self {
            Self::Sqlite(path) => open(path)?
                .execute_batch(&format!("PRAGMA synchronous = OFF; {sql}"))
                .map_err(io::Error::other),
            Self::Postgres(url) => {
                psql(url, &format!("SET synchronous_commit = off; {sql}")).map(drop)
            }
        }
    }

    /// After many rows were put in: what a database that has been running for a while has done
    /// already.
    pub fn tidy(&self) -> io::Result<()> {
        self.execute(match self {
            Self::Sqlite(_) => "PRAGMA wal_checkpoint(TRUNCATE)",
            Self::Postgres(_) => "VACUUM ANALYZE; CHECKPOINT",
        })
    }

    /// Whether a table has a column: builds differ.
    pub fn has_column(&self, table: &str, column: &str) -> io::Result<bool> {
        let columns = match self {
            Self::Sqlite(_) => format!("pragma_table_info('{table}') WHERE name = '{column}'"),
            Self::Postgres(_) => format!(
                "information_schema.columns WHERE table_name = '{table}' AND column_name = '{column}'"
            ),
        };
        Ok(self.number(&format!("SELECT count(*) FROM {columns}"))? > 0)
    }
}

fn open(path: &Path) -> io::Result<rusqlite::Connection> {
    rusqlite::Connection::open(path).map_err(io::Error::other)
}

/// What `psql` prints. Each statement is a transaction of its own; the first that fails ends it.
fn psql(url: &str, sql: &str) -> io::Result<String> {
    let mut child = Command::new("psql")
        .args(["-wXAtq", "-v", "ON_ERROR_STOP=1", url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(sql.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(format!("psql failed: {said}")));
    }
    String::from_utf8(output.stdout).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_filled_counted_and_asked_for_its_columns() {
        let folder = tempfile::tempdir().expect("a folder");
        let (database, server) = DatabaseKind::Sqlite
            .fresh(folder.path(), &[])
            .expect("a database");
        assert!(server.is_none());
        database
            .execute("CREATE TABLE job (id text); INSERT INTO job VALUES ('one'), ('two')")
            .expect("two rows");
        database.tidy().expect("the log is copied back");
        assert_eq!(
            database
                .number("SELECT count(*) FROM job")
                .expect("a count"),
            2
        );
        let has = |column| database.has_column("job", column).expect("an answer");
        assert_eq!((has("id"), has("ready")), (true, false));
    }
}
