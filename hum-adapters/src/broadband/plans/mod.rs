//! The catalogue of plans: what providers sell, when and where. The FCC's availability data has no
//! prices.
//!
//! Plans come from files: our own as CSV or JSON ([`read`]), or the machine-readable broadband
//! labels that every provider must publish ([`label`]). Each import adds a version; nothing is
//! overwritten. What is answered for a time is worked out when it is asked: see [`catalogue`].

pub mod catalogue;
mod draft;
mod json;
pub mod label;
pub mod money;
pub mod read;
pub(super) mod state;
mod table;

pub use catalogue::{Catalogue, PLANS_FILE};
pub use read::{Defaults, PlanProblem, PlansError, PlansImport, PlansImported};
