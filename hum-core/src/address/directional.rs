//! The eight directionals (Publication 28, section 233).

/// `N`, `NORTHWEST` …
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Directional {
    pub abbreviation: &'static str,
    pub spelled: &'static str,
}

/// The directional that one word is.
pub(super) fn directional(word: &str) -> Option<Directional> {
    let (abbreviation, spelled) = match word {
        "N" | "NORTH" => ("N", "NORTH"),
        "S" | "SOUTH" => ("S", "SOUTH"),
        "E" | "EAST" => ("E", "EAST"),
        "W" | "WEST" => ("W", "WEST"),
        "NE" | "NORTHEAST" => ("NE", "NORTHEAST"),
        "NW" | "NORTHWEST" => ("NW", "NORTHWEST"),
        "SE" | "SOUTHEAST" => ("SE", "SOUTHEAST"),
        "SW" | "SOUTHWEST" => ("SW", "SOUTHWEST"),
        _ => return None,
    };
    Some(Directional {
        abbreviation,
        spelled,
    })
}

/// Two words that are one directional together, such as `NORTH EAST`; `None` for `NORTH SOUTH`
/// (section 233.23).
pub(super) fn combined(first: &str, second: &str) -> Option<Directional> {
    let spelled = match (
        directional(first)?.abbreviation,
        directional(second)?.abbreviation,
    ) {
        ("N", "E") => "NE",
        ("N", "W") => "NW",
        ("S", "E") => "SE",
        ("S", "W") => "SW",
        _ => return None,
    };
    directional(spelled)
}
