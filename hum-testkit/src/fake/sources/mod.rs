//! Sources of facts about addresses: a geocoder and a map of who offers internet.
//!
//! [`FixedGeocoder`] and [`FixedBroadbandMap`] answer at once and always the same: for tests of your own.

mod fixed;

pub use fixed::{FixedBroadbandMap, FixedGeocoder, candidate, provider};
