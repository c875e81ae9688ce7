use super::fold::{fold, words};
use super::{
    Address, AddressInput, InvalidComponent, State, city, delivery_line, mailbox, spanish, unit,
};

/// Normalizes an address after USPS Publication 28.
///
/// Takes time in proportion to the length of the input. The normal form of a normal form is itself.
///
/// # Errors
/// Every component that cannot be used, each with what to do.
pub fn normalize(input: &AddressInput) -> Result<Address, Vec<InvalidComponent>> {
    let mut address = read(input, Some([100, 50, 50]))?;
    // What a sensible address says is clear after one reading. A few odd lines say something else
    // once the first reading has put their words in order; what they say in the end is their normal
    // form.
    for _ in 0..READINGS {
        let again = read(&AddressInput::from(&address), None)?;
        if again == address {
            break;
        }
        address = again;
    }
    Ok(address)
}

/// More than any line was ever seen to need.
const READINGS: usize = 8;

/// Reads an address once. `longest`: how many characters street1, street2 and city may have;
/// spelling out may make a normal form longer than what was typed.
fn read(
    input: &AddressInput,
    longest: Option<[usize; 3]>,
) -> Result<Address, Vec<InvalidComponent>> {
    let mut invalid = Vec::new();
    let [street1_most, street2_most, city_most] = longest.unwrap_or([usize::MAX; 3]);
    let street1 = text("street1", &input.street1, street1_most, &mut invalid);
    let street2 = input
        .street2
        .as_deref()
        .and_then(|typed| text("street2", typed, street2_most, &mut invalid));
    let city = input
        .city
        .as_deref()
        .and_then(|typed| text("city", typed, city_most, &mut invalid));
    let state = input
        .state
        .as_deref()
        .and_then(|typed| state(typed, &mut invalid));
    let zip = input
        .zip
        .as_deref()
        .and_then(|typed| zip(typed, &mut invalid));
    let city = city
        .map(|folded| city::city(&folded))
        .and_then(|city| usable_city(city, &mut invalid));
    complete(input, &mut invalid);

    let puerto_rico =
        state == Some(State::PuertoRico) || zip.is_some_and(|(zip5, _)| is_puerto_rican(zip5));
    let street1 = street1.unwrap_or_default();
    let line = match delivery_line::read(words(&street1), puerto_rico) {
        Ok(line) => Some(line),
        Err(problem) => {
            if invalid.iter().all(|known| known.field != "street1") {
                invalid.push(component("street1", problem));
            }
            None
        }
    };
    let second = street2.unwrap_or_default();
    let mut second_words = words(&second);
    let (Some(line), true) = (line, invalid.is_empty()) else {
        invalid.sort_by_key(|known| FIELDS.iter().position(|field| *field == known.field));
        return Err(invalid);
    };
    let mut units = line.units;
    let mut urbanization = line.urbanization;
    if second != street1 {
        mailbox::drop_beside(&mut second_words, 0);
        let (named, beside) =
            spanish::take_urbanization_beside(&mut second_words, puerto_rico).unzip();
        urbanization = urbanization.or(named);
        units.extend(unit::second_line(second_words));
        units.extend(beside.into_iter().flatten());
    }
    Ok(Address {
        urbanization,
        street: line.street,
        unit: unit::join(units),
        city,
        state,
        zip5: zip.map(|(zip5, _)| zip5.to_owned()),
        plus4: zip.and_then(|(_, plus4)| plus4.map(str::to_owned)),
    })
}

const FIELDS: [&str; 5] = ["street1", "street2", "city", "state", "zip"];

fn component(field: &'static str, detail: impl Into<String>) -> InvalidComponent {
    InvalidComponent {
        field,
        detail: detail.into(),
    }
}

/// The folded text of a field, or what is wrong with it.
fn text(
    field: &'static str,
    typed: &str,
    most: usize,
    invalid: &mut Vec<InvalidComponent>,
) -> Option<String> {
    let length = typed.chars().count();
    if typed.trim().is_empty() {
        let todo = match field {
            "street1" => "is empty; give house number and street, such as 29090 Tiffany Dr E",
            _ => "is empty; leave it out or fill it in",
        };
        invalid.push(component(field, todo));
        return None;
    }
    if length > most {
        invalid.push(component(
            field,
            format!("has {length} characters; shorten it to {most} at most"),
        ));
        return None;
    }
    if typed.chars().any(char::is_control) {
        invalid
            .push(component(field, "has a control character, such as a tab or a line break; write it in one line of plain text"));
        return None;
    }
    match fold(typed) {
        Ok(folded) => Some(folded),
        Err(character) => {
            let detail = format!(
                "has the character {character:?}, which no US address has; write it with letters from A to Z"
            );
            invalid.push(component(field, detail));
            None
        }
    }
}

fn usable_city(city: String, invalid: &mut Vec<InvalidComponent>) -> Option<String> {
    if city.is_empty() {
        invalid.push(component(
            "city",
            "has no letters; give the name of the city",
        ));
        return None;
    }
    if mailbox::is_military_city(&city) {
        invalid
            .push(component("city", "is for military or diplomatic mail; internet service goes to a building, so give its city"));
        return None;
    }
    Some(city)
}

fn state(typed: &str, invalid: &mut Vec<InvalidComponent>) -> Option<State> {
    let state = State::parse(typed);
    if state.is_none() {
        invalid.push(component(
            "state",
            "is not the two capital letters of a state, DC or PR; write it like MI",
        ));
    }
    state
}

/// Section 224: five digits, and the four of a ZIP+4.
fn zip<'a>(
    typed: &'a str,
    invalid: &mut Vec<InvalidComponent>,
) -> Option<(&'a str, Option<&'a str>)> {
    let digits = |part: &str, count: usize| {
        part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let parts = match typed.split_once('-') {
        Some((zip5, plus4)) if digits(zip5, 5) && digits(plus4, 4) => Some((zip5, Some(plus4))),
        None if digits(typed, 5) => Some((typed, None)),
        Some(_) | None => None,
    };
    if parts.is_none() {
        invalid.push(component(
            "zip",
            "is not a ZIP code; write five digits, or nine like 48034-1234",
        ));
    }
    parts
}

/// A street needs a ZIP code, or city and state, to be found.
fn complete(input: &AddressInput, invalid: &mut Vec<InvalidComponent>) {
    let detail = match (&input.zip, &input.city, &input.state) {
        (Some(_), _, _) | (None, Some(_), Some(_)) => return,
        (None, Some(_), None) => "is missing; give zip, or state beside the city",
        (None, None, Some(_)) => "is missing; give zip, or city beside the state",
        (None, None, None) => "is missing; give zip, or city and state",
    };
    invalid.push(component("zip", detail));
}

fn is_puerto_rican(zip5: &str) -> bool {
    matches!(&zip5[..3], "006" | "007" | "009")
}
