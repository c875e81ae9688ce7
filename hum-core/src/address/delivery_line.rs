//! The line that says which building: house number, street, and units (Publication 28, section 23).

use std::borrow::Cow;

use super::fold::Word;
use super::rural_route::{self, Route};
use super::unit::{self, Unit};
use super::{highway, house_number, mailbox, spanish, street_name};

/// What a delivery line says.
pub(super) struct DeliveryLine<'a> {
    pub urbanization: Option<String>,
    pub street: String,
    pub units: Vec<Unit<'a>>,
}

/// Reads the words of a delivery line.
///
/// # Errors
/// What is wrong with it and what to do, to be read after the name of the field.
pub(super) fn read(
    mut words: Vec<Word<'_>>,
    puerto_rico: bool,
) -> Result<DeliveryLine<'_>, &'static str> {
    if let Some(refusal) = mailbox::refusal(&words) {
        return Err(refusal);
    }
    let (mut urbanization, beside) = spanish::take_urbanization(&mut words).unzip();
    let puerto_rico = puerto_rico || urbanization.is_some();
    if let Some(route) = rural_route::read(&words) {
        let Route::Box(street, mut rest) = route else {
            return Err("names a route and not a house on it; add the box, such as RR 2 BOX 152");
        };
        let mut units = unit::split_off(&mut rest, 0);
        units.extend(beside.into_iter().flatten());
        return Ok(DeliveryLine {
            urbanization,
            street,
            units,
        });
    }
    mailbox::drop_beside(&mut words, 2);
    let leading = unit::take_leading(&mut words);
    let mut units = unit::split_off(&mut words, 2);
    units.extend(leading);
    if units.len() > 1 {
        units.rotate_right(1); // what stood first in the line is first
    }
    units.extend(beside.into_iter().flatten());
    if words.len() > 2 && words[0] == "#" {
        words.remove(0); // `# 123 MAIN ST`
    }
    if puerto_rico {
        spanish::drop_building(&mut words);
        if urbanization.is_none() {
            urbanization = spanish::take_standing_alone(&mut words);
        }
        if let Some(street) = spanish::kilometre(&words) {
            return Ok(DeliveryLine {
                urbanization,
                street,
                units,
            });
        }
    }
    let number = match house_number::take(&mut words) {
        Some(number) => number,
        None if puerto_rico => number_elsewhere(&mut words, &mut units).ok_or(NO_NUMBER)?,
        None => return Err(NO_NUMBER),
    };
    let mut words = street_words(&words);
    if words.is_empty() {
        return Err(
            "has no street; write the street after the house number, such as 29090 Tiffany Dr E",
        );
    }
    if street_name::is_only_suffix(&words) {
        return Err(NO_NUMBER);
    }
    let mut street = String::with_capacity(48);
    street.push_str(&number);
    if !(puerto_rico && spanish::write(&words, &mut street) || highway::write(&words, &mut street))
    {
        if let Some(end) = street_name::trailing_number(&words) {
            let number: Vec<Word<'_>> = words
                .drain(end..)
                .map(|word| Cow::Owned(word.into_owned()))
                .collect();
            units.splice(0..0, unit::second_line(number));
        }
        street_name::write(&words, &mut street);
    }
    Ok(DeliveryLine {
        urbanization,
        street,
        units,
    })
}

const NO_NUMBER: &str = "has no house number; begin with it, such as 29090 Tiffany Dr E";

/// Puerto Rico: after the street, in the apartment of public housing, or `1` for a condominium that
/// has none (appendix I).
fn number_elsewhere<'a>(words: &mut Vec<Word<'a>>, units: &mut Vec<Unit<'a>>) -> Option<Word<'a>> {
    if let Some(number) = spanish::take_number_after(words) {
        return Some(number);
    }
    if words.len() < 2 {
        return None;
    }
    match spanish::building(&words[0])? {
        "RES" => {
            let at = units.iter().position(Unit::is_apartment)?;
            Some(units.remove(at).number)
        }
        _ => Some(Cow::Borrowed("1")),
    }
}

/// The words of a street: hyphens are spaces there (section 232), and `I10` is two words (appendix
/// F).
fn street_words<'w>(words: &'w [Word<'_>]) -> Vec<Word<'w>> {
    let mut split = Vec::with_capacity(words.len() + 2);
    for word in words.iter().filter(|word| *word != "#") {
        for part in word.split('-').filter(|part| !part.is_empty()) {
            let letters = part.bytes().take_while(u8::is_ascii_alphabetic).count();
            let (road, number) = part.split_at(letters);
            let joined = number.starts_with(|c: char| c.is_ascii_digit())
                && matches!(
                    road,
                    "I" | "IH"
                        | "US"
                        | "CR"
                        | "SR"
                        | "FM"
                        | "RM"
                        | "SH"
                        | "HWY"
                        | "RT"
                        | "RTE"
                        | "RR"
                        | "PR"
                );
            if joined {
                split.push(Cow::Borrowed(road));
            }
            split.push(Cow::Borrowed(if joined { number } else { part }));
        }
    }
    split
}
