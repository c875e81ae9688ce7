//! hum's verifier against Twilio's own library; see `data/twilio_signatures.py`.

use hum_adapters::telephony::twilio::signature::{Algorithm, sign, verify};
use hum_core::{
    cipher::Secret,
    telephony::{CarrierCredentials, CarrierForm},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    name: String,
    url: String,
    params: Vec<(String, String)>,
    key: String,
    algorithm: String,
    signature: String,
}

impl Vector {
    fn algorithm(&self) -> Algorithm {
        if self.algorithm == "HMAC_SHA256" {
            Algorithm::HmacSha256
        } else {
            Algorithm::HmacSha1
        }
    }

    fn form(&self) -> CarrierForm {
        CarrierForm {
            url: self.url.clone(),
            params: self.params.clone(),
            signature: Some(self.signature.clone()),
        }
    }

    fn accepts(&self, form: &CarrierForm) -> bool {
        let token = Secret::new(self.key.clone());
        let account = CarrierCredentials {
            account_sid: "AC1".into(),
            auth_token: token,
            secondary_auth_token: None,
        };
        verify(&account, form, self.algorithm()).is_ok()
    }
}

fn vectors() -> Vec<Vector> {
    let vectors: Vec<Vector> =
        serde_json::from_str(include_str!("../data/twilio_signatures.json")).unwrap();
    assert!(vectors.len() >= 60);
    vectors
}

#[test]
fn agrees_with_twilios_library() {
    for vector in vectors() {
        assert_eq!(
            sign(&vector.key, &vector.url, &vector.params, vector.algorithm()),
            vector.signature,
            "{}",
            vector.name
        );
        assert!(vector.accepts(&vector.form()), "{}", vector.name);
    }
}

#[test]
fn the_order_received_does_not_matter() {
    for vector in vectors() {
        let mut form = vector.form();
        form.params.reverse();
        assert!(vector.accepts(&form), "{}", vector.name);
    }
}

#[test]
fn the_standard_port_may_be_there_or_not() {
    for vector in vectors() {
        for (scheme, port) in [("https://", ":443"), ("http://", ":80")] {
            let Some(rest) = vector
                .url
                .strip_prefix(scheme)
                .filter(|rest| !rest.contains(['@', '[']))
            else {
                continue;
            };
            let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
            let other = match host.rsplit_once(':') {
                None => format!("{scheme}{host}{port}{path}"),
                Some((name, given)) if port == format!(":{given}") => {
                    format!("{scheme}{name}{path}")
                }
                Some(_) => continue,
            };
            let form = CarrierForm {
                url: other,
                ..vector.form()
            };
            assert!(vector.accepts(&form), "{} as {}", vector.name, form.url);
        }
    }
}

/// Replaces one byte so that the text stays UTF-8, always by a different byte.
fn mutate(text: &str, chance: usize) -> Option<String> {
    let ascii: Vec<usize> = text
        .bytes()
        .enumerate()
        .filter(|(_, byte)| byte.is_ascii())
        .map(|(at, _)| at)
        .collect();
    let at = *ascii.get(chance.checked_rem(ascii.len())?)?;
    let mut bytes = text.as_bytes().to_vec();
    bytes[at] = match (bytes[at], chance / 7 % 4) {
        (byte, 0) => byte ^ 1,
        (byte, 1) => byte ^ 0x20,
        (byte, 2) => (byte + 1) % 128,
        (byte, _) => (byte + 61) % 128,
    };
    String::from_utf8(bytes).ok()
}

#[test]
fn every_mutation_of_one_byte_is_rejected() {
    let mut tried = 0;
    for vector in vectors() {
        let mut of_this = 0;
        for chance in 0..400_usize {
            let mut form = vector.form();
            match chance % 4 {
                0 => form.url = mutate(&form.url, chance).unwrap(),
                1 => {
                    form.signature = form
                        .signature
                        .and_then(|signature| mutate(&signature, chance))
                }
                part => {
                    let pairs = form.params.len().max(1);
                    let Some((name, value)) = form.params.get_mut(chance / 4 % pairs) else {
                        continue;
                    };
                    let text = if part == 2 { name } else { value };
                    let Some(mutated) = mutate(text, chance) else {
                        continue;
                    };
                    *text = mutated;
                }
            }
            assert!(
                !vector.accepts(&form),
                "{}: {:?} {:?}",
                vector.name,
                form.url,
                form.params
            );
            of_this += 1;
        }
        assert!(of_this >= 50, "{}", vector.name);
        tried += of_this;
    }
    assert!(tried > 10_000);
}

#[test]
fn more_or_fewer_parameters_are_rejected() {
    for vector in vectors() {
        let mut more = vector.form();
        more.params.push(("Added".into(), "1".into()));
        assert!(!vector.accepts(&more), "{}", vector.name);
        for at in 0..vector.params.len() {
            let mut fewer = vector.form();
            let removed = fewer.params.remove(at);
            // Leaving out one of two equal values, or nothing at all, is what the library cannot
            // see either.
            let unseen =
                fewer.params.contains(&removed) || (removed.0.is_empty() && removed.1.is_empty());
            assert_eq!(
                vector.accepts(&fewer),
                unseen,
                "{}: without {removed:?}",
                vector.name
            );
        }
        assert!(!vector.accepts(&CarrierForm {
            signature: None,
            ..vector.form()
        }));
    }
}
