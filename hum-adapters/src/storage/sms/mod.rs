//! Texts: conversations, messages, attempts, and the one read that taking a text in needs.

mod attempt;
mod conversation;
mod inbound;
mod message;

pub(crate) use attempt::ATTEMPT;
pub(crate) use conversation::CONVERSATION;
pub(crate) use inbound::load_inbound;
