//! Which schema a database has, and how it gets the one of this build. Forward only.

use std::fmt::Write as _;

use hum_core::{record::Value, store::StoreError};
use sha2::{Digest, Sha256};

use super::{list::Engine, query::Database};

/// One step of the schema. SQLite and Postgres have the same numbers and names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    pub(crate) number: i64,
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

// `SQLITE` and `POSTGRES`: what is in the two folders (`build.rs`).
include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// Both databases remember what was applied, and what exactly.
pub(crate) const TABLE: &str = "CREATE TABLE IF NOT EXISTS hum_migration (\
     number bigint NOT NULL PRIMARY KEY, name text NOT NULL, checksum text NOT NULL)";
pub(crate) const APPLIED: &str = "SELECT number, name, checksum FROM hum_migration ORDER BY number";
pub(crate) const APPLY: &str =
    "INSERT INTO hum_migration (number, name, checksum) VALUES ($1, $2, $3)";

/// A row of `hum_migration`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Applied {
    number: i64,
    name: String,
    checksum: String,
}

impl Migration {
    /// SHA-256 of the text, in hex.
    pub(crate) fn checksum(&self) -> String {
        Sha256::digest(self.sql.as_bytes()).iter().fold(
            String::with_capacity(64),
            |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            },
        )
    }

    /// The parameters of [`APPLY`].
    pub(crate) fn row(&self) -> [Value; 3] {
        [
            Value::Int(self.number),
            self.name.into(),
            self.checksum().into(),
        ]
    }
}

impl Database {
    pub(crate) fn migrations(&self) -> &'static [Migration] {
        match self.engine() {
            Engine::Sqlite => SQLITE,
            Engine::Postgres => POSTGRES,
        }
    }
}

/// What [`APPLIED`] answers.
pub(crate) fn applied(rows: Vec<Vec<Value>>) -> Result<Vec<Applied>, StoreError> {
    let read = |row| match <[Value; 3]>::try_from(row) {
        Ok([Value::Int(number), Value::Text(name), Value::Text(checksum)]) => Ok(Applied {
            number,
            name,
            checksum,
        }),
        _ => Err(StoreError::Corrupt {
            table: "hum_migration",
            column: "number",
            detail: "not a migration".into(),
        }),
    };
    rows.into_iter().map(read).collect()
}

/// The migrations that are still to be applied; a sentence when this build and this database do not
/// fit together.
///
/// # Errors
/// The database is newer, or was made from another text; with `all`, also when something is still
/// to be applied.
pub(crate) fn check(
    applied: &[Applied],
    known: &'static [Migration],
    all: bool,
) -> Result<&'static [Migration], String> {
    for (index, done) in applied.iter().enumerate() {
        let Applied { number, name, .. } = done;
        let Some(migration) = known.get(index) else {
            return Err(format!(
                "the database has migration {name}, which this build does not know: start a newer hum"
            ));
        };
        if migration.number != *number || migration.checksum() != done.checksum {
            return Err(format!(
                "migration {name} of the database is not the {} of this build: \
                 it was changed after it was applied, or the database belongs to another build",
                migration.name
            ));
        }
    }
    let missing = &known[applied.len()..];
    match missing.first() {
        Some(first) if all => Err(format!("migration {} is not applied yet", first.name)),
        _ => Ok(missing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(migration: &Migration) -> Applied {
        Applied {
            number: migration.number,
            name: migration.name.into(),
            checksum: migration.checksum(),
        }
    }

    #[test]
    fn a_changed_text_and_a_newer_schema_are_sentences() {
        assert_eq!(check(&[], SQLITE, false).map(<[_]>::len), Ok(SQLITE.len()));
        assert!(check(&[], SQLITE, true).is_err());
        let all: Vec<Applied> = SQLITE.iter().map(done).collect();
        assert_eq!(check(&all, SQLITE, true).map(<[_]>::len), Ok(0));
        let changed = Applied {
            checksum: "0".into(),
            ..done(&SQLITE[0])
        };
        assert!(
            check(&[changed], SQLITE, false)
                .unwrap_err()
                .contains("was changed after it was applied")
        );
        let newer = Applied {
            number: 99,
            name: "0099_later".into(),
            checksum: "0".into(),
        };
        let with_newer: Vec<Applied> = SQLITE.iter().map(done).chain([newer]).collect();
        assert!(
            check(&with_newer, SQLITE, false)
                .unwrap_err()
                .contains("start a newer hum")
        );
    }
}
