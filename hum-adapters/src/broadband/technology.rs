//! The FCC's technology codes.
//!
//! Source: "Fixed Technology Codes" of the FCC's help for the Broadband Data Collection,
//! <https://help.bdc.fcc.gov/hc/en-us/articles/5290793888795-Fixed-Technology-Codes>.

use hum_core::broadband::Technology;

/// The codes: other, copper, cable, fiber, geostationary and non-geostationary satellite, fixed
/// wireless over unlicensed, licensed and licensed-by-rule spectrum.
pub const CODES: [u8; 9] = [0, 10, 40, 50, 60, 61, 70, 71, 72];

/// What a code means; `None`: no code.
pub fn from_code(code: u8) -> Option<Technology> {
    Some(match code {
        0 => Technology::Other,
        10 => Technology::Dsl,
        40 => Technology::Cable,
        50 => Technology::Fiber,
        60 | 61 => Technology::Satellite,
        70 => Technology::FixedWireless,
        71 | 72 => Technology::LicensedFixedWireless,
        _ => return None,
    })
}
