use axum::{
    body::Body as RawBody,
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hum_core::error::FieldError;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::error::{ApiError, ErrorCode};

/// More than every request of the API needs.
const MAX_BYTES: usize = 1024 * 1024;

/// The JSON body of a request that has no effect to be remembered (PATCH, PUT).
pub(crate) struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;
    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let value = json(request).await?;
        let missing = || ApiError::new(ErrorCode::InvalidJson, "the body is missing");
        Ok(Self(typed(value.ok_or_else(missing)?)?))
    }
}

/// No body, or an empty object.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoBody {}

/// Reads a body to its end, at most `max` bytes of it.
pub(crate) async fn read(body: RawBody, max: usize) -> Result<bytes::Bytes, ApiError> {
    match Limited::new(body, max).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() || has_length_limit(&*error) => {
            Err(ApiError::new(
                ErrorCode::BodyTooLarge,
                format!("the body must have at most {max} bytes"),
            ))
        }
        Err(_) => Err(ApiError::new(ErrorCode::InvalidJson, "the body broke off")),
    }
}

/// A server around hum may limit bodies too.
fn has_length_limit(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if error.is::<LengthLimitError>() {
            return true;
        }
        source = error.source();
    }
    false
}

/// The JSON of a request, as it is; `None` when there is no body.
pub(super) async fn json(request: Request) -> Result<Option<Value>, ApiError> {
    let (parts, body) = request.into_parts();
    let bytes = read(body, MAX_BYTES).await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if !is_json(&parts.headers) {
        return Err(ApiError::new(
            ErrorCode::UnsupportedMediaType,
            "the body must be JSON, with Content-Type: application/json",
        ));
    }
    serde_json::from_slice(&bytes).map(Some).map_err(|error| {
        let detail = format!(
            "the body is not JSON: line {}, column {}",
            error.line(),
            error.column()
        );
        ApiError::new(ErrorCode::InvalidJson, detail)
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Reads a value into a type, with a pointer to what does not fit.
pub(super) fn typed<T: DeserializeOwned>(mut value: Value) -> Result<T, ApiError> {
    if !value.is_object() {
        return Err(ApiError::invalid("", "must be a JSON object"));
    }
    unwrap_json_fields(&mut value)?;
    let mut nul = Vec::new();
    find_nul(&value, &mut String::new(), &mut nul);
    if !nul.is_empty() {
        return Err(hum_core::error::Error::Invalid(nul).into());
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut pointer = pointer(error.path());
        let detail = error.into_inner().to_string();
        // serde reports a missing field at its parent, and has the name in its sentence only.
        if let Some(name) = detail
            .strip_prefix("missing field `")
            .and_then(|rest| rest.strip_suffix('`'))
        {
            pointer = format!("{pointer}/{}", escape(name));
        }
        ApiError::invalid(pointer, detail)
    })
}

/// Fields named `…_json` may be a string that holds JSON.
fn unwrap_json_fields(value: &mut Value) -> Result<(), ApiError> {
    let fields = value
        .as_object_mut()
        .into_iter()
        .flatten()
        .filter(|(name, _)| name.ends_with("_json"));
    for (name, field) in fields {
        let Value::String(text) = &*field else {
            continue;
        };
        let parsed = serde_json::from_str(text).map_err(|error| {
            let detail = format!(
                "must hold JSON: line {}, column {}",
                error.line(),
                error.column()
            );
            ApiError::invalid(format!("/{}", escape(name)), detail)
        })?;
        *field = parsed;
    }
    Ok(())
}

/// No store can be trusted with a NUL in a text, and nobody has a use for one.
fn find_nul(value: &Value, at: &mut String, found: &mut Vec<FieldError>) {
    let mut descend = |key: &str, value: &Value| {
        let length = at.len();
        at.push('/');
        at.push_str(&escape(key));
        if key.contains('\0') {
            found.push(FieldError::new(
                at.replace('\0', "\u{fffd}"),
                "must not have a NUL character in its name",
            ));
        }
        find_nul(value, at, found);
        at.truncate(length);
    };
    match value {
        Value::String(text) if text.contains('\0') => {
            found.push(FieldError::new(
                at.clone(),
                "must not contain a NUL character",
            ));
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(index, item)| descend(&index.to_string(), item)),
        Value::Object(fields) => fields.iter().for_each(|(key, field)| descend(key, field)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// RFC 6901.
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |mut pointer, segment| {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                pointer.push_str(&format!("/{}", escape(key)))
            }
            Segment::Unknown => {}
        }
        pointer
    })
}
