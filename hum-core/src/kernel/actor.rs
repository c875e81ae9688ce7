//! Who did something.

use std::fmt;

use super::id::{ApiKeyId, PersonId};

/// Who acts, as audit rows name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A person who signed in.
    Person(PersonId),
    /// A system that presented an API key.
    Key(ApiKeyId),
    /// hum itself: the command line, the demo, jobs.
    System,
    /// Somebody at the other end of the line.
    Contact,
}

impl Actor {
    /// The key that was presented, if one was.
    pub fn key(self) -> Option<ApiKeyId> {
        match self {
            Self::Key(key) => Some(key),
            Self::Person(_) | Self::System | Self::Contact => None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(person) => person.fmt(f),
            Self::Key(key) => key.fmt(f),
            Self::System => f.write_str("system"),
            Self::Contact => f.write_str("contact"),
        }
    }
}
