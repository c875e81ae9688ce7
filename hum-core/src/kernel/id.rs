//! Typed ids: a prefix that names the kind, then a ULID made from the clock and entropy ports.
//!
//! Ids are made in core, never by an adapter or a database, so a seed replays them exactly.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use ulid::Ulid;

use super::{clock::Timestamp, entropy::Entropy, record::field_by_text};

/// The text is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind; one looks like {prefix}01HVN2M7Q0R5T8W3XYZABCDEFG")]
pub struct NotAnId {
    /// What ids of this kind start with.
    pub prefix: &'static str,
}

/// A kind of id.
pub trait Id: FromStr + Send {
    /// What it names, as people are told when there is none: `flow`.
    const KIND: &'static str;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Ulid);

        impl $name {
            /// What ids of this kind start with.
            pub const PREFIX: &'static str = $prefix;

            /// A new id; sorts by time, in text and in the databases.
            pub fn new(now: Timestamp, entropy: &dyn Entropy) -> Self {
                Self(Ulid::from_parts(now.as_millis(), u128::from_le_bytes(entropy.bytes())))
            }
        }

        impl Id for $name {
            const KIND: &'static str = $kind;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let body = text.strip_prefix($prefix).ok_or(NotAnId { prefix: $prefix })?;
                let ulid = Ulid::from_string(body).map_err(|_| NotAnId { prefix: $prefix })?;
                // One spelling per id, so that text comparison in a database is enough.
                if ulid.to_string() == body { Ok(Self(ulid)) } else { Err(NotAnId { prefix: $prefix }) }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        field_by_text!($name, |entropy| Self::new(Timestamp::sample(entropy), entropy));

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// An address session; not its token.
    AddressSessionId "ses_" "address session";
    /// An API key.
    ApiKeyId "key_" "API key";
    /// One try at handing a message to the carrier.
    AttemptId "att_" "attempt";
    /// An audit row.
    AuditId "aud_" "audit row";
    /// A conversation with one contact on one number.
    ConversationId "cnv_" "conversation";
    /// One event on its way to one webhook.
    DeliveryId "dlv_" "delivery";
    /// An event.
    EventId "evt_" "event";
    /// A flow (an AI agent).
    FlowId "flow_" "flow";
    /// A job.
    JobId "job_" "job";
    /// A message.
    MessageId "msg_" "message";
    /// A phone number of an organization.
    NumberId "num_" "number";
    /// An organization, the tenant.
    OrgId "org_" "organization";
    /// A person who can sign in.
    PersonId "per_" "person";
    /// A message template.
    TemplateId "tpl_" "template";
    /// One AI turn.
    TurnId "trn_" "turn";
    /// A customer's webhook endpoint.
    WebhookId "whk_" "webhook";
}

/// The job that an event causes needs no chance of its own.
impl From<EventId> for JobId {
    fn from(event: EventId) -> Self {
        Self(event.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Zero;
    impl Entropy for Zero {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    #[test]
    fn round_trips_and_keeps_kinds_apart() {
        let id = FlowId::new(Timestamp::from_micros(1_767_225_600_000_000), &Zero);
        assert_eq!(id.to_string().parse::<FlowId>().unwrap(), id);
        assert!(id.to_string().parse::<NumberId>().is_err());
        assert!(id.to_string().to_lowercase().parse::<FlowId>().is_err());
        assert!("flow_".parse::<FlowId>().is_err());
        assert!("flow_\0".parse::<FlowId>().is_err());
    }
}
