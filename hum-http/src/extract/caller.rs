use axum::{extract::FromRequestParts, http::request::Parts};

use crate::error::{ApiError, ErrorCode};

/// Who calls, checked for this operation: the guard of [`crate::api`] put it there.
pub(crate) struct Caller(pub hum_core::access::Caller);

impl std::ops::Deref for Caller {
    type Target = hum_core::access::Caller;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        // Missing only when a handler is mounted outside the guard: refuse rather than guess.
        parts
            .extensions
            .remove()
            .map(Self)
            .ok_or_else(|| ApiError::new(ErrorCode::ApiKeyRequired, "this route is not guarded"))
    }
}
