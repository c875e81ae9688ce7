//! Only the tests in `it/` live here.

#![forbid(unsafe_code)]
