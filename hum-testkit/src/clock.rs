//! Time that only moves when the world says so: the one clock of simulations, demos and tests.

pub use hum_adapters::clock::VirtualClock;
