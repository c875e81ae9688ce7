//! Cross-crate tests.
mod api;
mod architecture;
mod contract;
mod journey;
mod support;
