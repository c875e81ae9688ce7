//! The webhooks that Twilio makes, signed.

use hum_core::{
    number::E164,
    telephony::{CarrierCredentials, CarrierForm, CarrierStatus},
};

use super::super::twilio::signature;

/// Where webhooks of texts that come in are delivered, below the public URL.
pub const INBOUND_PATH: &str = "/carrier/twilio/sms";

/// A text came in.
pub fn inbound_form(
    account: &CarrierCredentials,
    public_url: &str,
    sid: &str,
    (from, to): (&E164, &E164),
    body: &str,
) -> CarrierForm {
    let url = format!("{}{INBOUND_PATH}", public_url.trim_end_matches('/'));
    signed(
        account,
        url,
        [
            ("ToCountry", "US".into()),
            ("SmsMessageSid", sid.into()),
            ("NumMedia", "0".into()),
            ("SmsSid", sid.into()),
            ("SmsStatus", "received".into()),
            ("Body", body.into()),
            ("To", to.to_string()),
            ("NumSegments", "1".into()),
            ("MessageSid", sid.into()),
            ("AccountSid", account.account_sid.clone()),
            ("From", from.to_string()),
            ("ApiVersion", "2010-04-01".into()),
        ],
    )
}

/// News of a text, for the address that was given with it.
pub fn status_form(
    account: &CarrierCredentials,
    callback: &str,
    sid: &str,
    (from, to): (&E164, &E164),
    (status, error_code): (CarrierStatus, Option<u32>),
) -> CarrierForm {
    let params = [
        ("SmsSid", sid.into()),
        ("SmsStatus", status.as_str().into()),
        ("MessageStatus", status.as_str().into()),
        ("To", to.to_string()),
        ("MessageSid", sid.into()),
        ("AccountSid", account.account_sid.clone()),
        ("From", from.to_string()),
        ("ApiVersion", "2010-04-01".into()),
    ];
    let code = error_code.map(|code| ("ErrorCode", code.to_string()));
    signed(account, callback.into(), params.into_iter().chain(code))
}

fn signed(
    account: &CarrierCredentials,
    url: String,
    params: impl IntoIterator<Item = (&'static str, String)>,
) -> CarrierForm {
    let params: Vec<(String, String)> = params
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let signature = signature::sign(
        account.auth_token.reveal(),
        &url,
        &params,
        signature::Algorithm::HmacSha1,
    );
    CarrierForm {
        url,
        params,
        signature: Some(signature),
    }
}
