use crate::kernel::error::FieldError;

use super::Headers;

const FORBIDDEN: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "content-encoding",
    "cookie",
    "date",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "origin",
    "proxy-authorization",
    "referer",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
];
const FORBIDDEN_PREFIXES: &[&str] = &[
    "webhook-",
    "x-hum-",
    "x-forwarded-",
    "proxy-",
    "sec-",
    "access-control-",
    "x-amz-",
    "x-google-",
    "cf-",
    "svix-",
];

/// Everything that is wrong with a customer's additional headers. Names are compared in lower case.
pub(super) fn problems(headers: &Headers) -> Vec<FieldError> {
    let mut problems = Vec::new();
    if headers.len() > 20 {
        problems.push(FieldError::new("/headers", "must have at most 20 headers"));
    }
    for (name, value) in headers {
        let pointer = format!("/headers/{}", name.replace('~', "~0").replace('/', "~1"));
        let lower = name.to_ascii_lowercase();
        let is_token = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
        if !is_token || name.len() > 100 {
            problems.push(FieldError::new(
                pointer,
                "is not a header name of at most 100 characters",
            ));
        } else if FORBIDDEN.contains(&lower.as_str())
            || FORBIDDEN_PREFIXES
                .iter()
                .any(|prefix| lower.starts_with(prefix))
        {
            problems.push(FieldError::new(
                pointer,
                "is set by hum itself, or by the network, and cannot be chosen",
            ));
        } else if value.len() > 4096 || !value.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            problems.push(FieldError::new(
                pointer,
                "must have a value of at most 4,096 printable ASCII characters",
            ));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_could_forge_or_split() {
        for (name, value) in [
            ("Host", "x"),
            ("webhook-id", "x"),
            ("X-HUM-Signature", "x"),
            ("X-Forwarded-For", "x"),
            ("Cookie", "x"),
            ("a b", "x"),
            ("", "x"),
            ("ok", "a\r\nb"),
            ("ok", "a\0b"),
            ("ok", "é"),
            ("content-length", "1"),
        ] {
            assert_eq!(
                problems(&Headers::from([(name.into(), value.into())])).len(),
                1,
                "{name}: {value:?}"
            );
        }
        assert!(
            problems(&Headers::from([
                ("Authorization".into(), "Bearer abc".into()),
                ("x-team".into(), "a".into())
            ]))
            .is_empty()
        );
    }
}
