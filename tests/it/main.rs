//! Cross-crate tests.

#![forbid(unsafe_code)]

mod api;
mod architecture;
mod contract;
mod journey;
mod plans;
mod support;
