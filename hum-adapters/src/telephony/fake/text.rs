use std::time::Duration;

use hum_core::{
    clock::Timestamp,
    number::E164,
    telephony::{CarrierMessage, CarrierStatus, OutboundSms},
};

/// A text that the carrier took.
#[derive(Debug, Clone)]
pub struct Text {
    /// The carrier's id.
    pub sid: String,
    /// Sender.
    pub from: E164,
    /// Recipient.
    pub to: E164,
    /// The text.
    pub body: String,
    /// URLs of attached media.
    pub media: Vec<String>,
    /// When the carrier took it.
    pub at: Timestamp,
    /// From a handset to one of hum's numbers.
    pub inbound: bool,
    /// The carrier wrote it by itself, in answer to a keyword.
    pub automatic: bool,
    /// Whether it reached its recipient.
    pub arrives: bool,
    /// What becomes of it, in the order of time.
    pub news: Vec<News>,
}

/// One step of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct News {
    /// How long after the carrier took the text.
    pub after: Duration,
    /// Its status from then on.
    pub status: CarrierStatus,
    /// The error code, if it has one.
    pub error_code: Option<u32>,
}

impl Text {
    /// Written on a handset.
    pub fn inbound(sid: String, from: E164, to: E164, body: String, at: Timestamp) -> Self {
        let (media, news) = (Vec::new(), Vec::new());
        Self {
            sid,
            from,
            to,
            body,
            media,
            at,
            inbound: true,
            automatic: false,
            arrives: true,
            news,
        }
    }

    /// What the carrier answers to a keyword.
    pub fn automatic(sid: String, from: E164, to: E164, body: &str, at: Timestamp) -> Self {
        Self {
            inbound: false,
            automatic: true,
            ..Self::inbound(sid, from, to, body.to_owned(), at)
        }
    }

    /// Sent by hum; `news` is what becomes of it.
    pub fn outbound(sid: String, sms: &OutboundSms, at: Timestamp, news: Vec<News>) -> Self {
        let text = Self::inbound(sid, sms.from.clone(), sms.to.clone(), sms.body.clone(), at);
        Self {
            media: sms.media.clone(),
            inbound: false,
            news,
            ..text
        }
    }

    /// The end that is not hum's.
    pub fn handset(&self) -> &E164 {
        if self.inbound { &self.from } else { &self.to }
    }

    /// What people see: the media follow the words.
    pub fn shown(&self) -> String {
        let words = std::iter::once(&self.body).filter(|body| !body.is_empty());
        words
            .chain(&self.media)
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// As the carrier lists it. The status follows from the time, whether or not its webhook was
    /// taken.
    pub fn listed(&self, now: Timestamp) -> CarrierMessage {
        let reached = self
            .news
            .iter()
            .take_while(|news| self.at + news.after <= now)
            .last();
        CarrierMessage {
            sid: self.sid.clone(),
            from: self.from.to_string(),
            to: self.to.to_string(),
            body: self.body.clone(),
            status: reached.map_or(CarrierStatus::Queued, |news| news.status),
            error_code: reached.and_then(|news| news.error_code),
            created_at: self.at,
        }
    }
}
