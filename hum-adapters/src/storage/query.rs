//! Reading: one statement, its rows, the records in them.

use std::{borrow::Cow, sync::Arc};

use hum_core::{
    id::OrgId,
    page::{Cursor, Page, Paged},
    store::StoreError,
};

use super::{
    postgres::Postgres,
    sqlite::Sqlite,
    table::Stored,
    value::{Row, Value},
};

/// Text of a statement that is put together once per process.
macro_rules! sql {
    ($($format:tt)*) => {{
        static SQL: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| format!($($format)*));
        std::borrow::Cow::Borrowed(SQL.as_str())
    }};
}
pub(crate) use sql;

/// SQL text made by this crate; values are always parameters.
pub(crate) type Sql = Cow<'static, str>;

/// One of the two databases.
#[derive(Clone)]
pub(crate) enum Database {
    Sqlite(Arc<Sqlite>),
    Postgres(Arc<Postgres>),
}

impl Database {
    /// Runs one statement that reads; `$n` is the n-th parameter.
    pub(crate) async fn rows(&self, sql: Sql, params: &[Value]) -> Result<Vec<Vec<Value>>, StoreError> {
        match self {
            // Not on a blocking thread: a point read of cached pages takes about ten microseconds, and moving it to
            // another thread and back takes longer.
            Self::Sqlite(store) => store.rows(&sql, params),
            Self::Postgres(store) => store.rows(sql, params).await,
        }
    }

    /// Runs one statement that writes, on its own; answers how many rows it touched.
    pub(crate) async fn execute(&self, sql: Sql, params: Vec<Value>) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(store) => store.execute(sql, params).await,
            Self::Postgres(store) => store.execute(sql, &params).await,
        }
    }

    /// The records that a statement finds in any organization.
    pub(crate) async fn records<T: Stored>(&self, sql: Sql, params: &[Value]) -> Result<Vec<T>, StoreError> {
        let mut rows = self.rows(sql, params).await?;
        rows.iter_mut().map(|row| T::from_row(&mut Row::new(T::table(), row))).collect()
    }

    /// The first record that a statement finds in any organization.
    pub(crate) async fn record<T: Stored>(&self, sql: Sql, params: &[Value]) -> Result<Option<T>, StoreError> {
        Ok(self.records(sql, params).await?.into_iter().next())
    }
}

/// The reads of one organization: in every statement, `$1` is the organization.
pub(crate) struct OrgStore {
    database: Database,
    /// The organization, as the databases spell it.
    key: String,
}

impl OrgStore {
    pub(crate) fn new(database: Database, org: OrgId) -> Self {
        Self { database, key: org.to_string() }
    }

    fn params(&self, params: impl IntoIterator<Item = Value>) -> Vec<Value> {
        std::iter::once(Value::text(&self.key)).chain(params).collect()
    }

    async fn rows<T: Stored>(&self, sql: Sql, params: &[Value]) -> Result<Vec<T>, StoreError> {
        let mut rows = self.database.rows(sql, params).await?;
        rows.iter_mut().map(|row| self.own::<T>(row)).collect()
    }

    /// The last wall between organizations: a row of another one is never returned, whatever the statement said.
    fn own<T: Stored>(&self, row: &mut [Value]) -> Result<T, StoreError> {
        let own = matches!(row.first(), Some(Value::Text(org)) if *org == self.key);
        let mut row = Row::new(T::table(), row);
        if own { T::from_row(&mut row) } else { Err(row.corrupt("org_id", "a row of another organization")) }
    }

    pub(crate) async fn many<T: Stored, const N: usize>(&self, sql: Sql, params: [Value; N]) -> Result<Vec<T>, StoreError> {
        self.rows(sql, &self.params(params)).await
    }

    pub(crate) async fn one<T: Stored, const N: usize>(&self, sql: Sql, params: [Value; N]) -> Result<Option<T>, StoreError> {
        Ok(self.many(sql, params).await?.into_iter().next())
    }

    /// The single number that a statement answers, such as a count.
    pub(crate) async fn count<const N: usize>(&self, sql: Sql, params: [Value; N]) -> Result<i64, StoreError> {
        count(&self.database.rows(sql, &self.params(params)).await?)
    }

    /// One page of a list. `sql` ends with its `ORDER BY`; `key` is what the order looks at.
    pub(crate) async fn page<T: Stored>(
        &self,
        mut sql: String,
        params: Vec<Value>,
        page: &Page,
        key: impl Fn(&T) -> String,
    ) -> Result<Paged<T>, StoreError> {
        use std::fmt::Write as _;
        let limit = page.limit.clamp(1, Page::MAX_LIMIT) as usize;
        let mut params = self.params(params);
        // One more than asked for tells whether there is a next page.
        params.push(Value::Int(limit as i64 + 1));
        let _ = write!(sql, " LIMIT ${}", params.len());
        let mut items: Vec<T> = self.rows(Cow::Owned(sql), &params).await?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(|last| Cursor(key(last))) } else { None };
        Ok(Paged { items, next })
    }
}

/// The first column of the first row, as a number.
pub(crate) fn count(rows: &[Vec<Value>]) -> Result<i64, StoreError> {
    match rows.first().and_then(|row| row.first()) {
        Some(Value::Int(count)) => Ok(*count),
        _ => Err(StoreError::Unavailable("a count came back without a number".into())),
    }
}

/// What a cursor says, if this list made it.
pub(crate) fn after<T: std::str::FromStr>(page: &Page) -> Result<Option<T>, StoreError> {
    page.after.as_ref().map(|cursor| cursor.0.parse().map_err(|_| StoreError::BadCursor)).transpose()
}
