//! The embedded table: sorted lines, searched where they are. Nothing is built at the start.
//!
//! `data/zip/README.md` says where the lines come from.

use std::cmp::Ordering;

use hum_core::{address::State, geocode::Coordinates};

/// `48034\tMI\t42.4969\t-83.2910\t25\tSOUTHFIELD`, sorted by ZIP code.
const ZIPS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/zip/zip.tsv"));
/// Where in [`ZIPS`] the ZIP codes of each hundred begin, 1,001 lines of the same length: without
/// it, a search would touch twice as many cache lines.
const BY_PREFIX: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/data/zip/by-prefix.txt"
));
const BY_PREFIX_LINE: usize = "0000000\n".len();
/// The ZIP codes, sorted by state, city (letters and digits only) and ZIP code. Every line has the
/// same length.
const BY_CITY: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/zip/by-city.txt"));
const BY_CITY_LINE: usize = "48034\n".len();

/// A ZIP code.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) zip: &'static str,
    pub(super) state: State,
    /// As USPS writes it: `SAINT PAUL`.
    pub(super) city: &'static str,
    /// The middle of its area, or of its town.
    pub(super) center: Coordinates,
    /// How far from the middle an address of it may plausibly be.
    pub(super) reach_km: f64,
}

/// The place of a ZIP code.
pub(super) fn place(zip: &str) -> Option<Place> {
    // Only the beginnings of lines are compared: every line begins with five digits and a tab.
    let (bytes, wanted) = (ZIPS.as_bytes(), <[u8; 5]>::try_from(zip.as_bytes()).ok()?);
    let prefix: usize = zip.get(..3)?.parse().ok()?;
    // The line is not before `low` and begins before `high`.
    let (mut low, mut high) = (start_of(prefix)?, start_of(prefix + 1)?);
    while low < high {
        let middle = low + (high - low) / 2;
        let start = bytes[low..middle]
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(low, |newline| low + newline + 1);
        match bytes.get(start..start + wanted.len())?.cmp(&wanted) {
            Ordering::Equal => return parse(ZIPS[start..].lines().next()?),
            Ordering::Greater => high = start,
            Ordering::Less => {
                low = middle + bytes[middle..].iter().position(|byte| *byte == b'\n')? + 1
            }
        }
    }
    None
}

fn start_of(prefix: usize) -> Option<usize> {
    BY_PREFIX
        .get(prefix * BY_PREFIX_LINE..(prefix + 1) * BY_PREFIX_LINE)?
        .trim_end()
        .parse()
        .ok()
}

/// The places of a city, sorted by ZIP code. Spaces and punctuation in the name do not count:
/// `O'Fallon` is `O FALLON`.
pub(super) fn places(state: State, city: &str) -> impl Iterator<Item = Place> {
    // The first index whose city is not before the one asked for.
    let (mut low, mut high) = (0, BY_CITY.len() / BY_CITY_LINE);
    while low < high {
        let middle = low + (high - low) / 2;
        if by_city(middle).is_some_and(|place| compare(&place, state, city) == Ordering::Less) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    (low..)
        .map_while(by_city)
        .take_while(move |place| compare(place, state, city) == Ordering::Equal)
}

fn by_city(index: usize) -> Option<Place> {
    place(
        BY_CITY
            .get(index * BY_CITY_LINE..(index + 1) * BY_CITY_LINE)?
            .trim_end(),
    )
}

fn compare(place: &Place, state: State, city: &str) -> Ordering {
    place
        .state
        .as_str()
        .cmp(state.as_str())
        .then_with(|| letters(place.city).cmp(letters(city)))
}

/// The letters and digits of a name, capitals.
fn letters(name: &str) -> impl Iterator<Item = u8> {
    name.bytes()
        .filter(u8::is_ascii_alphanumeric)
        .map(|byte| byte.to_ascii_uppercase())
}

/// `None` for a malformed line; a test reads every line.
fn parse(line: &'static str) -> Option<Place> {
    let mut fields = line.split('\t');
    let zip = fields.next()?;
    let state = State::parse(fields.next()?)?;
    let center = Coordinates {
        latitude: fields.next()?.parse().ok()?,
        longitude: fields.next()?.parse().ok()?,
    };
    let reach_km = fields.next()?.parse().ok()?;
    let city = fields.next()?;
    fields.next().is_none().then_some(Place {
        zip,
        state,
        city,
        center,
        reach_km,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn all() -> Vec<Place> {
        ZIPS.lines()
            .map(|line| parse(line).unwrap_or_else(|| panic!("{line}")))
            .collect()
    }

    /// South, north, west and east; Alaska reaches over the 180th meridian.
    fn in_bounds(place: &Place) -> bool {
        let Coordinates {
            latitude,
            longitude,
        } = place.center;
        let (south, north, west, east) = match place.state {
            State::Alaska => (51.0, 71.6, -180.0, -129.0),
            State::Hawaii => (18.8, 28.6, -178.5, -154.7),
            State::PuertoRico => (17.8, 18.6, -68.0, -65.2),
            _ => (24.4, 49.5, -125.0, -66.8),
        };
        (south..=north).contains(&latitude)
            && ((west..=east).contains(&longitude)
                || place.state == State::Alaska && longitude > 172.0)
    }

    #[test]
    fn every_line_is_whole_sorted_and_in_the_country() {
        let all = all();
        assert!(ZIPS.ends_with('\n') && all.len() > 41_000, "{}", all.len());
        for place in &all {
            assert!(
                place.zip.len() == 5 && place.zip.bytes().all(|byte| byte.is_ascii_digit()),
                "{place:?}"
            );
            assert!(in_bounds(place), "{place:?}");
            assert!((25.0..=400.0).contains(&place.reach_km), "{place:?}");
            assert!(
                !place.city.is_empty()
                    && place.city.trim() == place.city
                    && !place.city.contains("  "),
                "{place:?}"
            );
            let is_plain =
                |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ';
            assert!(place.city.bytes().all(is_plain), "{place:?}");
            let first = place.city.split(' ').next();
            assert!(
                !matches!(first, Some("ST" | "FT" | "MT")),
                "spelled out: {place:?}"
            );
        }
        assert!(all.windows(2).all(|pair| pair[0].zip < pair[1].zip));
        for line in ZIPS.lines() {
            let decimals = line
                .split('\t')
                .skip(2)
                .take(2)
                .map(|number| number.split_once('.').unwrap().1.len());
            assert!(decimals.into_iter().all(|count| count == 4), "{line}");
        }
    }

    #[test]
    fn every_state_is_there() {
        let states: BTreeSet<State> = all().iter().map(|place| place.state).collect();
        assert_eq!(states, State::ALL.iter().copied().collect());
    }

    #[test]
    fn every_line_is_found() {
        for place in all() {
            assert_eq!(super::place(place.zip), Some(place));
        }
        for unknown in [
            "",
            "0",
            "00000",
            "48033a",
            "4803",
            "480340",
            "+4803",
            "99999",
            "\u{1f600}",
            "\u{1f600}0",
        ] {
            assert_eq!(super::place(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn every_city_is_found_with_all_its_zip_codes() {
        let mut of_city = BTreeMap::<(State, String), Vec<&str>>::new();
        for place in all() {
            let name = letters(place.city).map(char::from).collect();
            of_city
                .entry((place.state, name))
                .or_default()
                .push(place.zip);
        }
        for ((state, name), zips) in of_city {
            assert_eq!(
                places(state, &name)
                    .map(|place| place.zip)
                    .collect::<Vec<_>>(),
                zips,
                "{name}, {}",
                state.as_str()
            );
        }
        assert_eq!(BY_CITY.len(), BY_CITY_LINE * all().len());
    }

    #[test]
    fn punctuation_in_a_city_does_not_count() {
        let zips = |state, city| {
            places(state, city)
                .map(|place| place.zip)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            zips(State::Virginia, "MCLEAN"),
            zips(State::Virginia, "Mc Lean")
        );
        assert_eq!(zips(State::Missouri, "O'FALLON"), ["63366", "63368"]);
        assert_eq!(zips(State::Michigan, ""), Vec::<&str>::new());
        assert_eq!(zips(State::Michigan, "SOUTHFIELDS"), Vec::<&str>::new());
        assert_eq!(zips(State::Wyoming, "ZZZZ"), Vec::<&str>::new());
        assert_eq!(zips(State::Alaska, "AAAA"), Vec::<&str>::new());
    }
}
