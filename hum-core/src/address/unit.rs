//! Units inside of a building: `APT 4`, `FL 2`, `# A2` (Publication 28, section 213, appendix C2).

use std::borrow::Cow;

use super::directional::directional;
use super::fold::{Word, has_digit, is_digits, is_letter, without_loose_hyphens};
use super::{highway, ordinal, suffix::suffix};

/// One unit. A door can need several: `BLDG 3 APT 5`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit<'a> {
    /// `APT`; `#` when nobody said what it is; empty for words that are no unit of the table.
    designator: &'static str,
    /// `4`; empty for `REAR`.
    pub number: Word<'a>,
}

impl<'a> Unit<'a> {
    pub fn is_apartment(&self) -> bool {
        matches!(self.designator, "APT" | "#")
    }

    /// From the larger to the smaller, so that `APT 5, BLDG 3` and `BLDG 3 APT 5` are one door.
    fn rank(&self) -> u8 {
        match self.designator {
            "BLDG" | "HNGR" | "PIER" => 0,
            "FL" => 1,
            // after the others, or what follows would be taken for its number
            _ if self.number.is_empty() => 3,
            _ => 2,
        }
    }

    fn numberless(designator: &'static str) -> Self {
        Self {
            designator,
            number: Cow::Borrowed(""),
        }
    }
}

/// What a word of appendix C2 is written as, and whether a number must follow.
fn designator(word: &str) -> Option<(&'static str, bool)> {
    Some(match word {
        "APARTMENT" | "APARTAMENTO" | "APT" | "APTO" | "APMT" | "APPT" | "APTMT" => ("APT", true),
        "BASEMENT" | "BSMT" | "BSMNT" => ("BSMT", false),
        "BUILDING" | "BLDG" | "BLD" | "BLG" | "BLDNG" | "EDIFICIO" | "EDIF" => ("BLDG", true),
        "DEPARTMENT" | "DEPT" | "DPT" => ("DEPT", true),
        "FLOOR" | "FL" | "FLR" | "PISO" => ("FL", true),
        "FRONT" | "FRNT" => ("FRNT", false),
        "HANGAR" | "HANGER" | "HNGR" => ("HNGR", true),
        "KEY" => ("KEY", true),
        "LOBBY" | "LBBY" => ("LBBY", false),
        "LOT" => ("LOT", true),
        "LOWER" | "LOWR" | "LWR" => ("LOWR", false),
        "OFFICE" | "OFC" | "OFICINA" => ("OFC", false),
        "PENTHOUSE" | "PH" => ("PH", false),
        "PIER" => ("PIER", true),
        "REAR" => ("REAR", false),
        "ROOM" | "RM" => ("RM", true),
        "SIDE" => ("SIDE", false),
        "SLIP" => ("SLIP", true),
        "SPACE" | "SPC" => ("SPC", true),
        "STOP" => ("STOP", true),
        "SUITE" | "STE" | "SUIT" => ("STE", true),
        "TRAILER" | "TRLR" => ("TRLR", true),
        "UNIT" => ("UNIT", true),
        "UPPER" | "UPPR" | "UPR" => ("UPPR", false),
        _ => return None,
    })
}

/// Takes the units off the end of a delivery line, last one first in the line, and gives them in
/// its order.
///
/// `least` words are the street's in any case: a house number and a word of its name.
pub(super) fn split_off<'a>(words: &mut Vec<Word<'a>>, least: usize) -> Vec<Unit<'a>> {
    let mut units = Vec::new();
    while ends_empty(words, least) {
        words.pop();
    }
    while let Some((unit, left)) = last(words, least) {
        words.truncate(left);
        units.push(unit);
    }
    units.reverse();
    units
}

/// Takes a unit off the front, when a house number follows: `APT 5, 123 MAIN ST`.
pub(super) fn take_leading<'a>(words: &mut Vec<Word<'a>>) -> Option<Unit<'a>> {
    let starts_with_digit = |at: usize| {
        words
            .get(at)
            .is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit()))
    };
    let name = match words.first()?.as_ref() {
        "#" => "#",
        word => designator(word).filter(|(_, numbered)| *numbered)?.0,
    };
    let sign = usize::from(name != "#" && words.get(1).is_some_and(|word| word == "#"));
    if !starts_with_digit(sign + 2)
        || words.len() < sign + 4
        || !words
            .get(sign + 1)
            .is_some_and(|word| has_digit(word) || is_letter(word))
    {
        return None;
    }
    let number = words.drain(..sign + 2).next_back()?;
    Some(Unit {
        designator: name,
        number: without_loose_hyphens(number),
    })
}

/// The second line of an address: units, or words that stay as they are when nothing of the table
/// is among them.
pub(super) fn second_line(mut words: Vec<Word<'_>>) -> Vec<Unit<'_>> {
    if matches!(
        words.first().map(AsRef::as_ref),
        Some("ATTN" | "ATTENTION" | "CO")
    ) && words.len() > 1
        || matches!(words.as_slice(), [c, o, _, ..] if c == "C" && o == "O")
    {
        return Vec::new(); // a person, not a place (section 214)
    }
    let mut units = split_off(&mut words, 0);
    if words.is_empty() {
        return units;
    }
    let counts = |at: usize| {
        words
            .get(at + 1)
            .is_some_and(|word| has_digit(word) || is_letter(word))
    };
    let kept: Vec<_> = (0..words.len())
        .filter(|at| words[*at] != "#" || counts(*at))
        .collect();
    let mut words: Vec<_> = kept.into_iter().map(|at| words[at].clone()).collect();
    if words.len() > 1 && matches!(words[0].as_ref(), "NO" | "NUM" | "NUMBER") {
        words.remove(0);
    }
    let unit = match words.as_slice() {
        [] => return units,
        // section 213.2: the number sign, when it is not known what the number counts
        [number] if has_digit(number) || number.len() <= 2 => Unit {
            designator: "#",
            number: without_loose_hyphens(number.clone()),
        },
        [sign, number] if sign == "#" => Unit {
            designator: "#",
            number: without_loose_hyphens(number.clone()),
        },
        [first, second] if joins(first, second) => Unit {
            designator: "#",
            number: Cow::Owned(words.concat()),
        },
        _ => Unit {
            designator: "",
            number: Cow::Owned(words.join(" ")),
        },
    };
    units.insert(0, unit);
    units
}

/// The unit line of a normal form: without repetitions, from the larger to the smaller.
pub(super) fn join(mut units: Vec<Unit<'_>>) -> Option<String> {
    // `# 5` beside `APT 5` is the same door
    for at in (0..units.len()).rev() {
        let again = |(other_at, other): (usize, &Unit<'_>)| {
            other_at != at
                && other.number == units[at].number
                && (other.designator == units[at].designator && other_at < at
                    || units[at].designator == "#" && other.designator != "#")
        };
        if units.iter().enumerate().any(again) {
            units.remove(at);
        }
    }
    units.sort_by_key(Unit::rank);
    let mut line = String::new();
    for unit in &units {
        for part in [unit.designator, &unit.number] {
            if !part.is_empty() {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(part);
            }
        }
    }
    (!line.is_empty()).then_some(line)
}

/// Whether a line ends with a sign that counts nothing: `MAIN ST APT`, `MAIN ST #`.
fn ends_empty(words: &[Word<'_>], least: usize) -> bool {
    match words {
        [.., last] if last == "#" => true,
        [before @ .., last] => {
            let stood = |word: &Word<'_>| {
                suffix(word).is_some()
                    || directional(word).is_some()
                    || matches!(designator(word), Some((_, false)))
            };
            designator(last).is_some_and(|(name, _)| matches!(name, "APT" | "STE" | "UNIT" | "RM"))
                && (least == 0 || before.len() > least && before.last().is_some_and(stood))
        }
        [] => false,
    }
}

/// The unit that a line ends with, and how many words are left before it.
fn last<'a>(words: &[Word<'a>], least: usize) -> Option<(Unit<'a>, usize)> {
    let end = words.len();
    if end <= least {
        return None;
    }
    if let Some(found) = numbered(words, end - 1, words[end - 1].clone(), least) {
        return Some(found);
    }
    // `APT 4 B`
    if end >= least + 2
        && joins(&words[end - 2], &words[end - 1])
        && let Some(found) = numbered(words, end - 2, Cow::Owned(words[end - 2..].concat()), least)
    {
        return Some(found);
    }
    let word = words[end - 1].as_ref();
    match designator(word) {
        // `2ND FLOOR`, `SECOND FLOOR`, `10 FL`
        Some(("FL", _)) if end >= least + 2 => {
            let before = words[end - 2].as_ref();
            let number = match ordinal::spelled(&words[end - 2..end - 1]) {
                Some((number, _)) => Cow::Owned(number.to_string()),
                None => Cow::Owned(ordinal::digits_of(before).unwrap_or(before).to_owned()),
            };
            (is_digits(&number) && number.len() < 4).then_some((
                Unit {
                    designator: "FL",
                    number,
                },
                end - 2,
            ))
        }
        Some((name, false)) if least == 0 || stands_alone(name, words, least) => {
            Some((Unit::numberless(name), end - 1))
        }
        Some(_) => None,
        // `APT4`
        None => {
            let letters = word.bytes().take_while(u8::is_ascii_alphabetic).count();
            let (name, number) = word.split_at(letters);
            let (name, _) = designator(name).filter(|_| has_digit(number))?;
            let number = number.trim_start_matches('-').to_owned();
            Some((
                Unit {
                    designator: name,
                    number: without_loose_hyphens(Cow::Owned(number)),
                },
                end - 1,
            ))
        }
    }
}

/// The designator before a number that begins at word `at`.
fn numbered<'a>(
    words: &[Word<'a>],
    at: usize,
    number: Word<'a>,
    least: usize,
) -> Option<(Unit<'a>, usize)> {
    let mut head = at;
    let mut signed = false;
    while head > least && matches!(words[head - 1].as_ref(), "#" | "NO" | "NUM" | "NUMBER") {
        head -= 1;
        signed = signed || words[head] == "#";
    }
    if head > least
        && let Some((name, _)) = designator(&words[head - 1])
        && (least == 0 || head < at || is_number_of(name, &number, &words[..head - 1]))
    {
        let number = match ordinal::digits_of(&number) {
            Some(digits) if name == "FL" => Cow::Owned(digits.to_owned()),
            _ => number,
        };
        return Some((
            Unit {
                designator: name,
                number: without_loose_hyphens(number),
            },
            head - 1,
        ));
    }
    // `COUNTY RD # 441` is the road's number
    if signed
        && (has_digit(&number) || number.len() <= 2)
        && !(least > 0 && highway::wants_number(&words[1..head]))
    {
        return Some((
            Unit {
                designator: "#",
                number: without_loose_hyphens(number),
            },
            head,
        ));
    }
    None
}

/// Whether a word after a designator is its number and not a part of the street: `OLD PIER RD`,
/// `TREASURE KEY N`.
fn is_number_of(name: &str, number: &str, before: &[Word<'_>]) -> bool {
    if has_digit(number) {
        // a ZIP code or a house number is no floor
        return !(name == "FL" && number.len() > 3 && is_digits(number));
    }
    if suffix(number).is_some() || name == "KEY" {
        return false;
    }
    match name {
        "LOT" | "PIER" | "SLIP" | "STOP" | "SIDE" | "FRNT" | "LOWR" | "UPPR" | "SPC" => {
            is_letter(number) && directional(number).is_none()
        }
        "FL" | "BSMT" | "REAR" | "LBBY" | "PH" | "OFC" | "HNGR" => is_letter(number),
        _ => {
            number.len() <= 2
                || before
                    .last()
                    .is_some_and(|word| suffix(word).is_some() || directional(word).is_some())
        }
    }
}

/// Whether a designator without a number ends the line as a unit, and not as the street's name:
/// `BROADWAY REAR`, but `WATER FRONT`.
fn stands_alone(name: &str, words: &[Word<'_>], least: usize) -> bool {
    let end = words.len();
    match name {
        "SIDE" | "FRNT" | "LOWR" | "UPPR" | "OFC" => {
            let before = &words[end - 2];
            end >= least + 2
                && (suffix(before).is_some()
                    || directional(before).is_some()
                    || has_digit(before)
                    || is_letter(before)
                    || matches!(before.as_ref(), "TH" | "ND"))
        }
        _ => true,
    }
}

/// `4` and `B`, or `B` and `4`.
fn joins(first: &str, second: &str) -> bool {
    is_digits(first) && is_letter(second) || is_letter(first) && is_digits(second)
}
