//! Directionals, name and suffix of a street (Publication 28, sections 231 to 235). Read from right
//! to left, as section 231 does.

use super::directional::{Directional, combined, directional};
use super::fold::{Word, has_digit, is_digits, is_letter};
use super::suffix::{Suffix, is_plain, suffix};
use super::{ordinal, spanish};

/// Writes the normal form of a street. Words are what stands between the house number and the unit;
/// there is at least one.
pub(super) fn write(words: &[Word<'_>], out: &mut String) {
    let (words, after) = take_after(words);
    let (before, words) = take_before(words);
    let (name, kind) = take_suffix(words);
    if let Some(before) = before {
        push(out, before.abbreviation);
    }
    write_name(name, kind.as_ref(), before.is_some(), after.is_some(), out);
    if let Some(kind) = kind {
        push(out, kind.abbreviation);
    }
    if let Some(after) = after {
        push(out, after.abbreviation);
    }
}

/// Whether words are no more than a suffix, such as `RD`: then what seemed to be the house number
/// is the street's name.
pub(super) fn is_only_suffix(words: &[Word<'_>]) -> bool {
    let (words, _) = take_after(words);
    matches!(words, [word] if suffix(word).is_some_and(|known| is_plain(known.abbreviation)))
}

/// A number after the street without a word before it, such as `350 5TH AVE 2A`: how many words the
/// street has then.
pub(super) fn trailing_number(words: &[Word<'_>]) -> Option<usize> {
    let (last, street) = words.split_last()?;
    if !has_digit(last) || ordinal::digits_of(last).is_some() || last.contains(['/', '.']) {
        return None;
    }
    let street = match street {
        [rest @ .., after] if rest.len() > 1 && directional(after).is_some() => rest,
        _ => street,
    };
    let (kind, name) = street.split_last()?;
    let named = name.iter().any(|word| directional(word).is_none());
    // roads are called by numbers: `FARM ROAD 12`
    let numbered = |known: Suffix| {
        !matches!(
            known.abbreviation,
            "RD" | "HWY" | "RTE" | "LOOP" | "SPUR" | "EXPY" | "FWY"
        )
    };
    (suffix(kind).is_some_and(numbered) && named).then_some(words.len() - 1)
}

/// Section 233.22: to the right of name and suffix.
fn take_after<'w, 'a>(words: &'w [Word<'a>]) -> (&'w [Word<'a>], Option<Directional>) {
    let [street @ .., last] = words else {
        return (words, None);
    };
    let Some(after) = directional(last) else {
        return (words, None);
    };
    // `AVENUE E` is named by a letter; `NORTH` and `N W` alone are the name
    if is_lettered(street, last) || street.iter().all(|word| directional(word).is_some()) {
        return (words, None);
    }
    match street {
        [rest @ .., first]
            if !is_lettered(rest, first) && !rest.is_empty() && combined(first, last).is_some() =>
        {
            (rest, combined(first, last))
        }
        _ => (street, Some(after)),
    }
}

/// Whether a letter is what a street such as `AVENUE E` is called: it follows a suffix that no name
/// precedes.
fn is_lettered(before: &[Word<'_>], letter: &str) -> bool {
    is_letter(letter) && matches!(before, [kind] if suffix(kind).is_some())
}

/// Sections 233.21 and 233.23: to the left of the name. The last directional is the name when only
/// a suffix follows.
fn take_before<'w, 'a>(words: &'w [Word<'a>]) -> (Option<Directional>, &'w [Word<'a>]) {
    let is_named = |rest: &[Word<'_>]| match rest {
        [] => false,
        [kind] => suffix(kind).is_none(),
        _ => true,
    };
    match words {
        // `N WEST TEMPLE`, half abbreviated: the spelled half is the name's
        [first, second, rest @ ..]
            if is_named(rest)
                && is_letter(first) == is_letter(second)
                && combined(first, second).is_some() =>
        {
            (combined(first, second), rest)
        }
        [first, rest @ ..] if is_named(rest) => match directional(first) {
            Some(before) => (Some(before), rest),
            None => (None, words),
        },
        _ => (None, words),
    }
}

/// Section 234.1: the last word, when a name precedes it.
fn take_suffix<'w, 'a>(words: &'w [Word<'a>]) -> (&'w [Word<'a>], Option<Suffix>) {
    let [name @ .., last] = words else {
        return (words, None);
    };
    let Some(kind) = suffix(last).filter(|_| !name.is_empty()) else {
        return (words, None);
    };
    // `THE CIRCLE`, `AVENUE OF THE PINES`, `LA VISTA`: the word belongs to its article
    let article = match name {
        [.., word] => matches!(
            word.as_ref(),
            "THE" | "OF" | "DE" | "DEL" | "LA" | "LAS" | "LOS" | "EL"
        ),
        [] => false,
    };
    if article && !(is_plain(kind.abbreviation) && name[0] != "THE")
        || spanish::owns(&name[0], kind.abbreviation)
    {
        return (words, None);
    }
    (name, Some(kind))
}

fn write_name(
    name: &[Word<'_>],
    kind: Option<&Suffix>,
    before: bool,
    after: bool,
    out: &mut String,
) {
    // section 235
    if let Some((number, used)) = ordinal::spelled(name)
        && used == name.len()
    {
        let digits = number.to_string();
        push(out, &digits);
        out.push_str(ordinal::ending(&digits));
        return;
    }
    if let ([digits], Some(kind)) = (name, kind)
        && is_digits(digits)
        && !matches!(kind.abbreviation, "RD" | "RDS" | "HWY" | "RTE" | "LOOP")
    {
        push(out, digits);
        out.push_str(ordinal::ending(digits));
        return;
    }
    let mut at = 0;
    while at < name.len() {
        // `5 TH AVE`, `21 ST ST`
        if let Some(next) = name.get(at + 1)
            && is_digits(&name[at])
            && ordinal::ending(&name[at]) == next
            && (matches!(next.as_ref(), "TH" | "ND") || at + 2 == name.len() && kind.is_some())
        {
            push(out, &name[at]);
            out.push_str(next);
            at += 2;
            continue;
        }
        push(out, written(name, at, kind, before, after));
        at += 1;
    }
}

/// How one word of a name is written.
fn written<'w>(
    name: &'w [Word<'_>],
    at: usize,
    kind: Option<&Suffix>,
    before: bool,
    after: bool,
) -> &'w str {
    let word = name[at].as_ref();
    let last = at + 1 == name.len();
    let next = name.get(at + 1).map_or("", AsRef::as_ref);
    // section 233.3: a directional inside of the name is spelled out, but a letter that names an
    // avenue, or the whole street
    if let Some(inside) = directional(word) {
        let letter = is_letter(word);
        let lettered = letter && at > 0 && suffix(&name[at - 1]).is_some();
        let spelled = match (at, last) {
            (0, true) => !letter,
            (0, false) => before,
            (_, true) => (kind.is_some() || after) && !lettered,
            (_, false) => false,
        };
        return if spelled { inside.spelled } else { word };
    }
    match word {
        // the ZIP+4 and City State files spell these out
        "ST" if is_saint(name, at) => return "SAINT",
        "MT" if at == 0 && !last && !has_digit(next) => return "MOUNT",
        "FT" if at == 0 && !last && !has_digit(next) => return "FORT",
        _ => {}
    }
    // `PR 1234` is a private road in Texas
    let Some(known) = suffix(word).filter(|_| word != "PR") else {
        return word;
    };
    // section 234.2: of two suffixes the first one is spelled out; and so is one that begins the
    // name: `AVENUE C`
    let first_of_two = last && kind.is_some() && word.len() < known.primary.len();
    let begins = at == 0
        && !last
        && (next == "OF" || name.len() == 2 && (is_letter(next) || has_digit(next)));
    let alone = last && at == 0 && kind.is_none();
    let numbered = at + 2 == name.len() && kind.is_none() && has_digit(next);
    if first_of_two || begins || alone || numbered {
        known.primary
    } else {
        word
    }
}

/// `ST` before a name is a saint; after one, a street.
fn is_saint(name: &[Word<'_>], at: usize) -> bool {
    let Some(next) = name.get(at + 1) else {
        return false;
    };
    if is_letter(next)
        || has_digit(next)
        || suffix(next).is_some() && at + 2 < name.len() && suffix(&name[at + 2]).is_some()
    {
        return false;
    }
    at == 0
        || matches!(
            name[at - 1].as_ref(),
            "OLD"
                | "NEW"
                | "LAKE"
                | "BAYOU"
                | "PORT"
                | "POINT"
                | "FORT"
                | "MOUNT"
                | "UPPER"
                | "LOWER"
                | "BIG"
                | "LITTLE"
                | "RUE"
                | "THE"
                | "OF"
                | "DE"
        )
}

fn push(out: &mut String, word: &str) {
    if !out.is_empty() {
        out.push(' ');
    }
    out.push_str(word);
}
