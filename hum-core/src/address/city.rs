//! City names, as the USPS City State file spells them (Publication 28, sections 221 to 223).

use super::directional::directional;
use super::fold::words;

/// `SAINT PAUL`, `FORT WORTH`, `MOUNT PLEASANT`, `EAST SAINT LOUIS`: spelled out, as the file has
/// them. Hyphens are spaces.
pub(super) fn city(folded: &str) -> String {
    let spaced = folded.replace(['-', '/', '.', '#'], " ");
    let words = words(&spaced);
    let mut city = String::with_capacity(spaced.len() + 12);
    for (at, word) in words.iter().enumerate() {
        let last = at + 1 == words.len();
        let spelled = match word.as_ref() {
            "ST" if !last => "SAINT",
            "STE" if !last => "SAINTE",
            "FT" if !last => "FORT",
            "MT" => "MOUNT",
            "N" | "S" | "E" | "W" if at == 0 && !last => {
                directional(word).map_or(word.as_ref(), |known| known.spelled)
            }
            _ => word.as_ref(),
        };
        if at > 0 {
            city.push(' ');
        }
        city.push_str(spelled);
    }
    city
}
