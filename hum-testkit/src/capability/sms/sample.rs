use hum_core::{
    id::{MessageId, TurnId},
    number::{E164, Number},
    record::Value,
    sms::{Conversation, Direction, Message, SendAttempt, Source},
    telephony::{CarrierStatus, InboundSms, StatusCallback},
};

use crate::contract::sample::{Sample, with};

impl Sample<'_> {
    /// A thread.
    pub fn conversation(&self, number: &Number, contact: E164) -> Conversation {
        Conversation::start(number, contact, self.moment())
    }

    /// The next text from the contact.
    pub fn inbound(&self, conversation: &mut Conversation, sid: &str) -> Message {
        let seq = conversation.take(Direction::Inbound, self.moment());
        let sms = InboundSms {
            sid: sid.into(),
            to: conversation.number_e164.clone(),
            from: conversation.contact.clone(),
            body: "Hi there, it's \"me\" \u{1F44B}\n".into(),
            media: vec!["https://example.com/1.jpg".into()],
        };
        Message::inbound(conversation, seq, &sms, self.moment())
    }

    /// The next text to the contact.
    pub fn outbound(&self, conversation: &mut Conversation, source: Source, body: &str) -> Message {
        let seq = conversation.take(Direction::Outbound, self.moment());
        Message::outbound(conversation, seq, source, body.into(), self.moment())
    }

    /// A text that the carrier has said much about.
    pub fn delivered(&self, conversation: &mut Conversation, sid: &str) -> Message {
        let (now, entropy) = (self.world.now(), self.world.entropy());
        let news = |status, code| StatusCallback {
            sid: sid.into(),
            status,
            error_code: Some(code),
        };
        let message = self
            .outbound(conversation, Source::Ai, "Hello!")
            .of_turn(TurnId::new(now, entropy))
            .learn(&news(CarrierStatus::Failed, 30_003), now)
            .learn(&news(CarrierStatus::Delivered, 30_005), now)
            .bill(Some(2));
        let resend_of = Value::text(MessageId::new(now, entropy));
        with(
            &message,
            [
                ("detail", "contradicted itself".into()),
                ("resend_of", resend_of),
            ],
        )
    }

    /// A try.
    pub fn attempt(&self, message: &Message) -> SendAttempt {
        SendAttempt::begin(self.org, message.id, self.moment())
    }
}
