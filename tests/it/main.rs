//! Cross-crate tests.

#![forbid(unsafe_code)]

mod api;
mod architecture;
mod bus;
mod contract;
mod journey;
mod overload;
mod plans;
mod scale;
mod support;
