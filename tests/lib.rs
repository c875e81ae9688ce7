//! Only the tests in `it/` live here.
