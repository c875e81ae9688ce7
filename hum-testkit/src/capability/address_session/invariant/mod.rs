//! INV-64 to INV-69.

pub(super) mod found;
pub(super) mod lifetime;
pub(super) mod token;

pub use found::Sources;
pub use lifetime::Lifetime;
pub use token::Token;
