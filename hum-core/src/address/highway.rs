//! Numbered roads: `COUNTY ROAD 441`, `INTERSTATE 680`, `KY HIGHWAY 189` (Publication 28, section
//! 237, appendix F).
//!
//! Their kind is a part of the name and spelled out, but `FM` and `RM`. `US 70`, `US ROUTE 70` and
//! `US HWY 70` are one road. `SR 220` is `STATE ROAD 220` and `SR MM` is `STATE ROUTE MM`, as the
//! appendix has them.

use super::State;
use super::directional::{combined, directional};
use super::fold::{Word, is_letter};
use super::ordinal;
use super::suffix::suffix;

/// What the number of a kind of road can be.
#[derive(Clone, Copy)]
enum Number {
    /// `441`, `60E`.
    Digits,
    /// Also `N` and `MM`, as counties and Missouri name theirs.
    Letters,
}

/// Writes the normal form of a numbered road, with its directionals; `false`, and nothing written,
/// when it is another street.
pub(super) fn write(words: &[Word<'_>], out: &mut String) -> bool {
    let mark = out.len();
    let used = head(words, false, out).or_else(|| {
        let (before, used) = match (words, words.first().and_then(|word| directional(word))) {
            ([first, second, ..], Some(_)) if combined(first, second).is_some() => {
                (combined(first, second)?, 2)
            }
            (_, Some(before)) => (before, 1),
            (_, None) => return None,
        };
        push(out, before.abbreviation);
        head(&words[used..], true, out).map(|more| used + more)
    });
    let Some(used) = used else {
        out.truncate(mark);
        return false;
    };
    tail(&words[used..], out);
    true
}

/// Whether words are a kind of road whose number is still to come: `COUNTY RD`, `# 441`.
pub(super) fn wants_number(words: &[Word<'_>]) -> bool {
    let words = if words
        .first()
        .is_some_and(|word| directional(word).is_some())
    {
        &words[1..]
    } else {
        words
    };
    let (_, state) = state(words).unwrap_or(("", 0));
    [0, state]
        .iter()
        .any(|from| kind(&words[*from..]).is_some_and(|(_, used, _)| from + used == words.len()))
}

/// Everything up to the number. After a directional, as in `NORTH HWY N`, a letter that is one too
/// names no road.
fn head(words: &[Word<'_>], directed: bool, out: &mut String) -> Option<usize> {
    let old = usize::from(words.first().is_some_and(|word| word == "OLD"));
    let rest = &words[old..];
    let (state, kind, kind_used, number) = match kind(rest) {
        Some((kind, used, number)) => ("", kind, used, number),
        None => {
            let (state, used) = state(rest)?;
            // Nebraska, or northeast
            let directional_alone = rest[0] == "NE";
            match kind_of_state(&rest[used..]) {
                Some((kind, more, number)) => (state, kind, used + more, number),
                None if directional_alone => return None,
                None => (state, "HIGHWAY", used, Number::Digits),
            }
        }
    };
    let mut at = kind_used;
    while matches!(
        rest.get(at).map(AsRef::as_ref),
        Some("#" | "NO" | "NUM" | "NUMBER")
    ) {
        at += 1;
    }
    let id = rest.get(at)?.as_ref();
    let fits = match number {
        _ if ordinal::digits_of(id).is_some() => false, // `NE 1ST`
        _ if directed && directional(id).is_some() => false,
        Number::Digits => is_route(id),
        Number::Letters => is_route(id) || is_letter(id) || is_doubled_letter(id),
    };
    if !fits {
        return None;
    }
    at += 1;
    // `US 70 HWY`
    if kind.ends_with("HIGHWAY")
        && matches!(rest.get(at).map(AsRef::as_ref), Some("HWY" | "HIGHWAY"))
    {
        at += 1;
    }
    let kind = if kind == "STATE ROAD OR ROUTE" {
        if is_route(id) {
            "STATE ROAD"
        } else {
            "STATE ROUTE"
        }
    } else {
        kind
    };
    if old == 1 {
        push(out, "OLD");
    }
    for part in [state, kind, id] {
        push(out, part);
    }
    Some(old + at)
}

fn kind_of_state(words: &[Word<'_>]) -> Option<(&'static str, usize, Number)> {
    kind(words).filter(|(kind, ..)| !matches!(*kind, "US HIGHWAY" | "INTERSTATE" | "ROAD"))
}

/// The kind of road that words begin with, and how many words that takes.
fn kind(words: &[Word<'_>]) -> Option<(&'static str, usize, Number)> {
    use Number::{Digits, Letters};
    let word = |at: usize| words.get(at).map_or("", AsRef::as_ref);
    let is_highway = |at: usize| matches!(word(at), "HWY" | "HIGHWAY" | "HIWAY");
    let is_road = |at: usize| matches!(word(at), "RD" | "ROAD");
    let is_route = |at: usize| matches!(word(at), "RT" | "RTE" | "ROUTE");
    let market = |at: usize| word(at) == "TO" && word(at + 1) == "MARKET";
    Some(match word(0) {
        "COUNTY" | "CNTY" | "CTY" | "CO" if is_highway(1) => ("COUNTY HIGHWAY", 2, Letters),
        "COUNTY" | "CNTY" | "CTY" | "CO" if is_road(1) => ("COUNTY ROAD", 2, Letters),
        "COUNTY" | "CNTY" | "CTY" | "CO" if is_route(1) => ("COUNTY ROUTE", 2, Letters),
        "CR" => ("COUNTY ROAD", 1, Letters),
        "STATE" | "ST" if is_highway(1) => ("STATE HIGHWAY", 2, Letters),
        "STATE" | "ST" if is_road(1) => ("STATE ROAD", 2, Letters),
        "STATE" | "ST" if is_route(1) => ("STATE ROUTE", 2, Letters),
        "SR" => ("STATE ROAD OR ROUTE", 1, Letters),
        "SH" => ("STATE HIGHWAY", 1, Digits),
        "TOWNSHIP" | "TWP" if is_road(1) => ("TOWNSHIP ROAD", 2, Letters),
        "TOWNSHIP" | "TWP" if is_highway(1) => ("TOWNSHIP HIGHWAY", 2, Letters),
        "TSR" => ("TOWNSHIP ROAD", 1, Digits),
        "TOWN" if is_road(1) => ("TOWN ROAD", 2, Digits),
        "PRIVATE" if is_road(1) => ("PRIVATE ROAD", 2, Digits),
        "PARK" if is_road(1) => ("PARK ROAD", 2, Digits),
        "FOREST" if is_road(1) => ("FOREST ROAD", 2, Digits),
        "FOREST" if word(1) == "SERVICE" && is_road(2) => ("FOREST SERVICE ROAD", 3, Digits),
        "RANCH" if market(1) => ("RM", 3 + usize::from(is_road(3)), Digits),
        "RANCH" if is_road(1) => ("RANCH ROAD", 2, Digits),
        "RR" => ("RANCH ROAD", 1, Digits),
        "RM" => ("RM", 1 + usize::from(is_road(1)), Digits),
        "FARM" if is_road(1) => ("FARM ROAD", 2, Digits),
        "FARM" if market(1) => ("FM", 3 + usize::from(is_road(3)), Digits),
        "FM" => ("FM", 1 + usize::from(is_road(1)), Digits),
        "HWY" | "HIGHWAY" | "HIWAY" if word(1) == "FM" => ("FM", 2, Digits),
        "HWY" | "HIGHWAY" | "HIWAY" => ("HIGHWAY", 1, Letters),
        "INTERSTATE" => (
            "INTERSTATE",
            1 + usize::from(is_highway(1) || is_route(1)),
            Digits,
        ),
        "I" | "IH" => ("INTERSTATE", 1 + usize::from(is_highway(1)), Digits),
        "US" => (
            "US HIGHWAY",
            1 + usize::from(is_highway(1) || is_route(1)),
            Digits,
        ),
        "RT" | "RTE" | "ROUTE" => ("ROUTE", 1, Letters),
        "RD" | "ROAD" => ("ROAD", 1, Digits),
        "EXPRESSWAY" | "EXPY" => ("EXPRESSWAY", 1, Digits),
        _ => return None,
    })
}

/// What follows the number: `SW`, `BYP`, `FRONTAGE RD`.
fn tail(words: &[Word<'_>], out: &mut String) {
    let (words, after) = match words {
        [rest @ .., first, second] if combined(first, second).is_some() => {
            (rest, combined(first, second))
        }
        [rest @ .., last] if directional(last).is_some() => (rest, directional(last)),
        _ => (words, None),
    };
    for (at, word) in words.iter().enumerate() {
        let written = match (suffix(word), word.as_ref()) {
            (_, "BUSINESS") => "BUS",
            (_, "ALTERNATE") => "ALT",
            (Some(known), _) if at + 1 == words.len() => known.abbreviation,
            // section 234.2: of two suffixes the first one is spelled out
            (Some(known), _) if at + 2 == words.len() && suffix(&words[at + 1]).is_some() => {
                known.primary
            }
            (_, as_it_is) => as_it_is,
        };
        push(out, written);
    }
    if let Some(after) = after {
        push(out, after.abbreviation);
    }
}

/// `441`, `60E`.
fn is_route(id: &str) -> bool {
    let digits = id.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && id.len() - digits <= 2 && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_doubled_letter(word: &str) -> bool {
    matches!(word.as_bytes(), [a, b] if a == b && a.is_ascii_uppercase())
}

fn push(out: &mut String, word: &str) {
    if !word.is_empty() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
}

/// The two letters of the state that words begin with, in full or abbreviated, and how many words
/// that takes. Appendix F abbreviates it before a road's kind or number. Not Puerto Rico, whose
/// roads have their own form.
fn state(words: &[Word<'_>]) -> Option<(&'static str, usize)> {
    let first = words.first()?;
    if first.len() == 2 {
        return State::parse(first)
            .filter(|state| *state != State::PuertoRico)
            .map(|state| (state.as_str(), 1));
    }
    let from = NAMES.partition_point(|(name, _)| *name < first.as_ref());
    NAMES[from..]
        .iter()
        .take_while(|(name, _)| name.starts_with(first.as_ref()))
        .find_map(|(name, abbreviation)| {
            let used = name.split(' ').count();
            (words.len() >= used && name.split(' ').zip(words).all(|(part, word)| part == word))
                .then_some((*abbreviation, used))
        })
}

/// Sorted by name.
static NAMES: &[(&str, &str)] = &[
    ("ALABAMA", "AL"),
    ("ALASKA", "AK"),
    ("ARIZONA", "AZ"),
    ("ARKANSAS", "AR"),
    ("CALIFORNIA", "CA"),
    ("COLORADO", "CO"),
    ("CONNECTICUT", "CT"),
    ("DELAWARE", "DE"),
    ("FLORIDA", "FL"),
    ("GEORGIA", "GA"),
    ("HAWAII", "HI"),
    ("IDAHO", "ID"),
    ("ILLINOIS", "IL"),
    ("INDIANA", "IN"),
    ("IOWA", "IA"),
    ("KANSAS", "KS"),
    ("KENTUCKY", "KY"),
    ("LOUISIANA", "LA"),
    ("MAINE", "ME"),
    ("MARYLAND", "MD"),
    ("MASSACHUSETTS", "MA"),
    ("MICHIGAN", "MI"),
    ("MINNESOTA", "MN"),
    ("MISSISSIPPI", "MS"),
    ("MISSOURI", "MO"),
    ("MONTANA", "MT"),
    ("NEBRASKA", "NE"),
    ("NEVADA", "NV"),
    ("NEW HAMPSHIRE", "NH"),
    ("NEW JERSEY", "NJ"),
    ("NEW MEXICO", "NM"),
    ("NEW YORK", "NY"),
    ("NORTH CAROLINA", "NC"),
    ("NORTH DAKOTA", "ND"),
    ("OHIO", "OH"),
    ("OKLAHOMA", "OK"),
    ("OREGON", "OR"),
    ("PENNSYLVANIA", "PA"),
    ("RHODE ISLAND", "RI"),
    ("SOUTH CAROLINA", "SC"),
    ("SOUTH DAKOTA", "SD"),
    ("TENNESSEE", "TN"),
    ("TEXAS", "TX"),
    ("UTAH", "UT"),
    ("VERMONT", "VT"),
    ("VIRGINIA", "VA"),
    ("WASHINGTON", "WA"),
    ("WEST VIRGINIA", "WV"),
    ("WISCONSIN", "WI"),
    ("WYOMING", "WY"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_name_in_order() {
        assert!(NAMES.is_sorted_by(|a, b| a.0 < b.0));
        let named = NAMES
            .iter()
            .filter(|(_, abbreviation)| State::parse(abbreviation).is_some())
            .count();
        assert_eq!(
            named,
            State::ALL.len() - 2,
            "all but DC and PR, which have no highways of that form"
        );
    }
}
