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

const SQLITE: &str = "SELECT m.name, c.name, lower(c.type), c.\"notnull\" = 0 \
     FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY m.name, c.cid";
const POSTGRES: &str = "SELECT table_name::text, column_name::text, data_type::text, is_nullable = 'YES' \
     FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position";

impl Database {
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
