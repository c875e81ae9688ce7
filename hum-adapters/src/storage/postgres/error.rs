//! What went wrong, by SQLSTATE, never by text
//! (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).

use hum_core::store::StoreError;

use super::super::room::too_long;

/// The questions that a writer has about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// A key or a unique column is taken.
    Taken,
    /// Two transactions got in each other's way; the same again may work.
    InTheWay,
    /// The connection is gone.
    Lost,
    /// Anything else.
    Other,
}

pub(super) fn class(error: &sqlx::Error) -> Class {
    let sqlx::Error::Database(database) = error else {
        return if matches!(
            error,
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Encode(_)
        ) {
            Class::Other
        } else {
            Class::Lost
        };
    };
    match database.code().as_deref() {
        // A twin was queued, or began to run, while a job was given back or claimed.
        Some("23505") if matches!(database.constraint(), Some("job_queued" | "job_running")) => {
            Class::InTheWay
        }
        Some("23505") => Class::Taken,
        Some(code) if code.starts_with("40") => Class::InTheWay,
        // Connection exceptions; the server is shutting down, crashed or starting.
        Some(code) if code.starts_with("08") || code.starts_with("57P") => Class::Lost,
        _ => Class::Other,
    }
}

/// A read, once more when its connection was gone: it was idle, and nobody had asked it.
pub(super) async fn again_if_lost<T, F>(read: impl Fn() -> F) -> Result<T, sqlx::Error>
where
    F: Future<Output = Result<T, sqlx::Error>>,
{
    match read().await {
        Err(error) if is_lost(&error) => read().await,
        result => result,
    }
}

pub(super) fn is_lost(error: &sqlx::Error) -> bool {
    class(error) == Class::Lost
}

pub(super) fn store_error(error: &sqlx::Error) -> StoreError {
    match error
        .as_database_error()
        .and_then(|database| database.code())
        .as_deref()
    {
        // Data exceptions: text with a NUL, a number out of range. The same again will not work
        // either.
        Some(code) if code.starts_with("22") => StoreError::Corrupt {
            table: "batch",
            column: "value",
            detail: format!("Postgres refuses it (SQLSTATE {code})"),
        },
        // Cancelled, by its deadline or because nobody waited for it.
        Some("57014") => too_long(),
        Some(code) => StoreError::Unavailable(format!("Postgres: {error} (SQLSTATE {code})")),
        None => StoreError::Unavailable(format!("Postgres: {error}")),
    }
}
