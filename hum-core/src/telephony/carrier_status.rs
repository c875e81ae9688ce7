/// What the carrier says of a text. The order is the rank: a status never goes down, so the order
/// and repetition of callbacks do not matter (`docs/sending.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CarrierStatus {
    /// Taken, not queued yet; `scheduled` has the same rank.
    Accepted,
    /// In the carrier's queue.
    Queued,
    /// Going out.
    Sending,
    /// Handed to the next carrier.
    Sent,
    /// Canceled at the carrier.
    Canceled,
    /// Will not be sent.
    Failed,
    /// Did not arrive.
    Undelivered,
    /// Arrived.
    Delivered,
    /// Read.
    Read,
}

impl CarrierStatus {
    /// Every status, lowest rank first.
    pub const ALL: [Self; 9] = [
        Self::Accepted,
        Self::Queued,
        Self::Sending,
        Self::Sent,
        Self::Canceled,
        Self::Failed,
        Self::Undelivered,
        Self::Delivered,
        Self::Read,
    ];

    /// The carrier's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Canceled => "canceled",
            Self::Failed => "failed",
            Self::Undelivered => "undelivered",
            Self::Delivered => "delivered",
            Self::Read => "read",
        }
    }

    /// The reverse of [`CarrierStatus::as_str`]; `scheduled` is `accepted`.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "scheduled" {
            return Some(Self::Accepted);
        }
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Which final outcome this is; `read` is `delivered` seen later.
    pub(crate) fn terminal(self) -> Option<Self> {
        match self {
            Self::Accepted | Self::Queued | Self::Sending | Self::Sent => None,
            Self::Canceled | Self::Failed | Self::Undelivered | Self::Delivered => Some(self),
            Self::Read => Some(Self::Delivered),
        }
    }

    /// A failure that people should see.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Canceled | Self::Failed | Self::Undelivered)
    }
}

crate::kernel::record::field_by_name!(CarrierStatus);
