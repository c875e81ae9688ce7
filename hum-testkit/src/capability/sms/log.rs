use std::collections::BTreeMap;

use hum_core::{
    clock::Timestamp,
    consent::Keyword,
    id::{MessageId, OrgId},
    number::E164,
    sms::Message,
    telephony::CarrierStatus,
};

use crate::monitor::Monitor;

/// The carrier accepted a text.
#[derive(Debug, Clone)]
pub struct Effect {
    /// The carrier's id.
    pub sid: String,
    /// The attempt's token.
    pub token: String,
    /// Sender.
    pub from: E164,
    /// Recipient.
    pub to: E164,
    /// When.
    pub at: Timestamp,
}

/// What hum was told of a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerKind {
    /// 201 and a sid.
    Accepted,
    /// Certainly not sent.
    Definite,
    /// A 500: may have been sent.
    ServerError,
    /// A reset or a time-out: may have been sent.
    Reset,
}

/// A text that a handset wrote.
#[derive(Debug, Clone)]
pub struct Written {
    /// From whom.
    pub from: E164,
    /// To whom.
    pub to: E164,
    /// The text.
    pub body: String,
    /// What a person means by it.
    pub means: Option<Keyword>,
}

impl Written {
    /// What a handset wrote, as a person understands it.
    pub fn new(from: &E164, to: &E164, body: &str) -> Self {
        Self {
            from: from.clone(),
            to: to.clone(),
            body: body.into(),
            means: meaning(body),
        }
    }
}

/// What a person means: written down apart from hum's own reading of keywords.
fn meaning(body: &str) -> Option<Keyword> {
    let letters: String = body
        .chars()
        .filter(char::is_ascii_alphabetic)
        .collect::<String>()
        .to_ascii_lowercase();
    match letters.as_str() {
        "stop" | "stopall" | "unsubscribe" | "cancel" | "end" | "quit" | "revoke" | "optout" => {
            Some(Keyword::OptOut)
        }
        "start" | "unstop" | "yes" => Some(Keyword::OptIn),
        "help" | "info" => Some(Keyword::Help),
        _ => None,
    }
}

/// What the world knows of texts.
#[derive(Debug, Default)]
pub struct SmsLog {
    /// The carrier is the user's, and nobody hears what it accepts.
    pub is_deaf: bool,
    /// What the carrier accepted.
    pub effects: Vec<Effect>,
    /// What hum was told, by token.
    pub answers: BTreeMap<String, AnswerKind>,
    /// Status callbacks that hum took, by token.
    pub callbacks: BTreeMap<String, Vec<(CarrierStatus, Option<u32>)>>,
    /// Texts that handsets wrote, by sid.
    pub written: BTreeMap<String, Written>,
    /// Opt-outs that the carrier confirmed, by its number and the contact.
    pub carrier_confirmations: Vec<(E164, E164)>,
    /// Messages that the API acknowledged.
    pub acknowledged: Vec<(OrgId, MessageId)>,
}

impl SmsLog {
    /// What the carrier accepted with this token.
    pub fn effect(&self, token: &str) -> Option<&Effect> {
        self.effects.iter().find(|effect| effect.token == token)
    }

    /// What the contact wrote, of whom this came in.
    pub fn written_as(&self, message: &Message) -> Option<&Written> {
        self.written.get(message.carrier().sid.as_ref()?)
    }
}

impl Monitor {
    /// The carrier accepted a text.
    pub fn effect(&self, effect: Effect) {
        self.see(|witness| {
            witness.note(format!("effect {effect:?}"));
            witness
                .judge(|invariant, known, findings| invariant.on_effect(known, &effect, findings));
            witness.log.sms.effects.push(effect);
        });
    }

    /// hum was told something of a send.
    pub fn answered(&self, token: &str, kind: AnswerKind) {
        self.log(|log| log.sms.answers.extend([(token.to_owned(), kind)]));
    }

    /// The carrier confirmed an opt-out by itself.
    pub fn carrier_confirmed(&self, number: &E164, contact: &E164) {
        self.log(|log| {
            log.sms
                .carrier_confirmations
                .push((number.clone(), contact.clone()))
        });
    }

    /// The API acknowledged a message.
    pub fn acknowledged(&self, org: OrgId, message: MessageId) {
        self.see(|witness| {
            if witness.mirror.get::<Message>(&message).is_none() {
                witness.findings.add(
                    "INV-01",
                    format!("{message} was acknowledged but not committed"),
                );
            }
            witness.log.sms.acknowledged.push((org, message));
        });
    }

    /// hum took a status callback: from now on it must not be lost.
    pub fn took_status(&self, token: &str, status: Option<CarrierStatus>, error_code: Option<u32>) {
        let news = status.map(|status| (status, error_code));
        self.log(|log| {
            log.sms
                .callbacks
                .entry(token.to_owned())
                .or_default()
                .extend(news)
        });
    }

    /// hum took a text: from now on it must not be lost.
    pub fn took_text(&self, sid: &str) {
        self.see(|witness| {
            let is_it = |message: &Message| {
                message
                    .carrier()
                    .sid
                    .as_deref()
                    .is_some_and(|stored| stored.starts_with(sid))
            };
            if !witness.mirror.all::<Message>().any(is_it) {
                witness
                    .findings
                    .add("INV-01", format!("{sid} was acknowledged and not stored"));
            }
        });
    }
}
