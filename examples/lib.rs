//! Examples; see the `*.rs` files beside this one.

#![forbid(unsafe_code)]
