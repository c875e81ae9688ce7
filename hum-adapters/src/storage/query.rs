//! Reading: one statement, its rows, the records in them.

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
};

use async_trait::async_trait;
use hum_core::{
    id::OrgId,
    page::{Page, Paged},
    record::{Column, Record, RecordReads, Row, Table, Value},
    store::StoreError,
};

use super::{
    explain::{Plan, Plans},
    joined::{JoinSql, Joined},
    list::{Engine, List, after},
    postgres::Postgres,
    sqlite::Sqlite,
    table,
};

/// Text of a statement that is put together once per process.
macro_rules! sql {
    ($($format:tt)*) => {{
        static SQL: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| format!($($format)*));
        std::borrow::Cow::Borrowed(SQL.as_str())
    }};
}
pub(crate) use sql;

/// What tests ask a store about its database, the same of both.
macro_rules! inspected {
    ($Store:ident) => {
        impl $Store {
            /// Every column of every table, to be compared with what the records declare.
            ///
            /// # Errors
            /// `Unavailable`.
            pub async fn schema(&self) -> Result<Vec<$crate::storage::SchemaColumn>, StoreError> {
                self.database.schema().await
            }

            /// Every index, to be compared with what the records declare.
            ///
            /// # Errors
            /// `Unavailable`.
            pub async fn indexes(&self) -> Result<Vec<$crate::storage::SchemaIndex>, StoreError> {
                self.database.indexes().await
            }

            /// The same store, which also notes how the database goes about each statement that
            /// reads.
            pub fn explained(&self) -> (Self, $crate::storage::Plans) {
                let plans = $crate::storage::Plans::default();
                let store = Self {
                    database: self.database.explained(plans.clone()),
                    engine: Arc::clone(&self.engine),
                };
                (store, plans)
            }
        }
    };
}
pub(crate) use inspected;

/// SQL text made by this crate; values are always parameters.
pub(crate) type Sql = Cow<'static, str>;

/// The rows that a statement answers.
pub(crate) type Rows = Vec<Vec<Value>>;

/// A read of one row that many ask for at the same time, such as what each text that comes in
/// needs.
pub(crate) struct SharedRead {
    /// Finds the row of `$1`, `$2` …
    pub(crate) one: LazyLock<String>,
    /// The same for many on Postgres: `$n` is an array with the n-th parameter of each, and the last
    /// column says which of them (from 1) a row is for.
    pub(crate) many: LazyLock<String>,
    /// The parameters.
    pub(crate) params: &'static [Column],
}

/// One of the two databases.
#[derive(Clone)]
pub(crate) enum Database {
    Sqlite(Arc<Sqlite>),
    Postgres(Arc<Postgres>),
    /// One of them, which also says how it goes about each statement that reads.
    Explained(Box<Database>, Plans),
}

impl Database {
    pub(crate) fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
            Self::Explained(database, _) => database.engine(),
        }
    }

    /// Runs one statement that reads a few rows by an index; `$n` is the n-th parameter.
    pub(crate) async fn rows(&self, sql: Sql, params: &[Value]) -> Result<Rows, StoreError> {
        match self {
            // Not on another thread: a point read of cached pages takes about ten microseconds, and
            // moving it to another thread and back takes longer.
            Self::Sqlite(store) => store.rows(&sql, params),
            Self::Postgres(store) => store.rows(sql, params).await,
            Self::Explained(database, plans) => {
                plans.note(database.explain(&sql).await?);
                Box::pin(database.rows(sql, params)).await
            }
        }
    }

    /// The row that a read finds for these parameters.
    pub(crate) async fn shared_row(
        &self,
        read: &'static SharedRead,
        params: Vec<Value>,
    ) -> Result<Option<Vec<Value>>, StoreError> {
        match self {
            Self::Sqlite(store) => Ok(store.rows(&read.one, &params)?.into_iter().next()),
            Self::Postgres(store) => store.shared_row(read, params).await,
            Self::Explained(database, plans) => {
                let sql = match database.engine() {
                    Engine::Sqlite => &read.one,
                    Engine::Postgres => &read.many,
                };
                plans.note(database.explain(sql).await?);
                Box::pin(database.shared_row(read, params)).await
            }
        }
    }

    /// The same for a list, a count, and whatever else may take longer than a point read: beside
    /// the others, a few at a time, and not for ever.
    pub(crate) async fn long_rows(&self, sql: Sql, params: Vec<Value>) -> Result<Rows, StoreError> {
        match self {
            Self::Sqlite(store) => store.long_rows(sql, params).await,
            Self::Postgres(store) => store.long_rows(sql, params).await,
            Self::Explained(database, plans) => {
                plans.note(database.explain(&sql).await?);
                Box::pin(database.long_rows(sql, params)).await
            }
        }
    }

    /// Runs one statement that writes, on its own; answers how many rows it touched.
    pub(crate) async fn execute(&self, sql: Sql, params: Vec<Value>) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(store) => store.execute(sql, params).await,
            Self::Postgres(store) => store.execute(sql, &params).await,
            Self::Explained(database, _) => Box::pin(database.execute(sql, params)).await,
        }
    }

    /// The first record that a statement finds in any organization.
    pub(crate) async fn record<T: Record>(
        &self,
        sql: Sql,
        params: &[Value],
    ) -> Result<Option<T>, StoreError> {
        let rows = self.rows(sql, params).await?;
        Ok(records(rows)?.into_iter().next())
    }
}

impl Database {
    /// The same database, which notes in `plans` how it goes about each statement that reads.
    pub(crate) fn explained(&self, plans: Plans) -> Self {
        Self::Explained(Box::new(self.clone()), plans)
    }

    async fn explain(&self, sql: &str) -> Result<Plan, StoreError> {
        let steps = match self {
            Self::Sqlite(store) => {
                let rows = store.rows(&format!("EXPLAIN QUERY PLAN {sql}"), &[])?;
                let steps = rows.into_iter().filter_map(|mut row| match row.pop() {
                    Some(Value::Text(step)) => Some(step),
                    _ => None,
                });
                steps.collect()
            }
            Self::Postgres(store) => store.explain(sql).await?,
            Self::Explained(database, _) => return Box::pin(database.explain(sql)).await,
        };
        Ok(Plan {
            statement: sql.to_owned(),
            steps,
        })
    }
}

/// The records of any organization in these rows.
pub(crate) fn records<T: Record>(rows: Rows) -> Result<Vec<T>, StoreError> {
    rows.into_iter()
        .map(|values| {
            T::from_row(Row {
                table: T::table(),
                values,
            })
        })
        .collect()
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

    /// Rows of a table, each of which must be this organization's.
    fn own_rows(&self, table: &'static Table, rows: Rows) -> Result<Vec<Row>, StoreError> {
        rows.into_iter()
            .map(|values| self.own(Row { table, values }))
            .collect()
    }

    /// The last wall between organizations: a row of another one is never returned, whatever the
    /// statement said.
    fn own(&self, row: Row) -> Result<Row, StoreError> {
        if self.is_own(&row.values) {
            Ok(row)
        } else {
            Err(row.table.corrupt("org_id", "a row of another organization"))
        }
    }

    fn is_own(&self, row: &[Value]) -> bool {
        matches!(row.first(), Some(Value::Text(org)) if *org == self.key)
    }

    pub(crate) async fn many<T: Record, const N: usize>(
        &self,
        sql: Sql,
        params: [Value; N],
    ) -> Result<Vec<T>, StoreError> {
        let rows = self.database.rows(sql, &self.params(params)).await?;
        let rows = self.own_rows(T::table(), rows)?;
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
        sql: &'static JoinSql,
        params: [Value; N],
    ) -> Result<Option<Joined>, StoreError> {
        let sql = match self.database.engine() {
            Engine::Sqlite => &sql.sqlite,
            Engine::Postgres => &sql.postgres,
        };
        let rows = self
            .database
            .rows(Sql::Borrowed(sql), &self.params(params))
            .await?;
        match rows.into_iter().next() {
            None => Ok(None),
            Some(row) if self.is_own(&row) => Ok(Some(Joined::new(row))),
            Some(_) => Err(StoreError::Corrupt {
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

    /// The same for more of them than a job or a stream takes at a time.
    pub(crate) async fn long_many<T: Record, const N: usize>(
        &self,
        sql: Sql,
        params: [Value; N],
    ) -> Result<Vec<T>, StoreError> {
        let rows = self.database.long_rows(sql, self.params(params)).await?;
        let rows = self.own_rows(T::table(), rows)?;
        rows.into_iter().map(T::from_row).collect()
    }

    /// One page of a list.
    pub(crate) async fn page<T: Record>(
        &self,
        list: List,
        page: &Page,
    ) -> Result<Paged<T>, StoreError> {
        let Paged { items, next } = self.part(T::table(), list, page).await?;
        let items = items
            .into_iter()
            .map(T::from_row)
            .collect::<Result<_, _>>()?;
        Ok(Paged { items, next })
    }

    /// The rows of one page, and where the next one starts.
    async fn part(
        &self,
        table: &'static Table,
        list: List,
        page: &Page,
    ) -> Result<Paged<Row>, StoreError> {
        let engine = self.database.engine();
        let limit = page.limit.clamp(1, Page::MAX_LIMIT) as usize;
        let end = match list.end_of_window(engine, table) {
            Some((sql, params)) => {
                let rows = self
                    .database
                    .long_rows(sql.into(), self.params(params))
                    .await?;
                rows.into_iter().next()
            }
            None => None,
        };
        // One more than asked for tells whether there is a next page.
        let (sql, params) = list.rows(engine, table, end.as_deref(), limit + 1);
        let rows = self
            .database
            .long_rows(sql.into(), self.params(params))
            .await?;
        let mut items = self.own_rows(table, rows)?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more {
            items.last().map(|row| list.cursor_at(row))
        } else {
            end.map(|end| List::cursor(&end))
        };
        Ok(Paged { items, next })
    }
}

#[async_trait]
impl RecordReads for OrgStore {
    async fn row(&self, table: &'static Table, key: &[Value]) -> Result<Option<Row>, StoreError> {
        let sql = Cow::Borrowed(table::of(table).by_key());
        let params = self.params(key.iter().cloned());
        let rows = self.database.rows(sql, &params).await?;
        Ok(self.own_rows(table, rows)?.into_iter().next())
    }

    async fn rows(&self, table: &'static Table, page: &Page) -> Result<Paged<Row>, StoreError> {
        let after: Option<Id> = after(page)?;
        let list = List::falling(&["id"]).after(after.map(|id| [Value::Text(id.0)]));
        self.part(table, list, page).await
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
