//! Reading: one statement, its rows, the records in them.

use std::{borrow::Cow, sync::Arc};

use async_trait::async_trait;
use hum_core::{
    id::OrgId,
    page::{Cursor, Page, Paged},
    record::{Record, RecordReads, Row, Table, Value},
    store::StoreError,
};

use super::{joined::Joined, postgres::Postgres, sqlite::Sqlite, table};

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
    pub(crate) async fn rows(
        &self,
        sql: Sql,
        params: &[Value],
    ) -> Result<Vec<Vec<Value>>, StoreError> {
        match self {
            // Not on a blocking thread: a point read of cached pages takes about ten microseconds,
            // and moving it to another thread and back takes longer.
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
    pub(crate) async fn records<T: Record>(
        &self,
        sql: Sql,
        params: &[Value],
    ) -> Result<Vec<T>, StoreError> {
        let rows = self.rows(sql, params).await?;
        rows.into_iter()
            .map(|values| {
                T::from_row(Row {
                    table: T::table(),
                    values,
                })
            })
            .collect()
    }

    /// The first record that a statement finds in any organization.
    pub(crate) async fn record<T: Record>(
        &self,
        sql: Sql,
        params: &[Value],
    ) -> Result<Option<T>, StoreError> {
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
        Self {
            database,
            key: org.to_string(),
        }
    }

    fn params(&self, params: impl IntoIterator<Item = Value>) -> Vec<Value> {
        std::iter::once(Value::text(&self.key))
            .chain(params)
            .collect()
    }

    async fn rows(
        &self,
        table: &'static Table,
        sql: Sql,
        params: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        let rows = self.database.rows(sql, params).await?;
        rows.into_iter()
            .map(|values| self.own(Row { table, values }))
            .collect()
    }

    /// The last wall between organizations: a row of another one is never returned, whatever the
    /// statement said.
    fn own(&self, row: Row) -> Result<Row, StoreError> {
        let own = matches!(row.values.first(), Some(Value::Text(org)) if *org == self.key);
        if own {
            Ok(row)
        } else {
            Err(row.table.corrupt("org_id", "a row of another organization"))
        }
    }

    pub(crate) async fn many<T: Record, const N: usize>(
        &self,
        sql: Sql,
        params: [Value; N],
    ) -> Result<Vec<T>, StoreError> {
        let rows = self.rows(T::table(), sql, &self.params(params)).await?;
        rows.into_iter().map(T::from_row).collect()
    }

    pub(crate) async fn one<T: Record, const N: usize>(
        &self,
        sql: Sql,
        params: [Value; N],
    ) -> Result<Option<T>, StoreError> {
        Ok(self.many(sql, params).await?.into_iter().next())
    }

    /// The first row of a join whose first record is the organization's own.
    pub(crate) async fn joined<const N: usize>(
        &self,
        sql: Sql,
        params: [Value; N],
    ) -> Result<Option<Joined>, StoreError> {
        let rows = self.database.rows(sql, &self.params(params)).await?;
        let Some(row) = rows.into_iter().next() else {
            return Ok(None);
        };
        match row.first() {
            Some(Value::Text(org)) if *org == self.key => Ok(Some(Joined::new(row))),
            _ => Err(StoreError::Corrupt {
                table: "join",
                column: "org_id",
                detail: "a row of another organization".into(),
            }),
        }
    }

    /// The single number that a statement answers, such as a count.
    pub(crate) async fn count<const N: usize>(
        &self,
        sql: Sql,
        params: [Value; N],
    ) -> Result<i64, StoreError> {
        count(&self.database.rows(sql, &self.params(params)).await?)
    }

    /// One page of a list. `sql` ends with its `ORDER BY`; `key` is what the order looks at.
    pub(crate) async fn page<T: Record>(
        &self,
        sql: String,
        params: Vec<Value>,
        page: &Page,
        key: impl Fn(&T) -> String,
    ) -> Result<Paged<T>, StoreError> {
        let (rows, more) = self.part(T::table(), sql, params, page).await?;
        let items: Vec<T> = rows
            .into_iter()
            .map(T::from_row)
            .collect::<Result<_, _>>()?;
        let next = if more {
            items.last().map(|last| Cursor(key(last)))
        } else {
            None
        };
        Ok(Paged { items, next })
    }

    /// The rows of one page, and whether there are more.
    async fn part(
        &self,
        table: &'static Table,
        mut sql: String,
        params: Vec<Value>,
        page: &Page,
    ) -> Result<(Vec<Row>, bool), StoreError> {
        use std::fmt::Write as _;
        let limit = page.limit.clamp(1, Page::MAX_LIMIT) as usize;
        let mut params = self.params(params);
        // One more than asked for tells whether there is a next page.
        params.push(Value::Int(limit as i64 + 1));
        let _ = write!(sql, " LIMIT ${}", params.len());
        let mut rows = self.rows(table, Cow::Owned(sql), &params).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        Ok((rows, more))
    }
}

#[async_trait]
impl RecordReads for OrgStore {
    async fn row(&self, table: &'static Table, key: &[Value]) -> Result<Option<Row>, StoreError> {
        let sql = Cow::Borrowed(table::of(table).by_key());
        let rows = self
            .rows(table, sql, &self.params(key.iter().cloned()))
            .await?;
        Ok(rows.into_iter().next())
    }

    async fn rows(&self, table: &'static Table, page: &Page) -> Result<Paged<Row>, StoreError> {
        let of = table::of(table);
        let after: Option<Id> = after(page)?;
        let older = if after.is_some() { " AND id < $2" } else { "" };
        let sql = format!(
            "SELECT {} FROM {} WHERE org_id = $1{older} ORDER BY id DESC",
            of.columns(),
            of.name
        );
        let (items, more) = self
            .part(
                table,
                sql,
                after.map(|id| Value::Text(id.0)).into_iter().collect(),
                page,
            )
            .await?;
        let last = items.last().filter(|_| more);
        let next = last.and_then(|row| match row.get("id") {
            Value::Text(id) => Some(Cursor(id.clone())),
            _ => None,
        });
        Ok(Paged { items, next })
    }
}

/// An id of any kind: a prefix, an underscore, 26 characters.
struct Id(String);

impl std::str::FromStr for Id {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (prefix, body) = text.split_once('_').ok_or(())?;
        let fits = prefix.bytes().all(|byte| byte.is_ascii_lowercase())
            && body.len() == 26
            && body
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(())
        }
    }
}

/// The first column of the first row, as a number.
pub(crate) fn count(rows: &[Vec<Value>]) -> Result<i64, StoreError> {
    match rows.first().and_then(|row| row.first()) {
        Some(Value::Int(count)) => Ok(*count),
        _ => Err(StoreError::Unavailable(
            "a count came back without a number".into(),
        )),
    }
}

/// What a cursor says, if this list made it.
pub(crate) fn after<T: std::str::FromStr>(page: &Page) -> Result<Option<T>, StoreError> {
    page.after
        .as_ref()
        .map(|cursor| cursor.0.parse().map_err(|_| StoreError::BadCursor))
        .transpose()
}
