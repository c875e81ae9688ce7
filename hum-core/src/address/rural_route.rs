//! Rural routes and highway contract routes: `RR 2 BOX 152`, `HC 68 BOX 23A` (Publication 28,
//! sections 24 and 25, appendix I).
//!
//! Their boxes stand at houses, so they are places that can be served.

use super::fold::{Word, has_digit, without_loose_hyphens};

/// A line that is a route.
pub(super) enum Route<'a> {
    /// Its normal form, and the words after it. Of those only units matter: section 245 wants no
    /// street beside a route.
    Box(String, Vec<Word<'a>>),
    /// A route passes many houses: without a box it names none of them.
    NoBox,
}

/// The route that a line names; `None` when it names none.
pub(super) fn read<'a>(words: &[Word<'a>]) -> Option<Route<'a>> {
    // `BOX 218 RR 1`
    if let Some((number, used)) = box_number(words)
        && let Some((kind, route, also)) = route(&words[used..])
    {
        return Some(Route::Box(
            format!("{kind} {route} BOX {number}"),
            words[used + also..].to_vec(),
        ));
    }
    let (kind, route, used) = route(words)?;
    match box_number(&words[used..]) {
        Some((number, also)) => Some(Route::Box(
            format!("{kind} {route} BOX {number}"),
            words[used + also..].to_vec(),
        )),
        // `RD` and `ROUTE` are also what roads are called
        None if matches!(words[0].as_ref(), "RD" | "RT" | "RTE" | "ROUTE" | "SR") => None,
        None => Some(Route::NoBox),
    }
}

/// `RR` or `HC`, the route's number without leading zeros, and how many words that took.
fn route(words: &[Word<'_>]) -> Option<(&'static str, String, usize)> {
    let word = |at: usize| words.get(at).map_or("", AsRef::as_ref);
    for (kind, name) in [("RR", "RR"), ("RR", "RFD"), ("HC", "HCR"), ("HC", "HC")] {
        if let Some(number) = word(0)
            .strip_prefix(name)
            .filter(|number| number.starts_with(|c: char| c.is_ascii_digit()))
        {
            return Some((kind, significant(number), 1));
        }
    }
    let is_route = |at: usize| matches!(word(at), "ROUTE" | "RTE" | "RT");
    let (kind, head) = match (word(0), word(1)) {
        ("R", "R") => ("RR", 2),
        ("RR" | "RFD" | "RD", _) if is_route(1) => ("RR", 2),
        ("RR" | "RFD" | "RD" | "RT" | "RTE" | "ROUTE", _) => ("RR", 1),
        ("RURAL", _) if is_route(1) => ("RR", 2),
        ("RUTA", "RURAL") => ("RR", 2),
        ("RUTA", "ESTRELLA") => ("HC", 2),
        ("STAR", _) if is_route(1) => ("HC", 2),
        ("HIGHWAY" | "HWY", "CONTRACT") if is_route(2) => ("HC", 3),
        ("HIGHWAY" | "HWY", "CONTRACT") | ("H", "C") => ("HC", 2),
        ("HC" | "HCR", _) if is_route(1) => ("HC", 2),
        ("HC" | "HCR" | "SR", _) => ("HC", 1),
        _ => return None,
    };
    let head = head + signs(&words[head..]);
    let number = words.get(head).filter(|number| has_digit(number))?;
    Some((kind, significant(number), head + 1))
}

/// `BOX 12`, `BZN 12`, `# 12`: the number, and how many words that took.
fn box_number<'a>(words: &[Word<'a>]) -> Option<(Word<'a>, usize)> {
    let named = usize::from(matches!(
        words.first()?.as_ref(),
        "BOX" | "BX" | "BUZON" | "BZN"
    ));
    let head = named + signs(&words[named..]);
    let number = words
        .get(head)
        .filter(|number| head > 0 && has_digit(number))?;
    Some((without_loose_hyphens(number.clone()), head + 1))
}

/// `#`, `NO`, `NUMBER`: words that a number needs not.
fn signs(words: &[Word<'_>]) -> usize {
    words
        .iter()
        .take_while(|word| matches!(word.as_ref(), "#" | "NO" | "NUM" | "NUMBER" | "NUMERO"))
        .count()
}

/// Sections 242 and 252: no leading zeros.
fn significant(number: &str) -> String {
    match number.trim_start_matches('0') {
        "" => "0".to_owned(),
        significant => significant.to_owned(),
    }
}
