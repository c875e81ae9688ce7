//! Sources of facts about addresses: a geocoder and a map of who offers internet.
//!
//! [`FixedGeocoder`] and [`FixedBroadbandMap`] answer at once and always the same: for tests of
//! your own. [`SimGeocoder`] and [`SimBroadbandMap`] are those of a simulated world: they know a
//! [`Country`], fail, and keep others waiting.

mod country;
mod fixed;
mod simulated;

pub use country::{Country, coverage, data_set, geocoding};
pub use fixed::{FixedBroadbandMap, FixedGeocoder, candidate, provider};
pub use simulated::{Line, SimBroadbandMap, SimGeocoder, reach};
