//! Numbers in words and with their endings (Publication 28, section 235).
//!
//! Publication 28 leaves it to the ZIP+4 file whether a street is `5TH AVE` or `FIFTH AVE`. Without
//! that file, one of the two has to stand for both: digits, as most of the file has it.

use super::fold::{Word, is_digits};

/// The number that ordinal words name, and how many words that takes: `FIFTH`, `FORTY SECOND`.
pub(super) fn spelled(words: &[Word<'_>]) -> Option<(u32, usize)> {
    let first = words.first()?;
    if let Some(number) = ordinal(first) {
        return Some((number, 1));
    }
    let tens = tens(first)?;
    let ones = ordinal(words.get(1)?).filter(|ones| *ones < 10)?;
    Some((tens + ones, 2))
}

/// `5` of `5TH`.
pub(super) fn digits_of(word: &str) -> Option<&str> {
    let digits = word.get(..word.len().checked_sub(2)?)?;
    (is_digits(digits) && matches!(&word[digits.len()..], "ST" | "ND" | "RD" | "TH"))
        .then_some(digits)
}

/// `TH` for `5`, `ST` for `21`.
pub(super) fn ending(digits: &str) -> &'static str {
    let bytes = digits.as_bytes();
    let teens = bytes.len() > 1 && bytes[bytes.len() - 2] == b'1';
    match bytes.last() {
        Some(b'1') if !teens => "ST",
        Some(b'2') if !teens => "ND",
        Some(b'3') if !teens => "RD",
        _ => "TH",
    }
}

/// `1` to `10` in words, as buildings call themselves: `ONE MICROSOFT WAY`.
pub(super) fn cardinal(word: &str) -> Option<&'static str> {
    Some(match word {
        "ONE" => "1",
        "TWO" => "2",
        "THREE" => "3",
        "FOUR" => "4",
        "FIVE" => "5",
        "SIX" => "6",
        "SEVEN" => "7",
        "EIGHT" => "8",
        "NINE" => "9",
        "TEN" => "10",
        _ => return None,
    })
}

fn ordinal(word: &str) -> Option<u32> {
    Some(match word {
        "FIRST" => 1,
        "SECOND" => 2,
        "THIRD" => 3,
        "FOURTH" => 4,
        "FIFTH" => 5,
        "SIXTH" => 6,
        "SEVENTH" => 7,
        "EIGHTH" => 8,
        "NINTH" => 9,
        "TENTH" => 10,
        "ELEVENTH" => 11,
        "TWELFTH" => 12,
        "THIRTEENTH" => 13,
        "FOURTEENTH" => 14,
        "FIFTEENTH" => 15,
        "SIXTEENTH" => 16,
        "SEVENTEENTH" => 17,
        "EIGHTEENTH" => 18,
        "NINETEENTH" => 19,
        "TWENTIETH" => 20,
        "THIRTIETH" => 30,
        "FORTIETH" => 40,
        "FIFTIETH" => 50,
        "SIXTIETH" => 60,
        "SEVENTIETH" => 70,
        "EIGHTIETH" => 80,
        "NINETIETH" => 90,
        _ => return None,
    })
}

fn tens(word: &str) -> Option<u32> {
    Some(match word {
        "TWENTY" => 20,
        "THIRTY" => 30,
        "FORTY" => 40,
        "FIFTY" => 50,
        "SIXTY" => 60,
        "SEVENTY" => 70,
        "EIGHTY" => 80,
        "NINETY" => 90,
        _ => return None,
    })
}
