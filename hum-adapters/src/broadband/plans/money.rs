//! Prices from text, without floating point.

use hum_core::broadband::Money;

/// `49.99`, `$1,299` or `0` as hundredths; `None`: something else, or more than two digits after
/// the point.
pub fn cents(text: &str) -> Option<i64> {
    let text = text.trim();
    let text = text.strip_prefix('$').unwrap_or(text).trim_start();
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let whole = match whole.split_once(',') {
        None => whole.to_owned(),
        // Commas only where they separate thousands.
        Some((first, thousands))
            if (1..=3).contains(&first.len())
                && thousands.split(',').all(|three| three.len() == 3) =>
        {
            whole.replace(',', "")
        }
        Some(_) => return None,
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    // Zeros at the end say nothing: labels have prices such as 50.0000.
    let rest = rest.trim_end_matches('0');
    if whole.is_empty() || whole.len() > 12 || rest.len() > 2 || !digits(&whole) || !digits(rest) {
        return None;
    }
    let hundredths: i64 = format!("{rest:0<2}").parse().ok()?;
    Some(whole.parse::<i64>().ok()? * 100 + hundredths)
}

/// Money from text.
pub fn money(text: &str, currency: &str) -> Option<Money> {
    Some(Money {
        amount_cents: cents(text)?,
        currency: currency.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_exact() {
        for (text, expected) in [
            ("0", Some(0)),
            ("49.99", Some(4_999)),
            ("49.9", Some(4_990)),
            (" $49 ", Some(4_900)),
            ("50.000", Some(5_000)),
            ("1,299.00", Some(129_900)),
            ("0.29", Some(29)),
            ("49.999", None),
            ("49,99", None),
            ("1,2,3", None),
            ("-5", None),
            ("", None),
            (".5", None),
            ("free", None),
            ("9999999999999999", None),
        ] {
            assert_eq!(cents(text), expected, "{text:?}");
        }
    }
}
