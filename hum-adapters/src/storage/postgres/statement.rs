//! How values go in and come out.

use hum_core::{
    record::{Column, Type, Value},
    store::StoreError,
};
use sqlx::{
    Column as _, Postgres, Row as _, TypeInfo as _, ValueRef as _,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use super::{super::query::Rows, error::store_error};

pub(super) type Statement<'q> = Query<'q, Postgres, PgArguments>;

pub(super) fn bind<'q>(statement: Statement<'q>, params: &[Value]) -> Statement<'q> {
    params
        .iter()
        .fold(statement, |statement, value| match value {
            Value::Null => statement.bind(None::<String>),
            Value::Text(text) => statement.bind(text.clone()),
            Value::Int(int) => statement.bind(*int),
            Value::Bool(bool) => statement.bind(*bool),
            Value::Bytes(bytes) => statement.bind(bytes.clone()),
        })
}

/// Binds many rows: `$n` is an array with the n-th column of each.
pub(super) fn bind_rows<'q>(
    statement: Statement<'q>,
    columns: &[Column],
    rows: &[&[Value]],
) -> Statement<'q> {
    columns
        .iter()
        .enumerate()
        .fold(statement, |statement, (at, column)| match column.kind {
            Type::Text => statement.bind(each(rows, at, |value| match value {
                Value::Text(text) => Some(text.clone()),
                _ => None,
            })),
            Type::Int => statement.bind(each(rows, at, |value| match value {
                Value::Int(int) => Some(*int),
                _ => None,
            })),
            Type::Bool => statement.bind(each(rows, at, |value| match value {
                Value::Bool(bool) => Some(*bool),
                _ => None,
            })),
            Type::Bytes => statement.bind(each(rows, at, |value| match value {
                Value::Bytes(bytes) => Some(bytes.clone()),
                _ => None,
            })),
        })
}

/// All rows of an answer.
pub(super) fn all_values(rows: Result<Vec<PgRow>, sqlx::Error>) -> Result<Rows, StoreError> {
    let rows = rows.map_err(|error| store_error(&error))?;
    rows.iter().map(values).collect()
}

fn each<T>(rows: &[&[Value]], at: usize, read: impl Fn(&Value) -> Option<T>) -> Vec<Option<T>> {
    rows.iter().map(|row| row.get(at).and_then(&read)).collect()
}

/// The columns of a row, in the statement's order.
pub(super) fn values(row: &PgRow) -> Result<Vec<Value>, StoreError> {
    let read = |column: &<Postgres as sqlx::Database>::Column| -> Result<Value, sqlx::Error> {
        let at = column.ordinal();
        if row.try_get_raw(at)?.is_null() {
            return Ok(Value::Null);
        }
        Ok(match column.type_info().name() {
            "INT8" => Value::Int(row.try_get_unchecked(at)?),
            "INT4" => Value::Int(row.try_get_unchecked::<i32, _>(at)?.into()),
            "BOOL" => Value::Bool(row.try_get_unchecked(at)?),
            "BYTEA" => Value::Bytes(row.try_get_unchecked(at)?),
            _ => Value::Text(row.try_get_unchecked(at)?),
        })
    };
    row.columns()
        .iter()
        .map(read)
        .collect::<Result<_, _>>()
        .map_err(|error| store_error(&error))
}
