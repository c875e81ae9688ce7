//! US postal addresses: what a person types, and its one normal form after USPS Publication 28.
//!
//! Source: USPS Publication 28, "Postal Addressing Standards",
//! <https://pe.usps.com/text/pub28/welcome.htm>.
//!
//! Publication 28 often leaves the last word to the ZIP+4 file, which is not here. Where it does,
//! one form stands for all:
//!
//! | Typed | Normal form |
//! |---|---|
//! | `FIFTH AVE`, `5 AVE` | `5TH AVE`; but roads stay as they are: `25 RD` |
//! | `ST PAUL ST`, `MT VERNON AVE`, `FT WORTH` | `SAINT PAUL ST`, `MOUNT VERNON AVE`, `FORT WORTH` |
//! | `N AVE`, `NORTH AVE` | themselves: a letter may be the name, a word is spelled out |
//! | `N WEST TEMPLE` | itself; `NW` is only made of two words or two letters |
//! | `US 70`, `US RTE 70`, `US 70 HWY` | `US HIGHWAY 70` |
//! | `APT 4-B`, `123-A MAIN ST` | `APT 4B`, `123A MAIN ST`; between digits the hyphen stays |
//! | `2ND FLOOR` | `FL 2` |
//! | `APT 5 BLDG 3` | `BLDG 3 APT 5`, from the larger to the smaller |
//! | `A2`, `350 5TH AVE 2A` | `# A2`, `# 2A` |
//! | `PMB 23` or `PO BOX 45` beside a street | left out: a mailbox is no place |
//! | `COND ASHFORD PALACE 1234 AVE ASHFORD` | `1234 AVE ASHFORD` |
//!
//! Refused: addresses that are only a mailbox, general delivery or military mail, routes without a
//! box, and lines without a house number. What stands in a line and is not understood stays in it,
//! in capital letters.

mod city;
mod delivery_line;
mod directional;
mod fold;
mod highway;
mod house_number;
mod mailbox;
mod normalize;
mod ordinal;
mod rural_route;
mod spanish;
mod state;
mod street_name;
mod suffix;
mod unit;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use normalize::normalize;
pub use state::State;

/// An address as somebody typed it. Lengths and patterns are checked by [`normalize`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressInput {
    /// House number and street, such as `29090 Tiffany Drive E`. 1 to 100 characters.
    pub street1: String,
    /// Unit, such as `A2` or `Apt 4`. 1 to 50 characters.
    pub street2: Option<String>,
    /// 1 to 50 characters.
    pub city: Option<String>,
    /// Two capital letters: a state, DC or PR.
    pub state: Option<String>,
    /// `12345` or `12345-6789`.
    pub zip: Option<String>,
}

/// An address in its normal form: upper case, abbreviated, no punctuation but `/`, `-` and `.`
/// inside of numbers.
///
/// City, state and ZIP are there as far as somebody gave or found them. Two spellings of one
/// address normalize alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Address {
    /// The line above the street in Puerto Rico, where a street can be repeated inside of one ZIP
    /// code: `URB LAS GLADIOLAS` (Publication 28, section 292).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urbanization: Option<String>,
    /// The delivery address line without the unit: `29090 TIFFANY DR E`.
    pub street: String,
    /// Designator and number: `APT A2`, `# 4`, `REAR`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// `SOUTHFIELD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// `MI`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// Five digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zip5: Option<String>,
    /// The four digits of a ZIP+4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plus4: Option<String>,
}

/// One line: `29090 TIFFANY DR E APT A2, SOUTHFIELD, MI 48034`. What is not known is left out.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urbanization) = &self.urbanization {
            write!(f, "{urbanization}, ")?;
        }
        f.write_str(&self.street)?;
        if let Some(unit) = &self.unit {
            write!(f, " {unit}")?;
        }
        if let Some(city) = &self.city {
            write!(f, ", {city}")?;
        }
        match (self.state, &self.zip5) {
            (Some(state), Some(zip)) => write!(f, ", {} {zip}", state.as_str())?,
            (Some(state), None) => write!(f, ", {}", state.as_str())?,
            (None, Some(zip)) => write!(f, ", {zip}")?,
            (None, None) => {}
        }
        if let (Some(_), Some(plus4)) = (&self.zip5, &self.plus4) {
            write!(f, "-{plus4}")?;
        }
        Ok(())
    }
}

impl From<&Address> for AddressInput {
    /// The normal form as input: what [`normalize`] answers with the same address.
    fn from(address: &Address) -> Self {
        Self {
            street1: match &address.urbanization {
                Some(urbanization) if urbanization.starts_with("URB ") => {
                    format!("{} {urbanization}", address.street)
                }
                Some(urbanization) => format!("{} URB {urbanization}", address.street),
                None => address.street.clone(),
            },
            street2: address.unit.clone(),
            city: address.city.clone(),
            state: address.state.map(|state| state.as_str().to_owned()),
            zip: address.zip5.as_ref().map(|zip5| match &address.plus4 {
                Some(plus4) => format!("{zip5}-{plus4}"),
                None => zip5.clone(),
            }),
        }
    }
}

/// A part of an address that cannot be used, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidComponent {
    /// Which field of the input: `street1`, `street2`, `city`, `state`, `zip`.
    pub field: &'static str,
    /// For the person who typed it, to be read after the field's name: what is wrong; what to do.
    pub detail: String,
}
