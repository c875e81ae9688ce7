//! Which failures are worth retrying.

use hum_core::language_model::ModelError;
use serde_json::Value;

/// How much of an error body is read.
const MAX_BODY: usize = 16 * 1024;

/// A request or a stream that failed on the way.
pub(super) fn from_transport(error: &reqwest::Error) -> ModelError {
    let what = if error.is_timeout() {
        "timed out"
    } else if error.is_connect() {
        "could not connect"
    } else if error.is_builder() {
        return ModelError::Rejected(
            "the request could not be made: check the API key and the URL".into(),
        );
    } else {
        "the connection broke"
    };
    ModelError::Unavailable(what.into())
}

/// An answer with a status that is not a success.
///
/// 408, 409, 429 and 5xx pass (<https://platform.openai.com/docs/guides/error-codes>), the other
/// 4xx do not. An empty account is a 429 as well; it is `insufficient_quota` and does not pass by
/// itself, but an hour later somebody may have paid.
pub(super) async fn from_answer(mut response: reqwest::Response) -> ModelError {
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_BODY {
            break;
        }
    }
    let detail = serde_json::from_slice(&body)
        .map_or_else(|_| String::new(), |body: Value| describe(&body["error"]));
    let detail = if detail.is_empty() {
        format!("HTTP {status}")
    } else {
        format!("HTTP {status}: {detail}")
    };
    match status {
        408 | 409 | 425 | 429 | 500.. => ModelError::Unavailable(detail),
        _ => ModelError::Rejected(detail),
    }
}

/// An error inside a stream that had begun well.
pub(super) fn from_event(error: &Value) -> ModelError {
    let detail = describe(error);
    match error["code"].as_str().or(error["type"].as_str()) {
        Some("invalid_prompt" | "invalid_request_error" | "content_filter") => {
            ModelError::Rejected(detail)
        }
        _ => ModelError::Unavailable(detail),
    }
}

/// Code and message. The message may quote the request, so it is cut short.
fn describe(error: &Value) -> String {
    let parts = [&error["code"], &error["type"], &error["message"]];
    let text: Vec<&str> = parts.into_iter().filter_map(Value::as_str).collect();
    text.join(": ")
        .chars()
        .filter(|char| !char.is_control())
        .take(200)
        .collect()
}
