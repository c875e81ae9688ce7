//! What the tests of decisions about texts begin with.

use crate::{
    consent::{Consent, ConsentSource},
    flow::{FlowDefinition, FlowVersion},
    kernel::{
        batch::{Batch, Guard, Write},
        cipher::Secret,
        clock::Timestamp,
        decide::Moment,
        entropy::Zero,
        event::EventKind,
        id::{FlowId, NumberId, OrgId},
        job::JobKind,
    },
    number::{E164, Number},
    telephony::{CarrierCredentials, CarrierStatus, StatusCallback},
};

use super::{Conversation, Direction, Message, Source, Turn, gate::Waiting};

pub(super) fn moment() -> Moment<'static> {
    Moment {
        now: Timestamp::from_micros(1_767_225_600_000_000),
        entropy: &Zero,
    }
}

/// So many seconds later.
pub(super) fn later(seconds: u64) -> Moment<'static> {
    Moment {
        now: moment().now + std::time::Duration::from_secs(seconds),
        ..moment()
    }
}

pub(super) fn org() -> OrgId {
    OrgId::new(moment().now, moment().entropy)
}

pub(super) fn contact() -> E164 {
    "+12025550199".parse().expect("a number")
}

pub(super) fn number() -> Number {
    Number {
        org: org(),
        id: NumberId::new(moment().now, moment().entropy),
        e164: "+12025550100".parse().expect("a number"),
        carrier_account: "AC1".into(),
        friendly_name: "Front desk".into(),
        flow_id: None,
        sms_flow_id: None,
        sms_enabled: true,
        created_at: moment().now,
        version: 1,
    }
}

/// A conversation in which so many texts came in.
pub(super) fn conversation(texts: usize) -> Conversation {
    let mut conversation = Conversation::start(&number(), contact(), moment());
    conversation.version = 1;
    for _ in 0..texts {
        conversation.take(Direction::Inbound, moment());
    }
    conversation
}

/// A text that is queued.
pub(super) fn text(source: Source) -> Message {
    let mut message = Message::outbound(
        &conversation(0),
        1,
        source,
        "See you at ten.".into(),
        moment(),
    );
    message.version = 1;
    message
}

pub(super) fn turn() -> Turn {
    let flow = FlowVersion {
        org: org(),
        flow: FlowId::new(moment().now, moment().entropy),
        number: 7,
        definition: FlowDefinition::named("Front desk"),
        created_at: moment().now,
        created_by: "system".into(),
    };
    Turn::begin(&conversation(1), &flow, moment())
}

/// A contact who may be texted, as stored.
pub(super) fn consent() -> Consent {
    let mut consent = Consent::unsaid(org(), contact());
    consent.version = 1;
    consent
}

pub(super) fn opted_out() -> Consent {
    let mut consent = consent();
    consent.opt_out(ConsentSource::Keyword, moment().now);
    consent
}

pub(super) fn news(status: CarrierStatus) -> StatusCallback {
    StatusCallback {
        sid: "SM1".into(),
        status,
        error_code: None,
    }
}

/// The kinds of the events in a batch.
pub(super) fn events(batch: &Batch) -> Vec<EventKind> {
    let kinds = batch.writes.iter().filter_map(|write| match write {
        Write::Emit(event) => Some(event.kind),
        _ => None,
    });
    kinds.collect()
}

/// The jobs in a batch, and when they are due.
pub(super) fn jobs(batch: &Batch) -> Vec<(JobKind, Timestamp)> {
    let jobs = batch.writes.iter().filter_map(|write| match write {
        Write::Enqueue(job) => Some((job.kind, job.run_at)),
        _ => None,
    });
    jobs.collect()
}

/// The tables of the records that a batch rests on.
pub(super) fn guards(batch: &Batch) -> Vec<&'static str> {
    let tables = batch.writes.iter().filter_map(|write| match write {
        Write::Guard(Guard::Record(at)) => Some(at.table.name),
        _ => None,
    });
    tables.collect()
}

/// A text that may leave.
pub(super) fn waiting(source: Source) -> Waiting {
    let account = CarrierCredentials {
        account_sid: "AC1".into(),
        auth_token: Secret::new("t".into()),
        secondary_auth_token: None,
    };
    Waiting {
        message: text(source),
        conversation: conversation(1),
        consent: Some(consent()),
        turn: None,
        ai_today: 0,
        account: Some(account),
    }
}
