//! What went wrong with a request, in a few words that may be logged.

/// The innermost cause, without the URL: it may bear an account, a telephone number or an address.
pub(crate) fn describe(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out".into();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if std::ptr::addr_eq(cause, error) {
        "request failed".into()
    } else {
        cause.to_string()
    }
}
