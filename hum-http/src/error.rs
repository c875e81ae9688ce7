//! What can go wrong, as RFC 9457 problems. One table says status, code and what a client may
//! conclude.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hum_core::{
    access::{Denied, NotAuthenticated},
    error::{Error, FieldError},
    store::StoreError,
};
use serde::Serialize;
use utoipa::ToSchema;

/// Every kind of problem that hum answers. Keep it alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// No key, or not one that works.
    ApiKeyRequired,
    /// The body is longer than this route takes.
    BodyTooLarge,
    /// It exists already, is in another state, or changed at the same moment.
    Conflict,
    /// The role is too weak.
    Forbidden,
    /// A request with this `Idempotency-Key` is being handled.
    IdempotencyInProgress,
    /// This `Idempotency-Key` belongs to another request.
    IdempotencyMismatch,
    /// It was here, perhaps, and is no more.
    Gone,
    /// The key lacks a scope.
    InsufficientScope,
    /// A bug in hum.
    Internal,
    /// The request is understood, and wrong.
    Invalid,
    /// The body is not JSON.
    InvalidJson,
    /// A webhook of the carrier lacks what it must have.
    MalformedForm,
    /// The path is known, the method is not.
    MethodNotAllowed,
    /// No such path, or no such thing in this organization.
    NotFound,
    /// hum has more to do than it takes on, or a read took longer than it may.
    Overloaded,
    /// Too many requests of a key, or of its organization.
    RateLimited,
    /// It took too long.
    Timeout,
    /// hum cannot reach its store.
    Unavailable,
    /// The body has another type than this route takes.
    UnsupportedMediaType,
}

impl ErrorCode {
    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        match self {
            Self::ApiKeyRequired => StatusCode::UNAUTHORIZED,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Conflict | Self::IdempotencyInProgress => StatusCode::CONFLICT,
            Self::Forbidden | Self::InsufficientScope => StatusCode::FORBIDDEN,
            Self::IdempotencyMismatch | Self::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Gone => StatusCode::GONE,
            Self::InvalidJson | Self::MalformedForm => StatusCode::BAD_REQUEST,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Overloaded | Self::Timeout | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }

    /// The `code` that programs read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ApiKeyRequired => "api_key_required",
            Self::BodyTooLarge => "body_too_large",
            Self::Conflict => "conflict",
            Self::Forbidden => "forbidden",
            Self::Gone => "gone",
            Self::IdempotencyInProgress => "idempotency_in_progress",
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::InsufficientScope => "insufficient_scope",
            Self::Internal => "internal",
            Self::Invalid => "invalid",
            Self::InvalidJson => "invalid_json",
            Self::MalformedForm => "malformed_form",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NotFound => "not_found",
            Self::Overloaded => "overloaded",
            Self::RateLimited => "rate_limited",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::UnsupportedMediaType => "unsupported_media_type",
        }
    }

    /// Whether the same request may succeed later.
    pub fn is_retryable(self) -> bool {
        match self {
            Self::IdempotencyInProgress
            | Self::Overloaded
            | Self::RateLimited
            | Self::Timeout
            | Self::Unavailable => true,
            Self::ApiKeyRequired
            | Self::BodyTooLarge
            | Self::Conflict
            | Self::Forbidden
            | Self::Gone
            | Self::IdempotencyMismatch
            | Self::InsufficientScope
            | Self::Internal
            | Self::Invalid
            | Self::InvalidJson
            | Self::MalformedForm
            | Self::MethodNotAllowed
            | Self::NotFound
            | Self::UnsupportedMediaType => false,
        }
    }

    /// Whether hum promises that nothing happened. Otherwise repeat only with the same
    /// `Idempotency-Key`.
    pub fn had_no_effect(self) -> bool {
        !matches!(
            self,
            Self::IdempotencyInProgress | Self::Internal | Self::Timeout | Self::Unavailable
        )
    }
}

/// One answer that is not the one that was asked for. Its response bears it among its extensions,
/// so that an API can say it in its own way.
#[derive(Debug, Clone)]
pub struct ApiError {
    code: ErrorCode,
    detail: String,
    errors: Vec<FieldError>,
    limited: Option<Limited>,
}

/// What else is said of a request that is one too many.
#[derive(Debug, Clone)]
struct Limited {
    policies: Vec<&'static str>,
    /// In seconds.
    retry_after: u64,
}

impl ApiError {
    /// A problem with a sentence for a person.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            limited: None,
        }
    }

    /// One request too many, for these policies; the same may succeed after so many seconds.
    pub(crate) fn rate_limited(
        detail: String,
        policies: Vec<&'static str>,
        retry_after: u64,
    ) -> Self {
        Self {
            limited: Some(Limited {
                policies,
                retry_after,
            }),
            ..Self::new(ErrorCode::RateLimited, detail)
        }
    }

    /// What kind of problem this is.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// What is wrong, for a person.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Every field that is wrong.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// One wrong field.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Error::invalid(pointer, detail).into()
    }

    /// There is nothing of this kind with this id here; also said of ids that cannot exist.
    pub fn not_found(kind: &'static str) -> Self {
        Error::NotFound(kind).into()
    }
}

/// A problem, as RFC 9457 describes it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Names the kind of problem.
    #[schema(example = "urn:hum:problem:invalid")]
    r#type: String,
    /// The HTTP status in words.
    #[schema(example = "Unprocessable Entity")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 422)]
    status: u16,
    /// What is wrong, for a person.
    #[schema(example = "the request is not valid")]
    detail: String,
    /// What is wrong, for a program.
    #[schema(example = "invalid")]
    code: &'static str,
    /// Every field that is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ProblemField>,
    /// With 429: every policy of `RateLimit-Policy` that has no room for the request.
    #[serde(rename = "violated-policies", skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["send"]))]
    violated_policies: Vec<&'static str>,
}

/// One field that is wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemField {
    /// A JSON pointer into the body, or the name of a query parameter or header.
    #[schema(example = "/contact_e164")]
    pointer: String,
    /// What is wrong and what would be right.
    #[schema(
        example = "must be a phone number in E.164 form: +, country code, number; such as +13175551234"
    )]
    detail: String,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.code.status();
        let itself = self.clone();
        let (violated_policies, retry_after) = match self.limited {
            Some(limited) => (limited.policies, limited.retry_after),
            None => (Vec::new(), 1),
        };
        let problem = Problem {
            r#type: format!("urn:hum:problem:{}", self.code.as_str()),
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: self.detail,
            code: self.code.as_str(),
            errors: self
                .errors
                .into_iter()
                .map(|error| ProblemField {
                    pointer: error.pointer,
                    detail: error.detail,
                })
                .collect(),
            violated_policies,
        };
        let mut response = (status, axum::Json(problem)).into_response();
        response.extensions_mut().insert(itself);
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.code.is_retryable() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
        }
        if self.code == ErrorCode::ApiKeyRequired {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Invalid(errors) => Self {
                errors,
                ..Self::new(ErrorCode::Invalid, detail)
            },
            Error::NotFound(_) => Self::new(ErrorCode::NotFound, detail),
            Error::Conflict(_) => Self::new(ErrorCode::Conflict, detail),
            Error::IdempotencyMismatch => Self::new(ErrorCode::IdempotencyMismatch, detail),
            Error::Forbidden(_) => Self::new(ErrorCode::Forbidden, detail),
            Error::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::BadCursor => Error::from(error).into(),
            StoreError::Unavailable(_) => {
                tracing::error!(%error, "the store failed");
                Self::new(
                    ErrorCode::Unavailable,
                    "the store did not answer; try again, with the same Idempotency-Key if this was a POST",
                )
            }
            StoreError::Overloaded(_) => {
                tracing::warn!(%error, "the store refused more work");
                Self::new(
                    ErrorCode::Overloaded,
                    "there is more to do than can be done at once, and nothing of this was; try again",
                )
            }
            StoreError::TooLarge(_) => {
                tracing::error!(%error, "a use case must write less at once");
                Self::new(
                    ErrorCode::Internal,
                    "something is wrong inside hum; its log says more",
                )
            }
            StoreError::Corrupt { .. } => {
                tracing::error!(%error, "the store holds what it must not hold");
                Self::new(
                    ErrorCode::Internal,
                    "something is wrong inside hum; its log says more",
                )
            }
        }
    }
}

impl From<NotAuthenticated> for ApiError {
    fn from(error: NotAuthenticated) -> Self {
        match error {
            NotAuthenticated::NoValidKey => Self::new(ErrorCode::ApiKeyRequired, error.to_string()),
            NotAuthenticated::Store(error) => error.into(),
        }
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        let code = match denied {
            Denied::Role { .. } => ErrorCode::Forbidden,
            Denied::Scope { .. } => ErrorCode::InsufficientScope,
        };
        Self::new(code, denied.to_string())
    }
}

/// Answers a request whose handler panicked.
pub(crate) fn panicked() -> Response {
    ApiError::new(
        ErrorCode::Internal,
        "something is wrong inside hum; its log says more",
    )
    .into_response()
}

/// Answers a request that took too long.
pub(crate) fn too_late() -> Response {
    ApiError::new(
        ErrorCode::Timeout,
        "this took too long; whether it had an effect is unknown",
    )
    .into_response()
}

/// Answers paths that do not exist.
pub(crate) async fn no_such_path() -> ApiError {
    ApiError::new(
        ErrorCode::NotFound,
        "there is nothing at this path; /docs lists what there is",
    )
}

/// Answers methods that a path does not have.
pub(crate) async fn no_such_method() -> ApiError {
    ApiError::new(
        ErrorCode::MethodNotAllowed,
        "this path has no such method; /docs lists what there is",
    )
}
