//! Durable memory on two databases.
//!
//! A capability's records and reads are written once, in the file named like the capability, in the SQL that SQLite and
//! Postgres share. What a decision writes is never SQL at all: `op::lower` turns a batch into rows of tables, and each
//! engine applies them in its own fastest way (`sqlite`: one writer, many batches per fsync; `postgres`: many batches
//! per statement).
//!
//! To add a record kind: a `table::Table` and a `table::Stored` in the capability's file, an arm in
//! `op::lower`, the table in both migrations, a case in the contract suite.

mod access;
mod address_session;
mod audit;
mod consent;
mod event;
mod flow;
mod idempotency;
mod job;
mod migration;
mod number;
mod op;
mod organization;
mod postgres;
mod query;
mod sms;
mod sqlite;
mod system;
mod table;
mod turn;
mod value;
mod webhook;

pub use postgres::PostgresStore;
pub use sqlite::SqliteStore;
