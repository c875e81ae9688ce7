//! Inbound texts as Twilio posts them: twenty parameters, signed, as bytes that are ready to be
//! written.

use hum_adapters::telephony::twilio::signature::{self, Algorithm};

use crate::load;

const ACCOUNT_SID: &str = "AC0123456789abcdef0123456789abcdef";
const AUTH_TOKEN: &str = "0123456789abcdef0123456789abcdef";
pub const PUBLIC_URL: &str = "https://hum.example.com";
/// The number that is texted.
pub const NUMBER: &str = "+13175550100";

/// As long as an agent may wait before it answers.
pub const LONGEST_DEBOUNCE_MS: u32 = 60_000;

/// How a server is told to take them; the peer reads the last two as well.
pub const CARRIER: [(&str, &str); 4] = [
    ("HUM_PUBLIC_URL", PUBLIC_URL),
    ("HUM_CARRIER", "twilio"),
    ("TWILIO_ACCOUNT_SID", ACCOUNT_SID),
    ("TWILIO_AUTH_TOKEN", AUTH_TOKEN),
];

/// `count` texts from `contacts` contacts in a mixed order, each with its own `MessageSid`.
pub fn signed(count: usize, contacts: usize) -> Vec<Box<[u8]>> {
    (0..count).map(|index| one(index, contacts)).collect()
}

/// The number of the text that a webhook's body tells of.
pub fn number_in(body: &[u8]) -> Option<usize> {
    const BEFORE: &[u8] = b"\"carrier_sid\":\"SM";
    let at = body
        .windows(BEFORE.len())
        .position(|bytes| bytes == BEFORE)?
        + BEFORE.len();
    let digits = std::str::from_utf8(body.get(at..at + 32)?).ok()?;
    usize::from_str_radix(digits, 16).ok()
}

fn one(index: usize, contacts: usize) -> Box<[u8]> {
    // A stride that shares no factor with a round number of contacts visits all of them.
    let contact = index.wrapping_mul(7919) % contacts.max(1);
    let sid = format!("SM{index:032x}");
    let params: Vec<(String, String)> = [
        ("ToCountry", "US"),
        ("ToState", "IN"),
        ("SmsMessageSid", &sid),
        ("NumMedia", "0"),
        ("ToCity", "INDIANAPOLIS"),
        ("FromZip", "46204"),
        ("SmsSid", &sid),
        ("FromState", "IN"),
        ("SmsStatus", "received"),
        ("FromCity", "INDIANAPOLIS"),
        (
            "Body",
            &format!(
                "Is fiber available at {} Oak Street? I would like to switch next month.",
                index % 9000 + 100
            ),
        ),
        ("FromCountry", "US"),
        ("To", NUMBER),
        ("MessagingServiceSid", "MG0123456789abcdef0123456789abcdef"),
        ("ToZip", "46225"),
        ("NumSegments", "1"),
        ("MessageSid", &sid),
        ("AccountSid", ACCOUNT_SID),
        ("From", &format!("+1463{:07}", 2_000_000 + contact)),
        ("ApiVersion", "2010-04-01"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let signature = signature::sign(
        AUTH_TOKEN,
        &format!("{PUBLIC_URL}/carrier/twilio/sms"),
        &params,
        Algorithm::HmacSha1,
    );
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&params)
        .finish();
    let headers = format!(
        "user-agent: TwilioProxy/1.1\r\naccept: */*\r\n\
         content-type: application/x-www-form-urlencoded; charset=UTF-8\r\nx-twilio-signature: {signature}"
    );
    load::post("/carrier/twilio/sms", &headers, &body)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_text_is_known_by_its_sid() {
        let body = format!("{{\"message\":{{\"carrier_sid\":\"SM{:032x}\"}}}}", 4711);
        assert_eq!(super::number_in(body.as_bytes()), Some(4711));
        assert_eq!(
            super::number_in(b"{\"message\":{\"carrier_sid\":null}}"),
            None
        );
    }

    #[test]
    fn every_text_has_its_own_sid_and_all_contacts_write() {
        let texts = super::signed(100, 50);
        let field = |text: &[u8], name: &str| {
            let text = String::from_utf8_lossy(text).into_owned();
            let start =
                text.find(&format!("&{name}=")).expect("the field is there") + name.len() + 2;
            text[start..].split('&').next().expect("a value").to_owned()
        };
        let distinct = |name| {
            texts
                .iter()
                .map(|text| field(text, name))
                .collect::<std::collections::BTreeSet<_>>()
                .len()
        };
        assert_eq!((distinct("MessageSid"), distinct("From")), (100, 50));
    }
}
