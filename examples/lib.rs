//! Examples; see the `*.rs` files beside this one.
