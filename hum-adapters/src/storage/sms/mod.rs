//! Texts: conversations, messages, and the one read that taking a text in needs.

mod conversation;
mod inbound;
mod message;
mod outgoing;

pub(crate) use inbound::load_inbound;
