//! Inbound texts as Twilio posts them: twenty parameters, signed, as bytes that are ready to be
//! written.

use hum_adapters::telephony::twilio::signature::{self, Algorithm};

use crate::load;

pub const ACCOUNT_SID: &str = "AC0123456789abcdef0123456789abcdef";
pub const AUTH_TOKEN: &str = "0123456789abcdef0123456789abcdef";
pub const PUBLIC_URL: &str = "https://hum.example.com";
/// The number that is texted.
pub const NUMBER: &str = "+13175550100";

/// `count` texts from `contacts` contacts in a mixed order, each with its own `MessageSid`.
pub fn signed(count: usize, contacts: usize) -> Vec<Box<[u8]>> {
    (0..count).map(|index| one(index, contacts)).collect()
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
