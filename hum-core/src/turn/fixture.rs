//! What the tests of decisions about turns begin with.

use crate::{
    flow::{FlowDefinition, FlowVersion, SmsConfig},
    kernel::{
        clock::Timestamp,
        decide::Moment,
        entropy::Zero,
        id::{FlowId, NumberId, OrgId},
    },
    number::{E164, Number},
    sms::{Conversation, Direction, Turn},
};

pub(super) fn moment() -> Moment<'static> {
    Moment {
        now: Timestamp::from_micros(1_767_225_600_000_000),
        entropy: &Zero,
    }
}

pub(super) fn org() -> OrgId {
    OrgId::new(moment().now, moment().entropy)
}

pub(super) fn e164(text: &str) -> E164 {
    text.parse().expect("it is a number")
}

/// A conversation in which so many texts came in.
pub(super) fn conversation(texts: usize) -> Conversation {
    let number = Number {
        org: org(),
        id: NumberId::new(moment().now, moment().entropy),
        e164: e164("+12025550100"),
        carrier_account: "AC1".into(),
        friendly_name: String::new(),
        flow_id: None,
        sms_flow_id: Some(flow().flow),
        sms_enabled: true,
        created_at: moment().now,
        version: 1,
    };
    let mut conversation = Conversation::start(&number, e164("+12025550199"), moment());
    for _ in 0..texts {
        conversation.take(Direction::Inbound, moment());
    }
    conversation
}

/// An agent with every limit at its default and no fallback message.
pub(super) fn flow() -> FlowVersion {
    FlowVersion {
        org: org(),
        flow: FlowId::new(moment().now, moment().entropy),
        number: 7,
        definition: FlowDefinition {
            tools: vec!["report_outcome".into(), "close_conversation".into()],
            ..FlowDefinition::named("Front desk")
        },
        created_at: moment().now,
        created_by: "system".into(),
    }
}

/// The same, with a fallback message.
pub(super) fn flow_with_fallback() -> FlowDefinition {
    let sms = SmsConfig {
        fallback_message: Some("We will call you.".into()),
        ..SmsConfig::default()
    };
    FlowDefinition {
        sms,
        ..flow().definition
    }
}

/// A turn that answers what came in.
pub(super) fn turn(conversation: &Conversation) -> Turn {
    let mut turn = Turn::begin(conversation, &flow(), moment());
    turn.version = 1;
    turn
}
