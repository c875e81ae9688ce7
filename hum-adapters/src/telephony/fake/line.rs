use std::collections::BTreeSet;

use hum_core::{
    consent::Keyword,
    number::E164,
    telephony::{ListQuery, OutboundSms, SendError},
};

use super::{super::twilio::OPTED_OUT, Text};

/// Twilio's words of <https://help.twilio.com/articles/223134027>. A text is a keyword when it is
/// that one word.
const STOP: &[&str] = &[
    "STOP",
    "STOPALL",
    "UNSUBSCRIBE",
    "CANCEL",
    "END",
    "QUIT",
    "REVOKE",
    "OPTOUT",
];
const START: &[&str] = &["START", "UNSTOP", "YES"];
const HELP: &[&str] = &["HELP", "INFO"];

/// What the carrier knows: the texts that it took, and who must not be texted. Whoever owns it
/// decides what goes wrong.
#[derive(Debug, Default)]
pub struct Line {
    texts: Vec<Text>,
    /// (hum's number, handset): a STOP counts for the number to which it was sent.
    blocked: BTreeSet<(E164, E164)>,
}

impl Line {
    /// Every text, oldest first.
    pub fn texts(&self) -> std::slice::Iter<'_, Text> {
        self.texts.iter()
    }

    /// Takes a text.
    pub fn record(&mut self, text: Text) {
        self.texts.push(text);
    }

    /// The texts that a query asks for, oldest first.
    pub fn matching(&self, query: &ListQuery) -> impl DoubleEndedIterator<Item = &Text> {
        let window = query.since..=query.until;
        self.texts().filter(move |text| {
            text.from == query.from && text.to == query.to && window.contains(&text.at)
        })
    }

    /// Obeys a keyword, as Twilio does unless it is told otherwise; answers which one and what the
    /// carrier says to it.
    pub fn keyword(
        &mut self,
        handset: &E164,
        number: &E164,
        body: &str,
    ) -> Option<(Keyword, &'static str)> {
        let word = body.trim().to_ascii_uppercase();
        let word = word.as_str();
        let pair = (number.clone(), handset.clone());
        if STOP.contains(&word) {
            let answer = "You have successfully been unsubscribed. You will not receive any more messages from this number. Reply START to resubscribe.";
            self.blocked
                .insert(pair)
                .then_some((Keyword::OptOut, answer))
        } else if START.contains(&word) {
            let answer = "You have successfully been re-subscribed to messages from this number. Reply HELP for help. Reply STOP to unsubscribe. Msg&Data Rates May Apply.";
            self.blocked
                .remove(&pair)
                .then_some((Keyword::OptIn, answer))
        } else if HELP.contains(&word) {
            Some((
                Keyword::Help,
                "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
            ))
        } else {
            None
        }
    }

    /// What Twilio refuses (<https://www.twilio.com/docs/api/errors>).
    ///
    /// # Errors
    /// The recipient opted out, or the text is not one.
    pub fn check(&self, sms: &OutboundSms) -> Result<(), SendError> {
        if self.blocked.contains(&(sms.from.clone(), sms.to.clone())) {
            let detail = "Attempt to send to unsubscribed recipient".into();
            return Err(SendError::OptedOut {
                code: Some(OPTED_OUT),
                detail,
            });
        }
        let (code, detail) = if sms.body.is_empty() && sms.media.is_empty() {
            (
                21619,
                "A text message body or media urls must be specified.",
            )
        } else if sms.body.chars().count() > 1600 {
            (
                21617,
                "The concatenated message body exceeds the 1600 character limit",
            )
        } else if sms.media.len() > 10 {
            (21623, "Number of media files exceeds allowed limit")
        } else if sms.from == sms.to {
            (21266, "'To' and 'From' number cannot be the same")
        } else {
            return Ok(());
        };
        Err(SendError::Rejected {
            code: Some(code),
            detail: detail.into(),
        })
    }
}

/// Segments that would be billed: 160 or 153 characters each, 70 or 67 when one of them is outside
/// of GSM-7. ASCII stands for GSM-7 here.
pub fn segments(body: &str) -> u32 {
    let (alone, joined) = if body.is_ascii() {
        (160, 153)
    } else {
        (70, 67)
    };
    let units = if body.is_ascii() {
        body.len()
    } else {
        body.encode_utf16().count()
    };
    if units <= alone {
        1
    } else {
        u32::try_from(units.div_ceil(joined)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_segments() {
        for (body, expected) in [
            ("", 1),
            (&"a".repeat(160), 1),
            (&"a".repeat(161), 2),
            (&"é".repeat(70), 1),
            (&"😀".repeat(36), 2),
        ] {
            assert_eq!(segments(body), expected, "{body}");
        }
    }

    #[test]
    fn a_keyword_is_the_only_word() {
        let (handset, number): (E164, E164) = (
            "+13175550100".parse().unwrap(),
            "+13175550199".parse().unwrap(),
        );
        let mut line = Line::default();
        let mut said = |body: &str| {
            line.keyword(&handset, &number, body)
                .map(|(keyword, _)| keyword)
        };
        for not in ["please stop", "stop.", "", "yes", "start"] {
            assert_eq!(said(not), None, "{not}");
        }
        assert_eq!(said(" sToP\n"), Some(Keyword::OptOut));
        assert_eq!(said("STOP"), None, "one confirmation");
        assert_eq!(said("help"), Some(Keyword::Help));
        assert_eq!(said("Yes"), Some(Keyword::OptIn));
    }
}
