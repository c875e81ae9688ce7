use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A telephone number in international form: `+`, then 7 to 15 digits that do not start with 0
/// (ITU-T E.164).
///
/// "Possible", not "valid": `+15551234567` of the manual is accepted although nobody can have it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct E164(Box<str>);

impl E164 {
    /// With the leading `+`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is not a number in international form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a phone number in E.164 form: +, country code, number; such as +13175551234")]
pub struct NotE164;

impl FromStr for E164 {
    type Err = NotE164;
    fn from_str(text: &str) -> Result<Self, NotE164> {
        let digits = text.strip_prefix('+').ok_or(NotE164)?.as_bytes();
        let shape = (7..=15).contains(&digits.len())
            && digits[0] != b'0'
            && digits.iter().all(u8::is_ascii_digit);
        if shape {
            Ok(Self(text.into()))
        } else {
            Err(NotE164)
        }
    }
}

impl fmt::Display for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Shows only the last two digits: a number is personal and `Debug` ends up in logs.
impl fmt::Debug for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+…{}", &self.0[self.0.len() - 2..])
    }
}

impl Serialize for E164 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for E164 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_possible_numbers_only() {
        for good in ["+13175551234", "+15551234567", "+4915112345678", "+1234567"] {
            assert!(good.parse::<E164>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "+",
            "3175551234",
            "+0317555",
            "+1 317 555 1234",
            "+123456",
            "+1234567890123456",
            "+1317555123a",
            "+١٢٣٤٥٦٧٨",
            "+1317\x00551234",
        ] {
            assert!(bad.parse::<E164>().is_err(), "{bad}");
        }
    }

    #[test]
    fn debug_hides_the_number() {
        assert_eq!(
            format!("{:?}", "+13175551234".parse::<E164>().unwrap()),
            "+…34"
        );
    }
}

crate::kernel::record::field_by_text!(E164, |entropy| Self(
    format!("+1{:010}", 2_000_000_000 + entropy.below(8_000_000_000)).into()
));

/// A number may stand in a path, where an id would.
impl super::id::Id for E164 {
    const KIND: &'static str = "telephone number";
}
