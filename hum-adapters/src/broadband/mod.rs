//! The broadband map on this machine: who says that they serve a place (the FCC's availability
//! data), and what they sell (a catalogue of plans).
//!
//! # What the answers mean
//!
//! Providers report to the FCC where they could connect somebody within ten business days, and with
//! which speeds they advertise. Nobody measured it, and some of it is wrong. The public files name
//! locations by number, each with its census block and its H3 cell, but not their addresses. So hum
//! cannot know whether *this* address is served. It knows how many of the locations around it are:
//!
//! | Confidence | Meaning |
//! |---|---|
//! | `confirmed` | The provider reports every one of at least three locations in the block (or the cell) of the address. |
//! | `likely` | It reports half of them or more. |
//! | `unknown` | Fewer; or only in neighbouring cells; or not in the block, although that is known; or the place is the middle of a ZIP code. |
//!
//! `share_of_locations_served` is what was counted: locations that the provider reports for homes,
//! out of all locations that anybody reports for anything. Offers for businesses only
//! (`business_residential_code` B) are in the index and are not answered: those who ask are people
//! at home. Locations with nothing but such offers are counted among the known ones, which makes a
//! share too small rather than too large.
//!
//! Sources: "BDC Specifications for Data Downloads from the National Broadband Map", sections 3.1.1
//! and 3.2.1, <https://www.fcc.gov/sites/default/files/bdc-data-downloads-output.pdf>; 47 CFR
//! 1.7001 for what is reported.
//!
//! # Where things are
//!
//! A folder (`broadband` in the data directory) has `availability.idx` ([`index::format`]), written
//! by [`import`], and `plans.json` ([`plans::catalogue`]), written by [`plans::read`].
//! [`LocalBroadbandMap`] answers from both, and from the [`sample`] while there is no index.

mod durable;
pub mod import;
pub mod index;
mod map;
mod mapped_file;
pub mod plans;
mod query;
pub mod sample;
mod snapshot;
mod technology;
#[cfg(test)]
mod tests;
mod uuid;

pub use map::LocalBroadbandMap;
