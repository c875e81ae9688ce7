//! Deliveries that wait already, with their events and jobs, as if a server without workers had
//! taken the texts in.

use std::{
    io, thread,
    time::{Duration, Instant},
};

use crate::{
    database::{Database, DatabaseKind},
    endpoint::{Endpoint, Manner},
    organization::Organization,
    rows::{Jobs, id, now, numbers},
    stage::{Site, Stage},
};

/// A server may be started here.
pub struct Waiting {
    pub stage: Stage,
    pub endpoint: Endpoint,
}

/// `count` deliveries of one organization wait for an endpoint with this manner.
pub fn deliveries(
    site: &Site<'_>,
    kind: DatabaseKind,
    manner: Manner,
    count: u64,
) -> io::Result<Waiting> {
    let stage = site.stage(kind, &[])?;
    let endpoint = Endpoint::start(manner)?;
    let organization = stage.organization("bench")?;
    let webhook = {
        let _server = stage.serve_only()?;
        organization.webhook(&endpoint.url())?
    };
    fill(&stage.database, &organization, &webhook, count)?;
    Ok(Waiting { stage, endpoint })
}

/// What the event of a text holds.
const DATA: &str = r#"{"conversation":{"ai_paused":false,"assignee":null,"contact_e164":"+14632000000","id":"cnv_01KB4Z00000000000000000001","number_e164":"+13175550100","status":"open","twilio_number_id":"num_01KB4Z00000000000000000001","unread_count":1},"message":{"body":"Is fiber available at 100 Oak Street? I would like to switch next month.","carrier_sid":"SM00000000000000000000000000000000","conversation_id":"cnv_01KB4Z00000000000000000001","created_at":"2026-02-01T09:00:00.000Z","direction":"inbound","error_code":null,"id":"msg_01KB4Z00000000000000000001","media_urls":[],"seq":1,"source":"contact","status":"received"}}"#;

/// `count` texts came in: the events are in the feed, which is taken up, and nothing of it is
/// delivered.
pub fn fill(
    database: &Database,
    organization: &Organization,
    webhook: &str,
    count: u64,
) -> io::Result<()> {
    let (org, now, numbers) = (&organization.id, now(), numbers(count));
    let (event, delivery) = (id("evt_", "n"), id("dlv_", "n"));
    let conversation = id("cnv_", "0");
    let jobs = Jobs {
        kind: "webhook.deliver",
        org: &format!("'{org}'"),
        key: &delivery,
        queue: &format!("'{webhook}'"),
    };
    let jobs = jobs.insert(database, count)?;
    database.execute(&format!(
        "INSERT INTO event (org_id, seq, id, kind, at, conversation_id, conversation_seq, data) \
         SELECT '{org}', n, {event}, 'sms.received', {now}, {conversation}, n, '{DATA}' FROM {numbers};
         INSERT INTO event_counter (org_id, seq) VALUES ('{org}', {count}) \
         ON CONFLICT (org_id) DO UPDATE SET seq = excluded.seq;
         UPDATE webhook SET delivered_seq = {count} WHERE org_id = '{org}';
         INSERT INTO delivery (org_id, id, webhook_id, event_id, event_seq, event_type, state, attempts, tries, created_at, version) \
         SELECT '{org}', {delivery}, '{webhook}', {event}, n, 'sms.received', 'pending', '[]', 0, {now}, 1 FROM {numbers};
         {jobs}"
    ))?;
    database.tidy()
}

/// Waits until no job is left; an error when in `patience` none of them went.
pub fn until_done(stage: &Stage, patience: Duration) -> io::Result<()> {
    let (mut left, mut since) = (u64::MAX, Instant::now());
    while left > 0 {
        let now = stage.database.number("SELECT count(*) FROM job")?;
        if now < left {
            (left, since) = (now, Instant::now());
        } else if since.elapsed() > patience {
            return Err(io::Error::other(format!("{left} jobs do not end")));
        }
        thread::sleep(Duration::from_millis(250));
    }
    Ok(())
}
