use async_trait::async_trait;
use serde_json::{Value, json};

use crate::{
    kernel::{
        clock::Timestamp,
        decide::Moment,
        entropy::Entropy,
        error::Error,
        id::{ConversationId, MessageId, OrgId, TurnId},
        named::named,
        page::{Page, Paged},
        record::{Column, Fields, Reader, Writer, record},
        store::StoreError,
    },
    telephony::{CarrierStatus, InboundSms, StatusCallback},
};

use super::{CarrierFacts, Conversation, SendAttempt};

record! {
    /// One text, in or out.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Message in "message" {
        /// Whose.
        key pub org: OrgId => "org_id",
        /// Which.
        key pub id: MessageId => "id",
        /// Where.
        fixed pub conversation: ConversationId => "conversation_id",
        /// Gap-free in the conversation, from 1.
        fixed pub seq: i64 => "seq",
        /// In or out.
        fixed pub direction: Direction => "direction",
        /// Who wrote it.
        fixed pub source: Source => "source",
        /// The text.
        fixed pub body: String => "body",
        /// URLs of attached media.
        fixed_json pub media: Vec<String> => "media",
        /// Where it stands, and what the carrier said of it.
        group standing: Standing => ..,
        /// Why it failed or was withheld, for people.
        column detail: Option<String> => "detail",
        /// The turn that wrote it.
        fixed pub turn: Option<TurnId> => "turn_id",
        /// The message that this one repeats, by somebody's decision.
        fixed pub resend_of: Option<MessageId> => "resend_of",
        /// When it was stored.
        fixed pub created_at: Timestamp => "created_at",
        /// When anything about it last changed.
        column updated_at: Timestamp => "updated_at",
        /// Store version.
        version pub version: i64 => "version",
    }
    unique { ["org_id", "conversation_id", "seq"] ["org_id", "carrier_sid"] }
}

named! {
    /// In or out.
    pub enum Direction {
        /// From the contact.
        Inbound = "inbound",
        /// To the contact.
        Outbound = "outbound",
    }
}

named! {
    /// Who wrote a text.
    pub enum Source {
        /// The contact.
        Contact = "contact",
        /// An agent.
        Ai = "ai",
        /// A person of the organization; pauses the agent.
        Human = "human",
        /// The organization's own system.
        Api = "api",
        /// hum itself: the one confirmation of a keyword.
        Confirmation = "confirmation",
    }
}

/// Where a text stands: first in hum's hands, then in the carrier's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageStatus {
    /// Came in.
    Received,
    /// To be sent.
    Queued,
    /// The carrier is being called.
    Dispatching,
    /// The carrier did not answer: it may have left. Never sent again by itself.
    InDoubt,
    /// Not sent: the contact is opted out. The carrier was not called.
    OptedOut,
    /// Not sent, and the carrier was not called: canceled, a person was faster than the agent, too
    /// late, too many today, or no carrier account. `detail` says which.
    Withheld,
    /// The carrier has it, or refused it definitely (`Failed`).
    Carrier(CarrierStatus),
}

/// Those that are hum's own.
const OWN: [MessageStatus; 6] = [
    MessageStatus::Received,
    MessageStatus::Queued,
    MessageStatus::Dispatching,
    MessageStatus::InDoubt,
    MessageStatus::OptedOut,
    MessageStatus::Withheld,
];

impl MessageStatus {
    /// The name that is stored and shown. The carrier's own `queued` is shown as `accepted`, since
    /// hum has a `queued` too.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Queued => "queued",
            Self::Dispatching => "dispatching",
            Self::InDoubt => "in_doubt",
            Self::OptedOut => "opted_out",
            Self::Withheld => "withheld",
            Self::Carrier(CarrierStatus::Accepted | CarrierStatus::Queued) => "accepted",
            Self::Carrier(status) => status.as_str(),
        }
    }

    /// Every name that [`MessageStatus::as_str`] gives.
    pub const NAMES: [&'static str; 14] = [
        "received",
        "queued",
        "dispatching",
        "in_doubt",
        "opted_out",
        "withheld",
        "accepted",
        "sending",
        "sent",
        "canceled",
        "failed",
        "undelivered",
        "delivered",
        "read",
    ];

    /// Whether nothing more is expected.
    pub fn is_settled(self) -> bool {
        match self {
            Self::Received | Self::OptedOut | Self::Withheld => true,
            Self::Queued | Self::Dispatching | Self::InDoubt => false,
            Self::Carrier(status) => status.terminal().is_some(),
        }
    }

    /// The reverse of [`MessageStatus::as_str`]; what the carrier said exactly is in its own
    /// column.
    fn parse(shown: &str, carrier: Option<CarrierStatus>) -> Option<Self> {
        if let Some(own) = OWN.into_iter().find(|own| own.as_str() == shown) {
            return Some(own);
        }
        let exact = carrier
            .map(Self::Carrier)
            .filter(|status| status.as_str() == shown);
        // The shown name of a refusal that came without a callback stands for itself.
        exact.or_else(|| CarrierStatus::parse(shown).map(Self::Carrier))
    }
}

/// Where a text stands, and what the carrier said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Standing {
    status: MessageStatus,
    carrier: CarrierFacts,
}

impl Fields for Standing {
    const COLUMNS: &'static [Column] = &{
        let mut columns = [Column::of::<String>("status"); 1 + CarrierFacts::COLUMNS.len()];
        let mut nth = 0;
        while nth < CarrierFacts::COLUMNS.len() {
            columns[nth + 1] = CarrierFacts::COLUMNS[nth];
            nth += 1;
        }
        columns
    };

    fn write(&self, row: &mut Writer) {
        row.put_value(self.status.as_str());
        self.carrier.write(row);
    }

    fn read(row: &mut Reader) -> Result<Self, StoreError> {
        let shown: String = row.take()?;
        let carrier = CarrierFacts::read(row)?;
        let status = MessageStatus::parse(&shown, carrier.status)
            .ok_or_else(|| row.corrupt("unknown name in status"))?;
        Ok(Self { status, carrier })
    }

    fn sample(entropy: &dyn Entropy) -> Self {
        let carrier = CarrierFacts::sample(entropy);
        let nth = usize::try_from(entropy.below(OWN.len() as u64)).unwrap_or(0);
        let status = carrier.status.map_or(OWN[nth], MessageStatus::Carrier);
        Self { status, carrier }
    }
}

impl Message {
    /// A text that is to be sent.
    pub fn outbound(
        conversation: &Conversation,
        seq: i64,
        source: Source,
        body: String,
        moment: Moment<'_>,
    ) -> Self {
        Self {
            org: conversation.org,
            id: MessageId::new(moment.now, moment.entropy),
            conversation: conversation.id,
            seq,
            direction: Direction::Outbound,
            source,
            body,
            media: Vec::new(),
            standing: Standing {
                status: MessageStatus::Queued,
                carrier: CarrierFacts::default(),
            },
            detail: None,
            turn: None,
            resend_of: None,
            created_at: moment.now,
            updated_at: moment.now,
            version: 0,
        }
    }

    /// A text that came in.
    pub fn inbound(
        conversation: &Conversation,
        seq: i64,
        sms: &InboundSms,
        moment: Moment<'_>,
    ) -> Self {
        let carrier = CarrierFacts {
            sid: Some(sms.sid.clone()),
            ..CarrierFacts::default()
        };
        Self {
            direction: Direction::Inbound,
            media: sms.media.clone(),
            standing: Standing {
                status: MessageStatus::Received,
                carrier,
            },
            ..Self::outbound(conversation, seq, Source::Contact, sms.body.clone(), moment)
        }
    }

    /// Written by a turn.
    pub fn of_turn(self, turn: TurnId) -> Self {
        Self {
            turn: Some(turn),
            ..self
        }
    }

    /// With media attached.
    pub fn with_media(self, media: Vec<String>) -> Self {
        Self { media, ..self }
    }

    /// Where it stands.
    pub fn status(&self) -> MessageStatus {
        self.standing.status
    }

    /// What the carrier said of it.
    pub fn carrier(&self) -> &CarrierFacts {
        &self.standing.carrier
    }

    /// Why it failed or was withheld, for people.
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// When anything about it last changed.
    pub fn updated_at(&self) -> Timestamp {
        self.updated_at
    }

    fn becomes(self, status: MessageStatus, detail: Option<String>, now: Timestamp) -> Self {
        Self {
            standing: Standing {
                status,
                ..self.standing
            },
            detail,
            updated_at: now,
            ..self
        }
    }

    /// Will never be handed to the carrier, by somebody's decision; `None` when it is withheld
    /// already.
    ///
    /// # Errors
    /// `Conflict` when it is too late.
    pub fn cancel(self, now: Timestamp) -> Result<Option<Self>, Error> {
        match self.status() {
            MessageStatus::Withheld => Ok(None),
            MessageStatus::Queued => Ok(Some(self.withhold("canceled", now))),
            other => Err(Error::Conflict(format!(
                "the message is {}; only a queued one can be canceled",
                other.as_str()
            ))),
        }
    }

    /// A new message with the same text and media, by somebody's decision. It takes the next place
    /// in the conversation.
    ///
    /// # Errors
    /// `Conflict` when this one is neither in doubt nor failed.
    pub(super) fn resend(
        &self,
        conversation: &mut Conversation,
        moment: Moment<'_>,
    ) -> Result<Self, Error> {
        let status = self.status();
        let failed = matches!(status, MessageStatus::Carrier(status) if status.is_failure());
        if self.direction != Direction::Outbound || !(failed || status == MessageStatus::InDoubt) {
            let status = status.as_str();
            return Err(Error::Conflict(format!(
                "the message is {status}; only one that is in doubt or failed can be sent again"
            )));
        }
        let seq = conversation.take(Direction::Outbound, moment);
        let again = Self::outbound(conversation, seq, Source::Human, self.body.clone(), moment);
        Ok(Self {
            media: self.media.clone(),
            resend_of: Some(self.id),
            ..again
        })
    }

    /// The carrier is called now.
    pub fn dispatch(self, now: Timestamp) -> Self {
        let detail = self.detail.clone();
        self.becomes(MessageStatus::Dispatching, detail, now)
    }

    /// Not sent: the contact is opted out.
    pub fn opt_out(self, now: Timestamp) -> Self {
        self.becomes(MessageStatus::OptedOut, None, now)
    }

    /// Not sent, and `why`.
    pub fn withhold(self, why: &str, now: Timestamp) -> Self {
        self.becomes(MessageStatus::Withheld, Some(why.into()), now)
    }

    /// The carrier may have it.
    pub fn fall_in_doubt(self, why: &str, now: Timestamp) -> Self {
        self.becomes(MessageStatus::InDoubt, Some(why.into()), now)
    }

    /// A label for people: still in doubt, and a later callback still confirms it.
    pub fn presume_absent(self, now: Timestamp) -> Self {
        let detail = Some("the carrier lists no such text: presumed absent".into());
        Self {
            detail,
            updated_at: now,
            ..self
        }
    }

    /// Definitely not sent, and to be sent later.
    pub fn queue_again(self, why: String, now: Timestamp) -> Self {
        self.becomes(MessageStatus::Queued, Some(why), now)
    }

    /// Definitely not sent, for good.
    pub fn fail(self, why: String, error_code: Option<u32>, now: Timestamp) -> Self {
        let mut failed = self.becomes(
            MessageStatus::Carrier(CarrierStatus::Failed),
            Some(why),
            now,
        );
        failed.standing.carrier.fail(error_code);
        failed
    }

    /// Takes over what the carrier says.
    pub fn learn(mut self, news: &StatusCallback, now: Timestamp) -> Self {
        self.standing.carrier.learn(news);
        if let Some(status) = self.standing.carrier.status {
            self.standing.status = MessageStatus::Carrier(status);
        }
        Self {
            updated_at: now,
            ..self
        }
    }

    /// How many segments are billed; the first answer counts.
    pub fn bill(mut self, segments: Option<u32>) -> Self {
        let known = self.standing.carrier.segments;
        self.standing.carrier.segments = known.or(segments);
        self
    }

    /// As events show it.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "conversation_id": self.conversation,
            "seq": self.seq,
            "direction": self.direction.as_str(),
            "source": self.source.as_str(),
            "body": self.body,
            "media_urls": self.media,
            "status": self.status().as_str(),
            "carrier_sid": self.carrier().sid,
            "error_code": self.carrier().error_code(),
            "created_at": self.created_at,
        })
    }
}

/// Which messages to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessageFilter {
    /// Of one conversation.
    pub conversation: Option<ConversationId>,
    /// With this status, by its shown name.
    pub status: Option<&'static str>,
}

/// Reads of messages and of the attempts to send them.
#[async_trait]
pub trait MessageReads: Send + Sync {
    /// By id.
    async fn message(&self, id: MessageId) -> Result<Option<Message>, StoreError>;
    /// Newest first.
    async fn list_messages(
        &self,
        filter: &MessageFilter,
        page: &Page,
    ) -> Result<Paged<Message>, StoreError>;
    /// The last `limit` messages of a conversation, oldest first.
    async fn recent_messages(
        &self,
        conversation: ConversationId,
        limit: u32,
    ) -> Result<Vec<Message>, StoreError>;
    /// How many texts of the agent in this conversation reached the carrier, or may have, since
    /// `since`.
    async fn count_ai_messages(
        &self,
        conversation: ConversationId,
        since: Timestamp,
    ) -> Result<i64, StoreError>;
    /// The newest attempt to send a message. Two can begin in one instant: one that is known as
    /// not sent is older than one that is not.
    async fn last_attempt(&self, message: MessageId) -> Result<Option<SendAttempt>, StoreError>;
    /// Whether some message bears this carrier sid.
    async fn carrier_sid_taken(&self, sid: &str) -> Result<bool, StoreError>;
    /// Attempts without a sid whose message has the same number, contact and body as `message`,
    /// started in the window; that of `message` itself included.
    async fn open_attempts_like(
        &self,
        message: &Message,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<i64, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kernel::record::Record as _,
        sms::fixture::{conversation, moment, news, text},
    };

    #[test]
    fn every_status_is_stored_exactly() {
        let now = moment().now;
        let queued = || text(Source::Api);
        let all = [
            queued(),
            queued().dispatch(now),
            queued().dispatch(now).fall_in_doubt("no answer", now),
            queued().opt_out(now),
            queued().withhold("too late to be of use", now),
            queued().fail("refused".into(), Some(21_211), now),
        ];
        let learnt =
            CarrierStatus::ALL.map(|status| queued().learn(&news(status), now).bill(Some(2)));
        for message in all.into_iter().chain(learnt) {
            let row = message.to_row();
            assert_eq!(row.get("status"), &message.status().as_str().into());
            assert!(MessageStatus::NAMES.contains(&message.status().as_str()));
            assert_eq!(Message::from_row(row).expect("a message"), message);
        }
    }

    #[test]
    fn only_a_queued_one_can_be_canceled() {
        let now = moment().now;
        let canceled = text(Source::Api)
            .cancel(now)
            .expect("in time")
            .expect("it was queued");
        assert_eq!(
            (canceled.status(), canceled.detail()),
            (MessageStatus::Withheld, Some("canceled"))
        );
        assert!(matches!(canceled.cancel(now), Ok(None)));
        for late in [
            text(Source::Api).dispatch(now),
            text(Source::Api).learn(&news(CarrierStatus::Sent), now),
        ] {
            assert!(matches!(late.cancel(now), Err(Error::Conflict(_))));
        }
    }

    #[test]
    fn only_what_is_in_doubt_or_failed_can_be_sent_again() {
        let now = moment().now;
        let queued = || text(Source::Ai).with_media(vec!["https://example.com/1.jpg".into()]);
        for (first, may) in [
            (queued(), false),
            (queued().dispatch(now), false),
            (queued().withhold("too late to be of use", now), false),
            (queued().learn(&news(CarrierStatus::Delivered), now), false),
            (queued().fall_in_doubt("no answer", now), true),
            (queued().fail("refused".into(), None, now), true),
            (queued().learn(&news(CarrierStatus::Undelivered), now), true),
        ] {
            let mut conversation = conversation(0);
            let again = first.resend(&mut conversation, moment());
            assert_eq!(again.is_ok(), may, "{:?}", first.status());
            assert_eq!(conversation.last_seq(), i64::from(may));
            let Ok(again) = again else { continue };
            assert_eq!(
                (again.seq, again.resend_of, again.source),
                (1, Some(first.id), Source::Human)
            );
            assert_eq!(
                (again.body, again.media, again.turn),
                (first.body, first.media, None)
            );
        }
    }

    #[test]
    fn what_was_billed_first_counts() {
        assert_eq!(
            text(Source::Api)
                .bill(None)
                .bill(Some(2))
                .bill(Some(3))
                .carrier()
                .segments,
            Some(2)
        );
    }
}
