//! The house number that a delivery line begins with (Publication 28, section 231, appendices D1 to
//! D4).

use std::borrow::Cow;

use super::fold::{Word, has_digit, is_digits, without_loose_hyphens};
use super::ordinal;

/// Takes the house number off the front: `123`, `123A`, `112-10`, `N6W23001`, `123 1/2`. `None`,
/// and nothing taken, when the line does not begin with one.
pub(super) fn take<'a>(words: &mut Vec<Word<'a>>) -> Option<Word<'a>> {
    let (number, used) = read(words)?;
    words.drain(..used);
    Some(number)
}

/// Whether a word can be a house number.
pub(super) fn is_one(word: &str) -> bool {
    let bytes = word.as_bytes();
    let letters = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    let hyphen = usize::from(letters > 0 && bytes.get(letters) == Some(&b'-'));
    bytes.get(letters + hyphen).is_some_and(u8::is_ascii_digit)
        && letters <= 2
        && !word.contains('.')
        && !matches!(
            &word[..letters],
            "I" | "IH" | "US" | "SR" | "CR" | "FM" | "RM" | "SH" | "RR" | "HC" | "RT" | "PH" | "KM"
        )
        && ordinal::digits_of(word).is_none()
}

fn read<'a>(words: &[Word<'a>]) -> Option<(Word<'a>, usize)> {
    let first = words.first()?;
    if let Some(digits) = ordinal::cardinal(first) {
        // `TEN MILE RD` is a road without a house number
        let named = words.len() > 2
            && !matches!(
                words[1].as_ref(),
                "MILE" | "MILES" | "NOTCH" | "POINTS" | "FORKS"
            );
        return named.then_some((Cow::Borrowed(digits), 1));
    }
    if !is_one(first) {
        return None;
    }
    let Some(second) = words.get(1) else {
        return Some((first.clone(), 1));
    };
    // `123-1/2` is `123 1/2` (D4)
    if let Some((whole, fraction)) = first
        .split_once('-')
        .filter(|(_, fraction)| is_fraction(fraction))
    {
        return Some((Cow::Owned(format!("{whole} {fraction}")), 1));
    }
    if is_fraction(second) {
        return Some((
            Cow::Owned(format!("{} {second}", without_loose_hyphens(first.clone()))),
            2,
        ));
    }
    // `N95 W16975` and `N95-W16975` are `N95W16975` (D3)
    if is_grid_half(first) && is_grid_half(second) && words.len() > 2 {
        return Some((Cow::Owned(format!("{first}{second}")), 2));
    }
    if let Some((north, west)) = first.split_once('-')
        && is_grid_half(north)
        && is_grid_half(west)
    {
        return Some((Cow::Owned(format!("{north}{west}")), 1));
    }
    Some((without_loose_hyphens(first.clone()), 1))
}

fn is_fraction(word: &str) -> bool {
    word.split_once('/')
        .is_some_and(|(over, under)| is_digits(over) && is_digits(under))
}

fn is_grid_half(word: &str) -> bool {
    word.starts_with(['N', 'S', 'E', 'W']) && is_digits(&word[1..])
}

/// Joins block and house of a Puerto Rican address, and drops the words between them (Publication
/// 28, appendix I): `BLQ 199 CASA 31` is `199-31`.
pub(super) fn block_and_house<'a>(words: &[Word<'a>]) -> Option<Word<'a>> {
    let mut numbers = words.iter().filter(|word| {
        !matches!(
            word.as_ref(),
            "BLQ"
                | "BLOQUE"
                | "BLOCK"
                | "BLK"
                | "NUM"
                | "NUMERO"
                | "NO"
                | "CASA"
                | "LOTE"
                | "SOLAR"
                | "#"
        )
    });
    let first = numbers
        .next()
        .filter(|word| has_digit(word) && is_one(word))?;
    match (numbers.next(), numbers.next()) {
        (None, _) => Some(without_loose_hyphens(first.clone())),
        (Some(second), None) if is_one(second) => Some(Cow::Owned(format!("{first}-{second}"))),
        _ => None,
    }
}
