//! What a failed request says about asking again. Asking has no effect on anybody, so this is the
//! only question.

use hum_core::geocode::SourceError;

use crate::failed_request::describe;

/// A request that failed on the way: there may be an answer the next time.
pub(super) fn from_transport(source: &str, error: &reqwest::Error) -> SourceError {
    unavailable(source, describe(error))
}

/// A status other than 200.
///
/// A 4xx is about this question and stays so, but for 408 and 429, which are about the moment. A
/// redirect is not followed: it would carry the address to somebody whom nobody configured.
pub(super) fn from_status(source: &str, status: u16) -> SourceError {
    match status {
        408 | 429 | 500.. => unavailable(source, format!("HTTP {status}")),
        _ => refused(source, format!("HTTP {status}")),
    }
}

pub(super) fn unavailable(source: &str, detail: impl Into<String>) -> SourceError {
    SourceError::Unavailable {
        source_name: source.into(),
        detail: detail.into(),
    }
}

pub(super) fn refused(source: &str, detail: impl Into<String>) -> SourceError {
    SourceError::Refused {
        source_name: source.into(),
        detail: detail.into(),
    }
}

/// An answer that is not what the source documents.
pub(super) fn unreadable(source: &str) -> SourceError {
    refused(source, "the answer cannot be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_moment_is_worth_asking_again() {
        for status in [408, 429, 500, 502, 503, 504, 599] {
            assert!(
                matches!(
                    from_status("census", status),
                    SourceError::Unavailable { .. }
                ),
                "{status}"
            );
        }
        for status in [100, 201, 204, 301, 302, 400, 401, 403, 404, 422] {
            assert!(
                matches!(from_status("census", status), SourceError::Refused { .. }),
                "{status}"
            );
        }
        assert_eq!(
            from_status("census", 429).to_string(),
            "census is unavailable: HTTP 429"
        );
    }
}
