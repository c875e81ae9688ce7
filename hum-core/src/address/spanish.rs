//! Streets whose kind comes first, and the addresses of Puerto Rico (Publication 28, section 29,
//! appendices H and I).
//!
//! Nothing is translated: `CALLE` is never `ST`. Directionals are a part of the name. The
//! urbanization is kept, because a street and number can be repeated inside of one ZIP code. The
//! name of a condominium beside a house number and street is left out.

use std::borrow::Cow;

use super::fold::{Word, has_digit, without_loose_hyphens};
use super::house_number;
use super::unit::{self, Unit};

/// Whether a mainland street that begins with one word keeps another one as it is: `CALLE VISTA`,
/// but `CAMINO ALTO DR`.
pub(super) fn owns(first: &str, abbreviation: &str) -> bool {
    let kind_first = matches!(
        first,
        "CALLE"
            | "AVENIDA"
            | "CAMINO"
            | "CAMINITO"
            | "CALLEJON"
            | "CERRADA"
            | "CIRCULO"
            | "ENTRADA"
            | "PASEO"
            | "PASAJE"
            | "PLACITA"
            | "RANCHO"
            | "VEREDA"
            | "VIA"
    );
    kind_first && matches!(abbreviation, "VIS" | "PLZ" | "VIA" | "UN" | "RIV")
}

/// How a Puerto Rican street's kind is written; `None` when a word is no such kind.
fn kind(word: &str) -> Option<&'static str> {
    Some(match word {
        "CALLE" | "CLL" => "CALLE",
        "AVENIDA" | "AVENUE" | "AVE" | "AVDA" | "AV" => "AVE",
        "CARRETERA" | "CARR" | "CARRET" => "CARR",
        "BLVD" | "BOULEVARD" | "BULEVAR" => "BLVD",
        "CALETA" => "CALETA",
        "CALLEJON" => "CALLEJON",
        "CAMINITO" => "CAMINITO",
        "CAMINO" => "CAMINO",
        "MARGINAL" => "MARGINAL",
        "PARQUE" => "PARQUE",
        "PASAJE" => "PASAJE",
        "PASEO" => "PASEO",
        "PATIO" => "PATIO",
        "PLAZA" => "PLAZA",
        "RAMAL" => "RAMAL",
        "VEREDA" => "VEREDA",
        "VIA" => "VIA",
        "VISTA" => "VISTA",
        _ => return None,
    })
}

/// Takes the urbanization out of a line, wherever it stands but in the street's place
/// (`1234 URB LOS OLMOS`), and the units that follow it. Section 292.
pub(super) fn take_urbanization<'a>(words: &mut Vec<Word<'a>>) -> Option<(String, Vec<Unit<'a>>)> {
    let at = words.iter().position(|word| is_urbanization(word))?;
    let end = match at {
        0 => end_of_urbanization(words),
        1 => return None,
        _ => words.len(),
    };
    let mut name: Vec<_> = words.drain(at..end).skip(1).collect();
    let units = unit::split_off(&mut name, 1);
    Some((urbanization(&name)?, units))
}

/// The urbanization on the second line: everything from `URB` on, but units.
pub(super) fn take_urbanization_beside<'a>(
    words: &mut Vec<Word<'a>>,
    puerto_rico: bool,
) -> Option<(String, Vec<Unit<'a>>)> {
    let alone = |at: &usize| {
        puerto_rico
            && of_its_own(&words[*at]).is_some()
            && words
                .get(at + 1)
                .is_some_and(|next| !has_digit(next) && next != "#")
    };
    let (at, named) = match words.iter().position(|word| is_urbanization(word)) {
        Some(at) => (at, 1),
        None => ((0..words.len()).find(alone)?, 0),
    };
    let mut name: Vec<_> = words.drain(at..).skip(named).collect();
    let units = unit::split_off(&mut name, 1);
    Some((urbanization(&name)?, units))
}

/// Normal form of an urbanization from the words after `URB`; `None` when there are none.
fn urbanization(name: &[Word<'_>]) -> Option<String> {
    let (first, rest) = name.split_first()?;
    // names that stand alone, without `URB`
    let mut written = match of_its_own(first) {
        Some(kind) => kind.to_owned(),
        None => format!("URB {first}"),
    };
    for word in rest {
        written.push(' ');
        written.push_str(word);
    }
    Some(written)
}

/// A line that begins with a name of an urbanization that stands alone:
/// `EXT VISTA BELLA 7 CALLE 3`. Only for Puerto Rico.
pub(super) fn take_standing_alone(words: &mut Vec<Word<'_>>) -> Option<String> {
    of_its_own(words.first()?)?;
    let end = end_of_urbanization(words);
    if end < 2 || end >= words.len() {
        return None;
    }
    let name: Vec<_> = words.drain(..end).collect();
    urbanization(&name)
}

fn is_urbanization(word: &str) -> bool {
    matches!(word, "URB" | "URBANIZACION" | "URBANIZATION")
}

/// Where the name of an urbanization ends that begins the line: at the house number, or at the
/// street.
fn end_of_urbanization(words: &[Word<'_>]) -> usize {
    let street = (2..words.len()).find(|at| {
        kind(&words[*at])
            .is_some_and(|kind| !matches!(kind, "VISTA" | "PARQUE" | "PASEO" | "PLAZA"))
    });
    match street {
        Some(street) if street > 2 && house_number::is_one(&words[street - 1]) => street - 1,
        Some(street) => street,
        None => (2..words.len())
            .find(|at| has_digit(&words[*at]))
            .unwrap_or(words.len()),
    }
}

/// Names of urbanizations that need no `URB` before them.
fn of_its_own(word: &str) -> Option<&'static str> {
    Some(match word {
        "ALTURA" | "ALT" => "ALT",
        "ALTURAS" | "ALTS" => "ALTS",
        "BARRIADA" | "BDA" => "BDA",
        "BARRIO" | "BO" => "BO",
        "COLINAS" => "COLINAS",
        "COMUNIDAD" => "COMUNIDAD",
        "ESTANCIAS" | "EST" => "EST",
        "EXTENSION" | "EXT" => "EXT",
        "HACIENDA" => "HACIENDA",
        "JARDINES" | "JARD" => "JARD",
        "LOMAS" => "LOMAS",
        "MANSIONES" | "MANS" => "MANS",
        "PARCELAS" => "PARCELAS",
        "PORTALES" => "PORTALES",
        "QUINTAS" => "QUINTAS",
        "REPARTO" | "REPTO" => "REPTO",
        "RIBERAS" => "RIBERAS",
        "SECTOR" | "SECT" => "SECT",
        "TERRAZA" => "TERR",
        "VALLE" => "VALLE",
        "VILLA" => "VILLA",
        "VILLAS" => "VILLAS",
        _ => return None,
    })
}

/// A condominium or public housing that stands in the street's place, with its number if it has one
/// (appendix I).
pub(super) fn building(word: &str) -> Option<&'static str> {
    Some(match word {
        "COND" | "CONDOMINIO" => "COND",
        "RES" | "RESIDENCIAL" => "RES",
        _ => return None,
    })
}

/// Leaves out a building's name before the house number and street:
/// `COND ASHFORD PALACE 1234 AVE ASHFORD`.
pub(super) fn drop_building(words: &mut Vec<Word<'_>>) {
    if words.first().is_some_and(|word| building(word).is_some())
        && let Some(street) = (3..words.len()).find(|at| kind(&words[*at]).is_some())
        && house_number::is_one(&words[street - 1])
    {
        words.drain(..street - 1);
    }
}

/// Takes a house number that follows the street, as in `CALLE 1 A17`, off the line. Appendix I has
/// it before the street.
pub(super) fn take_number_after<'a>(words: &mut Vec<Word<'a>>) -> Option<Word<'a>> {
    kind(words.first()?)?;
    // the street keeps its kind and one word
    for at in 2..words.len() {
        if let Some(number) = house_number::block_and_house(&words[at..]) {
            words.truncate(at);
            return Some(number);
        }
    }
    None
}

/// `CARR 2 KM 4.5`: roads without house numbers are addressed by their kilometres. `KM 4 HM 5` is
/// `KM 4.5`.
pub(super) fn kilometre(words: &[Word<'_>]) -> Option<String> {
    let km = words.iter().position(|word| word == "KM")?;
    let kilometres = words.get(km + 1).filter(|word| has_digit(word))?;
    let tenths = words
        .get(km + 2)
        .filter(|word| *word == "HM")
        .and_then(|_| words.get(km + 3))
        .filter(|word| has_digit(word));
    let end = if tenths.is_some() { km + 4 } else { km + 2 };
    let road: Vec<_> = words[..km].iter().chain(&words[end..]).collect();
    if !matches!(road.first().map(|word| kind(word)), Some(Some("CARR"))) || road.len() < 2 {
        return None;
    }
    let mut written = format!("CARR {} KM {kilometres}", road[1]);
    if let Some(tenths) = tenths {
        written.push('.');
        written.push_str(tenths);
    }
    for word in &road[2..] {
        written.push(' ');
        written.push_str(word);
    }
    Some(written)
}

/// Writes a Puerto Rican street; `false`, and nothing written, when its kind does not come first.
pub(super) fn write(words: &[Word<'_>], out: &mut String) -> bool {
    let [first, rest @ ..] = words else {
        return false;
    };
    let (kind, rest) = match (kind(first).or_else(|| building(first)), rest) {
        (Some(kind), _) => (Cow::Borrowed(kind), rest),
        // `PR 176`
        (None, [number, ..]) if first == "PR" && has_digit(number) => (Cow::Borrowed("CARR"), rest),
        // `1234 URB LOS OLMOS`, `A17 URB JARDINES FAGOTA`
        (None, [name, rest @ ..]) if is_urbanization(first) => match of_its_own(name) {
            Some(kind) => (Cow::Borrowed(kind), rest),
            None => (Cow::Owned(format!("URB {name}")), rest),
        },
        (None, _) => return false,
    };
    // an avenue with an English name ends with its kind: `CARIBBEAN AVE` does not come here, `AVE`
    // alone does
    if rest.is_empty() && !kind.starts_with("URB") {
        return false;
    }
    for word in std::iter::once(kind.as_ref()).chain(rest.iter().map(AsRef::as_ref)) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&without_loose_hyphens(Cow::Borrowed(word)));
    }
    true
}
