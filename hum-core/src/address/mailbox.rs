//! Addresses where mail waits and nobody lives (Publication 28, sections 26, 28, 238 and 239).
//!
//! A line goes to a building. An address that is only a mailbox is refused; a mailbox beside a
//! street is left out, so that an address with and without it normalize alike.

use super::fold::{Word, has_digit, is_letter};

/// Why a delivery line that names only a mailbox cannot be used; `None` when it may name a
/// building.
pub(super) fn refusal(words: &[Word<'_>]) -> Option<&'static str> {
    if at_post_office(words) {
        return Some(
            "is a post office box; internet service goes to a building, so give its house number and street",
        );
    }
    if private(words).is_some() {
        return Some(
            "is a private mailbox; internet service goes to a building, so give its house number and street",
        );
    }
    if is_general_delivery(words) {
        return Some(
            "is general delivery; internet service goes to a building, so give its house number and street",
        );
    }
    if is_military(words) {
        return Some(
            "is a military or diplomatic mail unit; internet service goes to a building, so give its house number and street",
        );
    }
    None
}

/// Cities of military and diplomatic mail (section 225).
pub(super) fn is_military_city(city: &str) -> bool {
    matches!(city, "APO" | "FPO" | "DPO")
}

/// Takes mailboxes out of a line that has a street before them: `PMB 234`, `PO BOX 45`, `MSC 3`.
pub(super) fn drop_beside(words: &mut Vec<Word<'_>>, from: usize) {
    let mut at = from;
    while at < words.len() {
        let used = private(&words[at..]).or_else(|| box_words(&words[at..]));
        match used {
            Some(used) => drop(words.drain(at..at + used)),
            None => at += 1,
        }
    }
}

/// How many words a private mailbox or a mail stop takes (section 285).
fn private(words: &[Word<'_>]) -> Option<usize> {
    let first = words.first()?.as_ref();
    let head = match first {
        "PMB" | "MSC" | "MAILSTOP" => 1,
        "MAIL" if words.get(1).is_some_and(|word| word == "STOP") => 2,
        _ if first
            .strip_prefix("PMB")
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) =>
        {
            return Some(1);
        }
        _ => return None,
    };
    let sign = usize::from(words.get(head).is_some_and(|word| word == "#"));
    let number = words.get(head + sign)?;
    (has_digit(number) || is_letter(number)).then_some(head + sign + 1)
}

/// How many words `PO BOX 12` takes, in all its spellings; the number is needed.
fn box_words(words: &[Word<'_>]) -> Option<usize> {
    let head = box_head(words)?;
    let sign = usize::from(words.get(head).is_some_and(|word| word == "#"));
    let number = words.get(head + sign)?;
    (has_digit(number) || is_letter(number)).then_some(head + sign + 1)
}

fn box_head(words: &[Word<'_>]) -> Option<usize> {
    let word = |at: usize| words.get(at).map_or("", AsRef::as_ref);
    let office = match (word(0), word(1)) {
        ("POB" | "POBOX", _) => return Some(1),
        ("PO" | "GPO" | "CPO" | "P0", _) => 1,
        ("POSTOFFICE", _) => 1,
        ("P", "O") | ("POST", "OFFICE") => 2,
        _ => return None,
    };
    matches!(
        word(office),
        "BOX" | "BX" | "BOXES" | "DRAWER" | "BIN" | "LOCKBOX" | "CALLER"
    )
    .then_some(office + 1)
}

/// Section 281 and 283. A street that begins with such a word has its house number before it.
fn at_post_office(words: &[Word<'_>]) -> bool {
    let word = |at: usize| words.get(at).map_or("", AsRef::as_ref);
    if box_head(words).is_some() {
        return true;
    }
    let joined = |name: &str| {
        word(0)
            .strip_prefix(name)
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    if joined("POB") || joined("POBOX") || joined("BOX") {
        return true;
    }
    let head = match (word(0), word(1)) {
        ("FIRM", "CALLER")
        | ("LOCK", "BOX")
        | ("CALLER", "SERVICE" | "BOX" | "NO")
        | ("APARTADO", "POSTAL") => 2,
        ("BOX" | "CALLER" | "LOCKBOX" | "DRAWER" | "BIN" | "APARTADO", _) => 1,
        _ => return false,
    };
    let sign = usize::from(word(head) == "#");
    let number = word(head + sign);
    // `BOX 218 RR 1` is a rural route
    (has_digit(number) || is_letter(number)) && (words.len() == head + sign + 1 || word(0) != "BOX")
}

fn is_general_delivery(words: &[Word<'_>]) -> bool {
    matches!(
        (
            words.first().map(AsRef::as_ref),
            words.get(1).map(AsRef::as_ref)
        ),
        (Some("GENERAL" | "GEN"), Some("DELIVERY" | "DEL"))
    )
}

fn is_military(words: &[Word<'_>]) -> bool {
    let word = |at: usize| words.get(at).map_or("", AsRef::as_ref);
    match word(0) {
        "PSC" | "CMR" => has_digit(word(1)),
        "UNIT" | "OMC" => has_digit(word(1)) && word(2) == "BOX",
        "USS" | "USNS" | "USCGC" => words.len() > 1,
        "APO" | "FPO" | "DPO" => true,
        _ => false,
    }
}
