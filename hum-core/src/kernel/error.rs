//! What a use case can answer besides its result.

use crate::kernel::store::StoreError;

/// One thing that is wrong with an input, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// A JSON pointer (RFC 6901) into the body, or the name of a query or path parameter.
    pub pointer: String,
    /// What is wrong and what would be right, for a person.
    pub detail: String,
}

impl FieldError {
    /// An error at `pointer`.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            detail: detail.into(),
        }
    }
}

/// Why a use case did not do what was asked. Nothing was changed, except where a variant says
/// otherwise.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input is wrong; repeating it will not help.
    #[error("the request is not valid")]
    Invalid(Vec<FieldError>),
    /// There is no such thing in this organization (a foreign id looks exactly like this).
    #[error("no {0} with this id")]
    NotFound(&'static str),
    /// It exists already, is in a state that does not allow this, or changed at the same moment too
    /// often.
    #[error("{0}")]
    Conflict(String),
    /// The same `Idempotency-Key` came with another request.
    #[error("this Idempotency-Key was used for a different request")]
    IdempotencyMismatch,
    /// The caller's role or scopes do not allow this.
    #[error("{0}")]
    Forbidden(String),
    /// The store is not reachable; worth retrying. Whether a write happened is unknown.
    #[error("the store did not answer")]
    Store(#[source] StoreError),
}

impl Error {
    /// A single wrong field.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(pointer, detail)])
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::BadCursor => Self::invalid(
                "cursor",
                "not a cursor of this list; start again without it",
            ),
            other => Self::Store(other),
        }
    }
}
