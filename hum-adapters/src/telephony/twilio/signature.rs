//! Signatures of webhooks (<https://www.twilio.com/docs/usage/webhooks/webhooks-security>).
//!
//! The signature has no timestamp: a recorded webhook verifies for ever, so receiving one twice
//! must be harmless.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use hum_core::telephony::{CarrierCredentials, CarrierForm, RefusedForm};
use sha1::Sha1;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// The header that bears the signature.
pub const HEADER: &str = "x-twilio-signature";

/// How a webhook is signed.
///
/// Twilio announces the newer one in the header `X-Twilio-Webhooks-Signature-Settings`, together
/// with another key than the auth token; the port passes only the signature, so [`super::Twilio`]
/// checks the classic one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// The classic one, with the auth token.
    HmacSha1,
    /// The newer one, with a shared key.
    HmacSha256,
}

/// The signature, in base64, that Twilio would put on a request.
pub fn sign(key: &str, url: &str, params: &[(String, String)], algorithm: Algorithm) -> String {
    BASE64_STANDARD.encode(digest(key, url, &tail(params), algorithm))
}

/// Checks a form against the primary and the secondary token of an account.
///
/// # Errors
/// [`RefusedForm::BadSignature`], also when the account has no token: an empty key is one that
/// everybody knows.
pub fn verify(
    account: &CarrierCredentials,
    form: &CarrierForm,
    algorithm: Algorithm,
) -> Result<(), RefusedForm> {
    let claimed = form
        .signature
        .as_deref()
        .and_then(|text| BASE64_STANDARD.decode(text).ok())
        .ok_or(RefusedForm::BadSignature)?;
    let tail = tail(&form.params);
    let urls = url_forms(&form.url);
    let tokens = [
        Some(&account.auth_token),
        account.secondary_auth_token.as_ref(),
    ];
    let mut matches = subtle::Choice::from(0);
    for token in tokens
        .into_iter()
        .flatten()
        .filter(|token| !token.reveal().is_empty())
    {
        for url in &urls {
            // Slices of different length never match, and the length of a digest is no secret.
            matches |= digest(token.reveal(), url, &tail, algorithm).ct_eq(&claimed);
        }
    }
    if matches.into() {
        Ok(())
    } else {
        Err(RefusedForm::BadSignature)
    }
}

fn digest(key: &str, url: &str, tail: &str, algorithm: Algorithm) -> Vec<u8> {
    // HMAC takes keys of any length (RFC 2104, section 3).
    match algorithm {
        Algorithm::HmacSha1 => Hmac::<Sha1>::new_from_slice(key.as_bytes()).map(|mac| {
            mac.chain_update(url)
                .chain_update(tail)
                .finalize()
                .into_bytes()
                .to_vec()
        }),
        Algorithm::HmacSha256 => Hmac::<Sha256>::new_from_slice(key.as_bytes()).map(|mac| {
            mac.chain_update(url)
                .chain_update(tail)
                .finalize()
                .into_bytes()
                .to_vec()
        }),
    }
    .unwrap_or_default()
}

/// Every parameter, whether known or not, sorted by name; the values of one name sorted, each once,
/// as Twilio's own libraries do.
fn tail(params: &[(String, String)]) -> String {
    let mut sorted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in params {
        sorted.entry(name).or_default().insert(value);
    }
    let mut tail = String::new();
    for (name, values) in sorted {
        for value in values {
            tail.push_str(name);
            tail.push_str(value);
        }
    }
    tail
}

/// The URL as it was received, without its port, and with the standard port: Twilio's own libraries
/// try both "since signature generation on the back end is inconsistent".
fn url_forms(url: &str) -> Vec<String> {
    let mut forms = vec![url.to_owned()];
    let Some((scheme, rest)) = url.split_once("://") else {
        return forms;
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let standard = match scheme {
        "https" | "wss" => 443,
        "http" | "ws" => 80,
        _ => return forms,
    };
    let host_start = authority.rfind('@').map_or(0, |at| at + 1);
    let port = authority[host_start..]
        .rfind(':')
        .map(|at| host_start + at)
        .filter(|at| !authority[*at..].contains(']'));
    match port {
        Some(colon) => forms.push(format!("{scheme}://{}{path}", &authority[..colon])),
        None => forms.push(format!("{scheme}://{authority}:{standard}{path}")),
    }
    forms
}

#[cfg(test)]
mod tests {
    use hum_core::cipher::Secret;

    use super::*;

    fn account(primary: &str, secondary: Option<&str>) -> CarrierCredentials {
        CarrierCredentials {
            account_sid: "AC1".into(),
            auth_token: Secret::new(primary.into()),
            secondary_auth_token: secondary.map(|token| Secret::new(token.into())),
        }
    }

    fn form(url: &str, signature: Option<String>) -> CarrierForm {
        CarrierForm {
            url: url.into(),
            params: vec![("Body".into(), "hi".into())],
            signature,
        }
    }

    #[test]
    fn both_port_forms_are_tried() {
        assert_eq!(
            url_forms("https://a.example/x?y=1:2"),
            ["https://a.example/x?y=1:2", "https://a.example:443/x?y=1:2"]
        );
        assert_eq!(
            url_forms("http://a.example"),
            ["http://a.example", "http://a.example:80"]
        );
        assert_eq!(
            url_forms("wss://a.example/"),
            ["wss://a.example/", "wss://a.example:443/"]
        );
        assert_eq!(
            url_forms("https://u:p@a.example:8443/"),
            ["https://u:p@a.example:8443/", "https://u:p@a.example/"]
        );
        assert_eq!(
            url_forms("https://u:p@a.example/"),
            ["https://u:p@a.example/", "https://u:p@a.example:443/"]
        );
        assert_eq!(
            url_forms("https://[::1]/"),
            ["https://[::1]/", "https://[::1]:443/"]
        );
        assert_eq!(
            url_forms("https://[::1]:443/"),
            ["https://[::1]:443/", "https://[::1]/"]
        );
        assert_eq!(url_forms("nonsense"), ["nonsense"]);
    }

    #[test]
    fn either_token_verifies_and_an_empty_one_never_does() {
        let params = [("Body".to_owned(), "hi".to_owned())];
        let signed = |key: &str| {
            Some(sign(
                key,
                "https://a.example/",
                &params,
                Algorithm::HmacSha1,
            ))
        };
        let rotating = account("new", Some("old"));
        for (token, expected) in [
            ("new", Ok(())),
            ("old", Ok(())),
            ("other", Err(RefusedForm::BadSignature)),
        ] {
            assert_eq!(
                verify(
                    &rotating,
                    &form("https://a.example/", signed(token)),
                    Algorithm::HmacSha1
                ),
                expected
            );
        }
        for empty in [account("", None), account("x", Some(""))] {
            let refused = verify(
                &empty,
                &form("https://a.example/", signed("")),
                Algorithm::HmacSha1,
            );
            assert_eq!(refused, Err(RefusedForm::BadSignature));
        }
    }

    #[test]
    fn what_is_not_a_digest_never_verifies() {
        let good = sign(
            "new",
            "https://a.example/",
            &[("Body".into(), "hi".into())],
            Algorithm::HmacSha1,
        );
        let account = account("new", None);
        let no_padding = good.trim_end_matches('=').to_owned();
        for signature in [
            "",
            " ",
            "====",
            &no_padding,
            &format!("{good} "),
            &format!("{good}{good}"),
            &good[..good.len() - 4],
        ] {
            let refused = verify(
                &account,
                &form("https://a.example/", Some(signature.to_owned())),
                Algorithm::HmacSha1,
            );
            assert_eq!(refused, Err(RefusedForm::BadSignature), "{signature:?}");
        }
        assert_eq!(
            verify(
                &account,
                &form("https://a.example/", None),
                Algorithm::HmacSha1
            ),
            Err(RefusedForm::BadSignature)
        );
        let sha1 = form("https://a.example/", Some(good));
        assert_eq!(
            verify(&account, &sha1, Algorithm::HmacSha256),
            Err(RefusedForm::BadSignature)
        );
    }
}
