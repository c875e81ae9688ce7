//! Wake-ups for waiting loops: of one process, and of all processes on one Postgres.

mod in_process;
mod postgres;
mod signals;

pub use in_process::InProcessBus;
pub use postgres::PostgresBus;
