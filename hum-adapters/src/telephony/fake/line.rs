use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use hum_core::{
    clock::Timestamp,
    number::E164,
    sms::{CarrierMessage, CarrierStatus, OutboundSms, SendError},
};

use super::CarrierRequest;

/// What is reported of every text, one delay after the other.
pub(super) const STEPS: [CarrierStatus; 3] = [CarrierStatus::Queued, CarrierStatus::Sent, CarrierStatus::Delivered];

/// Twilio's words of <https://help.twilio.com/articles/223134027>. A text is a keyword when it is that one word.
const STOP: &[&str] = &["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"];
const START: &[&str] = &["START", "UNSTOP", "YES"];
const HELP: &[&str] = &["HELP", "INFO"];

/// What the carrier knows.
#[derive(Debug, Default)]
pub(super) struct Line {
    texts: Vec<Text>,
    due: BTreeMap<(Timestamp, u64), CarrierRequest>,
    scheduled: u64,
    /// (hum's number, handset): a STOP counts for the number to which it was sent.
    blocked: BTreeSet<(E164, E164)>,
}

/// A text that the carrier took.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub(super) sid: String,
    pub(super) from: E164,
    pub(super) to: E164,
    pub(super) body: String,
    pub(super) at: Timestamp,
    pub(super) inbound: bool,
    pub(super) automatic: bool,
    /// Between two of [`STEPS`].
    delay: Duration,
}

impl Text {
    pub(super) fn inbound(sid: String, from: E164, to: E164, body: String, at: Timestamp) -> Self {
        Self { sid, from, to, body, at, inbound: true, automatic: false, delay: Duration::ZERO }
    }

    pub(super) fn reply(sid: String, from: E164, to: E164, body: String, at: Timestamp) -> Self {
        Self { sid, from, to, body, at, inbound: false, automatic: true, delay: Duration::ZERO }
    }

    pub(super) fn outbound(sid: String, sms: &OutboundSms, at: Timestamp, delay: Duration) -> Self {
        let mut body = sms.body.clone();
        for url in &sms.media {
            body.push_str(if body.is_empty() { "" } else { "\n" });
            body.push_str(url);
        }
        Self { sid, from: sms.from.clone(), to: sms.to.clone(), body, at, inbound: false, automatic: false, delay }
    }

    /// The end that is not hum's.
    pub(super) fn handset(&self) -> &E164 {
        if self.inbound { &self.from } else { &self.to }
    }

    /// As the carrier lists it. The status follows from the time, whether or not its webhook was taken.
    pub(super) fn listed(&self, now: Timestamp) -> CarrierMessage {
        let reached = (1..).zip(STEPS).take_while(|(step, _)| self.at + self.delay * *step <= now);
        CarrierMessage {
            sid: self.sid.clone(),
            from: self.from.to_string(),
            to: self.to.to_string(),
            body: self.body.clone(),
            status: reached.last().map_or(CarrierStatus::Queued, |(_, status)| status),
            error_code: None,
            created_at: self.at,
        }
    }
}

impl Line {
    pub(super) fn texts(&self) -> std::slice::Iter<'_, Text> {
        self.texts.iter()
    }

    pub(super) fn record(&mut self, text: Text) {
        self.texts.push(text);
    }

    pub(super) fn schedule(&mut self, at: Timestamp, request: CarrierRequest) {
        self.scheduled += 1;
        self.due.insert((at, self.scheduled), request);
    }

    pub(super) fn take_due(&mut self, now: Timestamp) -> Vec<CarrierRequest> {
        let later = self.due.split_off(&(now, u64::MAX));
        std::mem::replace(&mut self.due, later).into_values().collect()
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// Obeys a keyword; answers what the carrier says to it.
    pub(super) fn keyword(&mut self, handset: &E164, number: &E164, body: &str) -> Option<&'static str> {
        let word = body.trim().to_ascii_uppercase();
        let word = word.as_str();
        let pair = (number.clone(), handset.clone());
        if STOP.contains(&word) {
            let news = self.blocked.insert(pair);
            news.then_some("You have successfully been unsubscribed. You will not receive any more messages from this number. Reply START to resubscribe.")
        } else if START.contains(&word) {
            let news = self.blocked.remove(&pair);
            news.then_some("You have successfully been re-subscribed to messages from this number. Reply HELP for help. Reply STOP to unsubscribe. Msg&Data Rates May Apply.")
        } else if HELP.contains(&word) {
            Some("Reply STOP to unsubscribe. Msg&Data Rates May Apply.")
        } else {
            None
        }
    }

    /// What Twilio refuses (<https://www.twilio.com/docs/api/errors>).
    pub(super) fn check(&self, sms: &OutboundSms) -> Result<(), SendError> {
        let (code, detail) = if self.blocked.contains(&(sms.from.clone(), sms.to.clone())) {
            (21610, "Attempt to send to unsubscribed recipient")
        } else if sms.body.is_empty() && sms.media.is_empty() {
            (21619, "A text message body or media urls must be specified.")
        } else if sms.body.chars().count() > 1600 {
            (21617, "The concatenated message body exceeds the 1600 character limit")
        } else if sms.media.len() > 10 {
            (21623, "Number of media files exceeds allowed limit")
        } else if sms.from == sms.to {
            (21266, "'To' and 'From' number cannot be the same")
        } else {
            return Ok(());
        };
        Err(SendError::Rejected { code: Some(code), detail: detail.into() })
    }
}

/// Segments that would be billed: 160 or 153 characters each, 70 or 67 when one of them is outside of GSM-7. ASCII stands
/// for GSM-7 here.
pub(super) fn segments(body: &str) -> u32 {
    let (alone, joined) = if body.is_ascii() { (160, 153) } else { (70, 67) };
    let units = if body.is_ascii() { body.len() } else { body.encode_utf16().count() };
    if units <= alone { 1 } else { u32::try_from(units.div_ceil(joined)).unwrap_or(u32::MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_segments() {
        for (body, expected) in
            [("", 1), (&"a".repeat(160), 1), (&"a".repeat(161), 2), (&"é".repeat(70), 1), (&"😀".repeat(36), 2)]
        {
            assert_eq!(segments(body), expected, "{body}");
        }
    }

    #[test]
    fn a_keyword_is_the_only_word() {
        let (handset, number): (E164, E164) = ("+13175550100".parse().unwrap(), "+13175550199".parse().unwrap());
        let mut line = Line::default();
        for not in ["please stop", "stop.", "", "yes", "start"] {
            assert_eq!(line.keyword(&handset, &number, not), None, "{not}");
        }
        assert!(line.keyword(&handset, &number, " sToP\n").is_some());
        assert_eq!(line.keyword(&handset, &number, "STOP"), None, "one confirmation");
        assert!(line.keyword(&handset, &number, "help").is_some());
        assert!(line.keyword(&handset, &number, "Yes").is_some());
    }
}
