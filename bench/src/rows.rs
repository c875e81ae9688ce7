//! SQL for many rows at once, in the dialect that both databases share. `n` is the row's number,
//! from 1.

use std::{
    io,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::database::Database;

/// The numbers from 1 to `count`, as a table with the column `n`.
pub fn numbers(count: u64) -> String {
    format!(
        "(WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count}) \
         SELECT n FROM numbers) AS numbers"
    )
}

/// The id of number `n`, an expression; of the same `n` it is always the same.
pub fn id(prefix: &str, n: &str) -> String {
    // 26 characters of Crockford's alphabet, as ids of that time begin.
    format!("'{prefix}01KB4Z0000' || substr(CAST(10000000000000000 + {n} AS text), 2)")
}

/// Microseconds since 1970.
pub fn now() -> u128 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_micros()
}

/// Jobs that are due. All but `kind` are expressions.
pub struct Jobs<'a> {
    pub kind: &'a str,
    pub org: &'a str,
    pub key: &'a str,
    /// Which line of their organization they stand in, where builds know lines.
    pub queue: &'a str,
}

impl Jobs<'_> {
    /// The statement that puts `count` of them in, the first one due first.
    pub fn insert(&self, database: &Database, count: u64) -> io::Result<String> {
        let Self {
            kind,
            org,
            key,
            queue,
        } = self;
        let lines = database.has_column("job", "queue")?;
        let (names, values) = if lines {
            (", queue, ready", format!(", {queue}, true"))
        } else {
            ("", String::new())
        };
        let (id, first, numbers) = (id("job_", "n"), now() - u128::from(count), numbers(count));
        Ok(format!(
            "INSERT INTO job (org_id, id, kind, key, run_at{names}) \
             SELECT {org}, {id}, '{kind}', {key}, {first} + n{values} FROM {numbers};"
        ))
    }
}

#[cfg(test)]
mod tests {
    use hum_core::id::JobId;

    use super::*;

    #[test]
    fn rows_have_numbers_and_ids_of_hum() {
        let database = rusqlite::Connection::open_in_memory().expect("a database");
        let sql = format!("SELECT {} FROM {} WHERE n = 3", id("job_", "n"), numbers(3));
        let id: String = database
            .query_row(&sql, [], |row| row.get(0))
            .expect("the third of three");
        assert!(id.parse::<JobId>().is_ok(), "{id}");
    }
}
