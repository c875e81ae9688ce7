mod inbound;
mod sending;

pub use inbound::Threads;
pub use sending::{Acknowledged, Sending, Statuses};
