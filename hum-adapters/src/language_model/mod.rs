//! Language models: a scripted one, and OpenAI's or whatever speaks its dialect.

pub mod openai;
mod scripted;

pub use openai::OpenAi;
pub use scripted::Scripted;
