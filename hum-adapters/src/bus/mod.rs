//! Wake-ups for waiting loops.

mod in_process;

pub use in_process::InProcessBus;
