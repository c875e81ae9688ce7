//! Durable memory on two databases.
//!
//! What a record looks like is declared in core, beside the record; its writes and its read by key
//! follow from that (`table.rs`). What a capability reads besides is written once, in the file
//! named like the capability, in the SQL that SQLite and Postgres share. What a decision writes is
//! never SQL at all: `op::lower` turns a batch into rows of tables, and each engine applies them in
//! its own fastest way (`sqlite`: one writer, many batches per fsync; `postgres`: many batches per
//! statement).

mod address_session;
mod consent;
mod counter;
mod event;
mod explain;
mod flow;
mod job;
mod joined;
mod list;
mod migration;
mod op;
mod organization;
mod postgres;
mod query;
mod room;
mod schema;
mod sms;
mod sqlite;
mod system;
mod table;
mod turn;
mod webhook;

pub use explain::{Plan, Plans};
pub use postgres::PostgresStore;
pub use schema::{SchemaColumn, SchemaIndex};
pub use sqlite::SqliteStore;
