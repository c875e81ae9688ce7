//! The tables that a database has, as the records declare theirs.

use hum_core::{
    record::{Type, Value},
    store::StoreError,
};

use super::{list::Engine, query::Database};

/// A column that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaColumn {
    /// Of which table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Type,
    /// Whether it may hold nothing.
    pub nullable: bool,
}

/// An index that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaIndex {
    /// Of which table.
    pub table: String,
    /// Its columns, in their order.
    pub columns: Vec<String>,
}

const SQLITE: &str = "SELECT m.name, c.name, lower(c.type), c.\"notnull\" = 0 \
     FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY m.name, c.cid";
const POSTGRES: &str = "SELECT table_name::text, column_name::text, data_type::text, is_nullable = 'YES' \
     FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position";

const SQLITE_INDEXES: &str = "SELECT m.name, i.name, c.name FROM sqlite_schema m JOIN pragma_index_list(m.name) i \
     JOIN pragma_index_info(i.name) c WHERE m.type = 'table' ORDER BY m.name, i.name, c.seqno";
const POSTGRES_INDEXES: &str = "SELECT i.indrelid::regclass::text, i.indexrelid::regclass::text, a.attname::text \
     FROM pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (attnum, nth) \
     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum \
     WHERE i.indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace) \
     ORDER BY i.indrelid, i.indexrelid, k.nth";

impl Database {
    /// Every index of every table.
    pub(crate) async fn indexes(&self) -> Result<Vec<SchemaIndex>, StoreError> {
        let sql = match self.engine() {
            Engine::Sqlite => SQLITE_INDEXES,
            Engine::Postgres => POSTGRES_INDEXES,
        };
        let mut found: Vec<(String, SchemaIndex)> = Vec::new();
        for row in self.rows(sql.into(), &[]).await? {
            let Ok([Value::Text(table), Value::Text(name), Value::Text(column)]) =
                <[Value; 3]>::try_from(row)
            else {
                continue;
            };
            match found.last_mut() {
                Some((last, index)) if *last == name => index.columns.push(column),
                _ => {
                    let columns = vec![column];
                    found.push((name, SchemaIndex { table, columns }));
                }
            }
        }
        Ok(found.into_iter().map(|(_, index)| index).collect())
    }

    /// Every column of every table.
    pub(crate) async fn schema(&self) -> Result<Vec<SchemaColumn>, StoreError> {
        let sql = match self.engine() {
            Engine::Sqlite => SQLITE,
            Engine::Postgres => POSTGRES,
        };
        let rows = self.rows(sql.into(), &[]).await?;
        Ok(rows
            .into_iter()
            .filter_map(|row| read(<[Value; 4]>::try_from(row).ok()?))
            .collect())
    }
}

/// `None` for a type that no record declares.
fn read(row: [Value; 4]) -> Option<SchemaColumn> {
    let [
        Value::Text(table),
        Value::Text(name),
        Value::Text(kind),
        nullable,
    ] = row
    else {
        return None;
    };
    let kind = match kind.as_str() {
        "text" => Type::Text,
        "bigint" => Type::Int,
        "boolean" => Type::Bool,
        "blob" | "bytea" => Type::Bytes,
        _ => return None,
    };
    Some(SchemaColumn {
        table,
        name,
        kind,
        nullable: matches!(nullable, Value::Bool(true) | Value::Int(1)),
    })
}
