//! The forms and JSON of <https://www.twilio.com/docs/messaging/api/message-resource>.

use hum_core::{
    clock::Timestamp,
    telephony::{Accepted, CarrierMessage, CarrierStatus, OutboundSms},
};
use serde::Deserialize;
use serde_json::Value;

/// The parameters of a create request.
pub(super) fn create_form(sms: &OutboundSms) -> Vec<(&'static str, String)> {
    let mut form = vec![("To", sms.to.to_string()), ("From", sms.from.to_string())];
    // Twilio wants a body or media; an empty body beside media is left out.
    if !sms.body.is_empty() || sms.media.is_empty() {
        form.push(("Body", sms.body.clone()));
    }
    form.extend(sms.media.iter().map(|url| ("MediaUrl", url.clone())));
    form.push(("StatusCallback", sms.status_callback.clone()));
    form.push((
        "ValidityPeriod",
        sms.validity.as_secs().clamp(1, 36_000).to_string(),
    ));
    form
}

#[derive(Deserialize)]
struct Message {
    sid: Option<String>,
    status: Option<String>,
    from: Option<String>,
    to: Option<String>,
    body: Option<String>,
    error_code: Option<Value>,
    num_segments: Option<Value>,
    date_created: Option<String>,
}

/// One page of a list.
#[derive(Deserialize)]
struct Page {
    messages: Vec<Message>,
    next_page_uri: Option<String>,
}

#[derive(Deserialize)]
struct Error {
    code: Option<Value>,
    message: Option<String>,
}

/// The answer to a create request, when it names the text that was made.
pub(super) fn accepted(body: &[u8]) -> Option<Accepted> {
    let message: Message = serde_json::from_slice(body).ok()?;
    Some(Accepted {
        sid: message.sid.filter(|sid| is_sid(sid))?,
        // A word that is new to us still means that it was taken; its callbacks tell the rest.
        status: message
            .status
            .as_deref()
            .and_then(CarrierStatus::parse)
            .unwrap_or(CarrierStatus::Accepted),
        // Zero while a messaging service has not chosen a sender yet.
        segments: number(message.num_segments.as_ref()).filter(|segments| *segments > 0),
    })
}

/// One text.
pub(super) fn message(body: &[u8]) -> Option<CarrierMessage> {
    serde_json::from_slice::<Message>(body).ok()?.read()
}

/// One page, and where the next one is.
pub(super) fn page(body: &[u8]) -> Option<(Vec<CarrierMessage>, Option<String>)> {
    let page: Page = serde_json::from_slice(body).ok()?;
    let messages = page
        .messages
        .into_iter()
        .map(Message::read)
        .collect::<Option<_>>()?;
    Some((messages, page.next_page_uri.filter(|uri| !uri.is_empty())))
}

/// Code and message of an error body
/// (<https://www.twilio.com/docs/usage/twilios-response#response-formats-exceptions>).
pub(super) fn error(body: &[u8]) -> Option<(Option<u32>, String)> {
    let error: Error = serde_json::from_slice(body).ok()?;
    let code = number(error.code.as_ref());
    (code.is_some() || error.message.is_some()).then(|| (code, error.message.unwrap_or_default()))
}

impl Message {
    fn read(self) -> Option<CarrierMessage> {
        Some(CarrierMessage {
            sid: self.sid.filter(|sid| is_sid(sid))?,
            from: self.from.unwrap_or_default(),
            to: self.to.unwrap_or_default(),
            body: self.body.unwrap_or_default(),
            status: self
                .status
                .as_deref()
                .and_then(CarrierStatus::parse)
                .unwrap_or(CarrierStatus::Accepted),
            error_code: number(self.error_code.as_ref()),
            created_at: date(&self.date_created?)?,
        })
    }
}

/// Ids become parts of paths and keys of rows.
pub(super) fn is_sid(text: &str) -> bool {
    (2..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Twilio writes numbers sometimes as numbers, sometimes as text.
fn number(value: Option<&Value>) -> Option<u32> {
    match value? {
        Value::Number(number) => number
            .as_u64()
            .and_then(|number| u32::try_from(number).ok()),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// `Fri, 24 May 2019 17:18:27 +0000` (RFC 2822).
fn date(text: &str) -> Option<Timestamp> {
    let at = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text)
        .ok()?;
    Some(Timestamp::from_micros(at.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dates_in_any_offset() {
        let utc = "2019-05-24T17:18:27Z".parse().ok();
        assert_eq!(date("Fri, 24 May 2019 17:18:27 +0000"), utc);
        assert_eq!(date("Fri, 24 May 2019 13:18:27 -0400"), utc);
        assert_eq!(date("Fri, 24 May 2019 17:18:27 GMT"), utc);
        for bad in [
            "",
            "2019-05-24T17:18:27Z",
            "Fri, 32 May 2019 17:18:27 +0000",
        ] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_acceptance_needs_a_sid() {
        let body =
            br#"{"sid":"SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","status":"queued","num_segments":"2"}"#;
        let accepted_sms = Accepted {
            sid: "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".into(),
            status: CarrierStatus::Queued,
            segments: Some(2),
        };
        assert_eq!(accepted(body), Some(accepted_sms));
        for bad in [
            "",
            "{}",
            "[]",
            r#"{"sid":null}"#,
            r#"{"sid":""}"#,
            r#"{"sid":"SM/../x"}"#,
            "<html>",
            r#"{"sid":"SM1"#,
        ] {
            assert_eq!(accepted(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(
            accepted(br#"{"sid":"SM1","status":"partying","num_segments":"0"}"#)
                .map(|sms| (sms.status, sms.segments)),
            Some((CarrierStatus::Accepted, None))
        );
    }
}
