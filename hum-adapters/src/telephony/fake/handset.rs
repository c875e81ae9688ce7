use hum_core::{clock::Timestamp, number::E164};

use super::Text;

/// Which way a text went, seen from the handset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The handset received it.
    Received,
    /// It was written on the handset.
    Written,
}

/// A text on a handset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandsetText {
    /// When the carrier took it.
    pub at: Timestamp,
    /// Sender.
    pub from: E164,
    /// Recipient.
    pub to: E164,
    /// The text.
    pub body: String,
    /// Which way.
    pub direction: Direction,
    /// The carrier's id.
    pub sid: String,
    /// The carrier wrote it by itself, in answer to a keyword.
    pub automatic: bool,
}

impl HandsetText {
    /// As it is seen on the handset of this number, if it is.
    pub fn of(text: &Text, number: &E164) -> Option<Self> {
        // Texts to and from hum's own numbers are seen on the other end only.
        let direction = match text.handset() {
            handset if handset != number || !text.arrives => return None,
            _ if text.inbound => Direction::Written,
            _ => Direction::Received,
        };
        Some(Self {
            at: text.at,
            from: text.from.clone(),
            to: text.to.clone(),
            body: text.shown(),
            direction,
            sid: text.sid.clone(),
            automatic: text.automatic,
        })
    }
}
