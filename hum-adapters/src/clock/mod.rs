//! Clocks: the system's, and one that only moves when it is told to.

mod system;
mod virtual_clock;

pub use system::SystemClock;
pub use virtual_clock::VirtualClock;
