//! What an answer, or its absence, says about whether a text left.

use std::time::Duration;

use hum_core::telephony::{SendError, TelephonyError};

use crate::failed_request::describe;

use super::wire;

/// The recipient is opted out (<https://www.twilio.com/docs/api/errors/21610>).
pub(in crate::telephony) const OPTED_OUT: u32 = 21610;

/// A request that failed on the way.
///
/// Only a failed connection proves that nothing was written. Everything later, a reset as much as a
/// timeout, leaves it open whether Twilio read the request.
pub(super) fn from_transport(error: &reqwest::Error) -> SendError {
    if error.is_connect() || error.is_builder() {
        SendError::NotSent(describe(error))
    } else {
        SendError::Unknown(describe(error))
    }
}

/// An answer that does not accept the text.
///
/// A 4xx is definite: Twilio refuses before it queues. 408 is the exception, because gateways make
/// it up on timeouts. A 5xx is not: "the request may have been processed"
/// (<https://www.twilio.com/docs/errors/20500>).
pub(super) fn from_answer(status: u16, retry_after: Option<Duration>, body: &[u8]) -> SendError {
    let error = wire::error(body);
    match status {
        429 => SendError::Busy { retry_after },
        400..=499 if status != 408 || error.is_some() => {
            let (code, detail) = error.unwrap_or((None, format!("HTTP {status}")));
            let detail = without_numbers(&detail);
            if code == Some(OPTED_OUT) {
                return SendError::OptedOut { code, detail };
            }
            SendError::Rejected { code, detail }
        }
        _ => SendError::Unknown(format!("HTTP {status}")),
    }
}

pub(super) fn read_failed(error: &reqwest::Error) -> TelephonyError {
    TelephonyError(describe(error))
}

/// Twilio repeats telephone numbers in its messages; details end up in logs and in the console.
fn without_numbers(detail: &str) -> String {
    let mut text = String::new();
    let mut digits = String::new();
    for char in detail.chars().take(300).chain(['\0']) {
        if char.is_ascii_digit() {
            digits.push(char);
        } else {
            text.push_str(if digits.len() > 6 { "…" } else { &digits });
            digits.clear();
            text.push(char);
        }
    }
    text.trim_end_matches('\0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_4xx_is_definite() {
        let error = br#"{"code":21610,"message":"Attempt to send to unsubscribed recipient +13175550100","status":400}"#;
        let rejected = SendError::OptedOut {
            code: Some(21610),
            detail: "Attempt to send to unsubscribed recipient +…".into(),
        };
        assert_eq!(from_answer(400, None, error), rejected);
        assert_eq!(
            from_answer(404, None, b"<html>"),
            SendError::Rejected {
                code: None,
                detail: "HTTP 404".into()
            }
        );
        let busy = SendError::Busy {
            retry_after: Some(Duration::from_secs(3)),
        };
        assert_eq!(
            from_answer(429, Some(Duration::from_secs(3)), br#"{"code":20429}"#),
            busy
        );
        for status in [100, 200, 204, 301, 307, 408, 500, 502, 503, 504, 599] {
            assert!(
                matches!(from_answer(status, None, b""), SendError::Unknown(_)),
                "{status}"
            );
        }
        assert!(
            matches!(from_answer(500, None, error), SendError::Unknown(_)),
            "even with a code"
        );
    }
}
