//! The parameters of Twilio's webhooks:
//! <https://www.twilio.com/docs/messaging/guides/webhook-request> for texts that come in,
//! <https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks> for
//! news.

use hum_core::{
    number::E164,
    telephony::{CarrierForm, CarrierStatus, InboundSms, RefusedForm, StatusCallback},
};

use super::wire::is_sid;

/// Twilio attaches at most ten media.
const MAX_MEDIA: usize = 10;
/// Names and values together.
const MAX_BYTES: usize = 64 * 1024;
const MAX_PARAMS: usize = 200;

/// The account that a form names, if it names one only.
pub(in crate::telephony) fn claimed_account(form: &CarrierForm) -> Option<&str> {
    once(form, "AccountSid").ok()?.filter(|sid| is_sid(sid))
}

/// Reads a text that came in.
pub(in crate::telephony) fn inbound(form: &CarrierForm) -> Result<InboundSms, RefusedForm> {
    check(form)?;
    let media = once(form, "NumMedia")?.unwrap_or("0");
    let media: usize = media
        .parse()
        .ok()
        .filter(|count| *count <= MAX_MEDIA)
        .ok_or(RefusedForm::Malformed("NumMedia"))?;
    Ok(InboundSms {
        sid: sid(form)?,
        to: number(form, "To")?,
        from: number(form, "From")?,
        body: once(form, "Body")?.unwrap_or_default().to_owned(),
        media: (0..media)
            .map(|index| media_url(form, index))
            .collect::<Result<_, _>>()?,
    })
}

/// Reads news about a text that was sent.
pub(in crate::telephony) fn status(form: &CarrierForm) -> Result<StatusCallback, RefusedForm> {
    check(form)?;
    let status = either(form, "MessageStatus", "SmsStatus")?;
    let error_code = match once(form, "ErrorCode")?.unwrap_or_default() {
        "" => None,
        code => Some(
            code.parse()
                .map_err(|_| RefusedForm::Malformed("ErrorCode"))?,
        ),
    };
    Ok(StatusCallback {
        sid: sid(form)?,
        status: CarrierStatus::parse(status).ok_or(RefusedForm::Malformed("MessageStatus"))?,
        error_code,
    })
}

fn check(form: &CarrierForm) -> Result<(), RefusedForm> {
    let bytes: usize = form
        .params
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    let nul = form
        .params
        .iter()
        .any(|(name, value)| name.contains('\0') || value.contains('\0'));
    // Postgres cannot store a NUL in text.
    if nul || bytes > MAX_BYTES || form.params.len() > MAX_PARAMS {
        Err(RefusedForm::Malformed("body"))
    } else {
        Ok(())
    }
}

/// A parameter's only value. The signature does not say which of several values Twilio meant: it
/// sorts them.
fn once<'a>(form: &'a CarrierForm, name: &'static str) -> Result<Option<&'a str>, RefusedForm> {
    let first = form.param(name);
    let differs = form
        .params
        .iter()
        .any(|(key, value)| key == name && Some(value.as_str()) != first);
    if differs {
        Err(RefusedForm::Malformed(name))
    } else {
        Ok(first)
    }
}

/// The parameter under its name of today or its name of old.
fn either<'a>(
    form: &'a CarrierForm,
    name: &'static str,
    old: &'static str,
) -> Result<&'a str, RefusedForm> {
    match (once(form, name)?, once(form, old)?) {
        (Some(value), _) | (None, Some(value)) => Ok(value),
        (None, None) => Err(RefusedForm::Malformed(name)),
    }
}

fn sid(form: &CarrierForm) -> Result<String, RefusedForm> {
    let sid = either(form, "MessageSid", "SmsSid")?;
    if is_sid(sid) {
        Ok(sid.to_owned())
    } else {
        Err(RefusedForm::Malformed("MessageSid"))
    }
}

fn number(form: &CarrierForm, name: &'static str) -> Result<E164, RefusedForm> {
    once(form, name)?
        .and_then(|text| text.parse().ok())
        .ok_or(RefusedForm::Malformed(name))
}

fn media_url(form: &CarrierForm, index: usize) -> Result<String, RefusedForm> {
    let name = format!("MediaUrl{index}");
    let mut values = form
        .params
        .iter()
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value);
    let first = values
        .next()
        .filter(|url| url.starts_with("https://") || url.starts_with("http://"));
    match first {
        Some(first) if values.all(|value| value == first) => Ok(first.clone()),
        _ => Err(RefusedForm::Malformed("MediaUrl")),
    }
}

#[cfg(test)]
mod tests {
    use hum_core::{cipher::Secret, telephony::CarrierCredentials};
    use proptest::prelude::*;

    use super::{
        super::signature::{Algorithm, verify},
        *,
    };

    proptest! {
        #[test]
        fn any_form_is_survived(
            url: String,
            params in prop::collection::vec(("(MessageSid|From|To|Body|NumMedia|MediaUrl0|MessageStatus|ErrorCode|AccountSid|.{0,5})", ".{0,20}"), 0..12),
            signature: Option<String>,
        ) {
            let form = CarrierForm { url, params, signature };
            let _ = (inbound(&form), status(&form), claimed_account(&form));
            let account = CarrierCredentials { account_sid: "AC1".into(), auth_token: Secret::new("t".into()), secondary_auth_token: None };
            prop_assert_eq!(verify(&account, &form, Algorithm::HmacSha1), Err(RefusedForm::BadSignature));
        }
    }

    const SID: &str = "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn form(params: &[(&str, &str)]) -> CarrierForm {
        let params = params
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        CarrierForm {
            url: String::new(),
            params,
            signature: None,
        }
    }

    fn text<'a>(more: &[(&'a str, &'a str)]) -> CarrierForm {
        form(
            &[
                &[
                    ("MessageSid", SID),
                    ("From", "+13175550100"),
                    ("To", "+13175550199"),
                    ("Body", "hi"),
                ],
                more,
            ]
            .concat(),
        )
    }

    #[test]
    fn reads_a_text_with_media() {
        let two = [
            ("NumMedia", "2"),
            ("MediaUrl1", "https://b.example"),
            ("MediaUrl0", "https://a.example"),
            ("New", "x"),
        ];
        let sms = inbound(&text(&two)).unwrap();
        assert_eq!((sms.sid.as_str(), sms.body.as_str()), (SID, "hi"));
        assert_eq!(sms.media, ["https://a.example", "https://b.example"]);
        let only_old_name = form(&[
            ("SmsSid", SID),
            ("From", "+13175550100"),
            ("To", "+13175550199"),
        ]);
        assert_eq!(inbound(&only_old_name).unwrap().body, "");
    }

    #[test]
    fn refuses_what_it_cannot_understand() {
        let long = "x".repeat(MAX_BYTES);
        for (more, parameter) in [
            (vec![("MessageSid", "SMb")], "MessageSid"),
            (vec![("From", "+13175550101")], "From"),
            (vec![("To", "+13175550101")], "To"),
            (vec![("Body", "other")], "Body"),
            (vec![("NumMedia", "1")], "MediaUrl"),
            (
                vec![("NumMedia", "1"), ("MediaUrl0", "file:///etc/passwd")],
                "MediaUrl",
            ),
            (
                vec![
                    ("NumMedia", "1"),
                    ("MediaUrl0", "https://a"),
                    ("MediaUrl0", "https://b"),
                ],
                "MediaUrl",
            ),
            (vec![("NumMedia", "11")], "NumMedia"),
            (vec![("NumMedia", "-1")], "NumMedia"),
            (vec![("X", "a\0b")], "body"),
            (vec![("a\0b", "")], "body"),
            (vec![("X", long.as_str())], "body"),
            (vec![("X", ""); MAX_PARAMS], "body"),
        ] {
            assert_eq!(
                inbound(&text(&more)),
                Err(RefusedForm::Malformed(parameter))
            );
        }
        assert!(
            inbound(&text(&[("From", "+13175550100")])).is_ok(),
            "the same value twice"
        );
        for (params, parameter) in [
            (vec![], "MessageSid"),
            (vec![("MessageSid", SID)], "To"),
            (
                vec![("MessageSid", "SM'; --"), ("To", "+13175550199")],
                "MessageSid",
            ),
            (
                vec![
                    ("MessageSid", SID),
                    ("To", "+13175550199"),
                    ("From", "VERIFY"),
                ],
                "From",
            ),
            (
                vec![("MessageSid", SID), ("To", "whatsapp:+13175550199")],
                "To",
            ),
        ] {
            assert_eq!(
                inbound(&form(&params)),
                Err(RefusedForm::Malformed(parameter))
            );
        }
    }

    #[test]
    fn reads_every_status() {
        for expected in CarrierStatus::ALL {
            let read = status(&form(&[
                ("MessageSid", SID),
                ("MessageStatus", expected.as_str()),
                ("ErrorCode", ""),
            ]))
            .unwrap();
            assert_eq!((read.status, read.error_code), (expected, None));
        }
        let failed = [
            ("MessageSid", SID),
            ("SmsStatus", "undelivered"),
            ("ErrorCode", "30003"),
        ];
        assert_eq!(status(&form(&failed)).unwrap().error_code, Some(30003));
    }

    #[test]
    fn refuses_unknown_news() {
        for (params, parameter) in [
            (vec![("MessageSid", SID)], "MessageStatus"),
            (
                vec![("MessageSid", SID), ("MessageStatus", "partying")],
                "MessageStatus",
            ),
            (
                vec![
                    ("MessageSid", SID),
                    ("MessageStatus", "sent"),
                    ("MessageStatus", "failed"),
                ],
                "MessageStatus",
            ),
            (
                vec![
                    ("MessageSid", SID),
                    ("MessageStatus", "sent"),
                    ("ErrorCode", "many"),
                ],
                "ErrorCode",
            ),
            (vec![("MessageStatus", "sent")], "MessageSid"),
        ] {
            assert_eq!(
                status(&form(&params)),
                Err(RefusedForm::Malformed(parameter))
            );
        }
    }

    #[test]
    fn an_account_that_is_named_twice_is_none() {
        assert_eq!(
            claimed_account(&form(&[("AccountSid", "AC1")])),
            Some("AC1")
        );
        assert_eq!(
            claimed_account(&form(&[("AccountSid", "AC1"), ("AccountSid", "AC2")])),
            None
        );
        assert_eq!(claimed_account(&form(&[("AccountSid", "")])), None);
    }
}
