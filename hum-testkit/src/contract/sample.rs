//! Records for tests: one way to make each, with every optional part filled in somewhere.

use std::{collections::BTreeSet, time::Duration};

use hum_core::{access::{ApiKey, Role}, address::{Address, State}, address_session::{AddressSession, Found, Geocoded, Internet, SessionRequest}, audit::AuditRow, batch::Batch, broadband::Coverage, consent::{Consent, ConsentSource, ConsentState}, event::{Event, EventKind}, flow::{Flow, FlowDefinition, FlowVersion}, geocode::{Candidate, Coordinates}, id::{AddressSessionId, ApiKeyId, AuditId, FlowId, MessageId, NumberId, OrgId, TurnId, WebhookId}, idempotency::StoredReply, number::{E164, Number}, organization::{CarrierAccount, KeywordReplies, Organization}, sms::{CarrierFacts, Conversation, Direction, Message, MessageStatus, SendAttempt, Source, ToolCallLog, Turn, TurnState}, telephony::CarrierStatus, webhook::{Attempt, Delivery, Failing, Webhook, WebhookState}};
use serde_json::json;

use super::{StoreWorld, commit};
use crate::fake::sources::{candidate, provider};

/// The carrier account of the sample numbers.
pub const ACCOUNT: &str = "AC00000000000000000000000000000001";

/// A number in international form.
pub fn e164(text: &str) -> E164 {
    text.parse().expect("a sample number")
}

/// A number of the contact that many tests have.
pub fn contact() -> E164 {
    e164("+13175550199")
}

/// Makes records of one organization; later ones have later ids.
pub struct Sample<'w> {
    /// Where.
    pub world: &'w dyn StoreWorld,
    /// Whose.
    pub org: OrgId,
}

impl<'w> Sample<'w> {
    /// Of a new organization, which is not stored yet.
    pub fn new(world: &'w dyn StoreWorld) -> Self {
        Self { world, org: OrgId::new(world.now(), world.entropy()) }
    }

    /// An empty batch.
    pub fn batch(&self) -> Batch {
        Batch::for_org(self.org)
    }

    /// The organization.
    pub fn organization(&self) -> Organization {
        Organization {
            id: self.org,
            slug: format!("acme-{}", self.world.entropy().token()),
            name: "Acme \u{1F44B} GmbH".into(),
            keyword_replies: KeywordReplies::Hum,
            created_at: self.world.now(),
            version: 0,
        }
    }

    /// Its account.
    pub fn carrier_account(&self) -> CarrierAccount {
        CarrierAccount {
            org: self.org,
            account_sid: format!("AC{}", self.world.entropy().token()),
            auth_token: vec![0, 1, 255],
            secondary_auth_token: Some(vec![7; 40]),
            updated_at: self.world.now(),
            version: 0,
        }
    }

    /// A key.
    pub fn api_key(&self) -> ApiKey {
        ApiKey {
            id: ApiKeyId::new(self.world.now(), self.world.entropy()),
            org: self.org,
            name: "CI".into(),
            role: Role::Operator,
            scopes: vec!["sms:write".into(), "flows:read".into()],
            hash: self.world.entropy().bytes(),
            last_four: "a1B2".into(),
            created_at: self.world.now(),
            last_used_at: None,
            revoked_at: None,
            version: 0,
        }
    }

    /// A flow.
    pub fn flow(&self) -> Flow {
        let mut definition = FlowDefinition::named("Front desk");
        definition.sms.debounce_ms = 2_500;
        definition.business_hours = Some(json!({"mon": [["09:00", "17:00"]], "zone": "America/New_York"}));
        definition.tools = vec!["assign_to_human".into()];
        Flow {
            id: FlowId::new(self.world.now(), self.world.entropy()),
            org: self.org,
            latest: 1,
            definition,
            created_at: self.world.now(),
            updated_at: self.world.now(),
            deleted_at: None,
            version: 0,
        }
    }

    /// A flow's newest version.
    pub fn flow_version(&self, flow: &Flow) -> FlowVersion {
        FlowVersion {
            org: self.org,
            flow: flow.id,
            number: flow.latest,
            definition: flow.definition.clone(),
            created_at: flow.updated_at,
            created_by: "system".into(),
        }
    }

    /// A number that `flow` answers.
    pub fn number(&self, text: &str, flow: Option<FlowId>) -> Number {
        Number {
            id: NumberId::new(self.world.now(), self.world.entropy()),
            org: self.org,
            e164: e164(text),
            carrier_account: ACCOUNT.into(),
            friendly_name: "Main line".into(),
            flow_id: None,
            sms_flow_id: flow,
            sms_enabled: true,
            created_at: self.world.now(),
            version: 0,
        }
    }

    /// A thread.
    pub fn conversation(&self, number: &Number, contact: E164) -> Conversation {
        Conversation::start(number, contact, self.world.now(), self.world.entropy())
    }

    /// The next text from the contact.
    pub fn inbound(&self, conversation: &mut Conversation, sid: &str) -> Message {
        let now = self.world.now();
        let seq = conversation.take(Direction::Inbound, now);
        Message {
            id: MessageId::new(now, self.world.entropy()),
            org: self.org,
            conversation: conversation.id,
            seq,
            direction: Direction::Inbound,
            source: Source::Contact,
            body: "Hi there, it's \"me\" \u{1F44B}\n".into(),
            media: vec!["https://example.com/1.jpg".into()],
            status: MessageStatus::Received,
            carrier: CarrierFacts { sid: Some(sid.into()), ..CarrierFacts::default() },
            detail: None,
            turn: None,
            resend_of: None,
            created_at: now,
            updated_at: now,
            version: 0,
        }
    }

    /// The next text to the contact.
    pub fn outbound(&self, conversation: &mut Conversation, source: Source, body: &str) -> Message {
        let now = self.world.now();
        let seq = conversation.take(Direction::Outbound, now);
        Message::outbound(conversation, seq, source, body.into(), now, self.world.entropy())
    }

    /// A text that the carrier has said much about.
    pub fn delivered(&self, conversation: &mut Conversation, sid: &str) -> Message {
        let now = self.world.now();
        let mut message = self.outbound(conversation, Source::Ai, "Hello!");
        message.learn(sid, CarrierStatus::Failed, Some(30_003), now);
        message.learn(sid, CarrierStatus::Delivered, Some(30_005), now);
        message.carrier.segments = Some(2);
        message.detail = Some("contradicted itself".into());
        message.turn = Some(TurnId::new(now, self.world.entropy()));
        message.resend_of = Some(MessageId::new(now, self.world.entropy()));
        message
    }

    /// A try.
    pub fn attempt(&self, message: &Message) -> SendAttempt {
        SendAttempt::begin(self.org, message.id, self.world.now(), self.world.entropy())
    }

    /// What a contact said.
    pub fn consent(&self, contact: E164) -> Consent {
        let state = ConsentState::OptedOut { at: self.world.now(), source: ConsentSource::Keyword };
        Consent { org: self.org, contact, state, version: 0 }
    }

    /// A turn that runs.
    pub fn turn(&self, conversation: &Conversation, flow: FlowId) -> Turn {
        Turn {
            id: TurnId::new(self.world.now(), self.world.entropy()),
            org: self.org,
            conversation: conversation.id,
            flow,
            flow_version: 3,
            after_seq: 1,
            upto_seq: 2,
            state: TurnState::Running,
            tool_calls: vec![ToolCallLog {
                name: "report_outcome".into(),
                arguments: json!({"outcome": {"b": 1, "a": [null, 2.5]}}),
                output: "ok".into(),
                ran: true,
            }],
            started_at: self.world.now(),
            version: 0,
        }
    }

    /// An endpoint with every part.
    pub fn webhook(&self) -> Webhook {
        let now = self.world.now();
        Webhook {
            id: WebhookId::new(now, self.world.entropy()),
            org: self.org,
            url: "https://example.com/hook".into(),
            description: String::new(),
            events: BTreeSet::from([EventKind::SmsReceived, EventKind::SmsFailed]),
            headers: vec![1, 2, 3],
            secret: vec![4, 5, 6],
            previous_secret: Some((vec![7], now)),
            state: WebhookState::Enabled,
            delivered_seq: 0,
            failing: Some(Failing { since: now, count: 3 }),
            created_at: now,
            deleted_at: None,
            version: 0,
        }
    }

    /// An event of no conversation.
    pub fn event(&self) -> Event {
        let (now, entropy) = (self.world.now(), self.world.entropy());
        Event::new(self.org, EventKind::OutcomeCaptured, json!({"b": [1, {"a": null}], "a": "é"}), now, entropy)
    }

    /// An event on its way, tried once.
    pub fn delivery(&self, webhook: &Webhook, event: &Event) -> Delivery {
        let now = self.world.now();
        let attempt = Attempt {
            at: now + Duration::from_micros(7),
            status: Some(503),
            duration_ms: 12,
            error: Some("busy".into()),
            response: None,
        };
        Delivery { attempts: vec![attempt], tries: 1, ..Delivery::of(webhook.id, event, now, self.world.entropy()) }
    }

    /// An answer.
    pub fn stored_reply(&self, key: &str) -> StoredReply {
        StoredReply {
            org: self.org,
            key: key.into(),
            fingerprint: self.world.entropy().bytes(),
            status: 201,
            body: vec![0; 10],
            expires_at: self.world.now(),
        }
    }

    /// An act.
    pub fn audit(&self) -> AuditRow {
        AuditRow {
            id: AuditId::new(self.world.now(), self.world.entropy()),
            org: self.org,
            at: self.world.now(),
            actor: "system".into(),
            action: "opt_out.remove",
            subject: contact().to_string(),
        }
    }

    /// An address session with every part, closed although something was found.
    pub fn address_session(&self) -> AddressSession {
        let (now, given) = (self.world.now(), Coordinates { latitude: 42.473_421_5, longitude: -83.221_873 });
        let address = Address {
            street: "29090 TIFFANY DR E".into(),
            unit: Some("APT A2".into()),
            city: Some("SOUTHFIELD".into()),
            state: Some(State::Michigan),
            zip5: Some("48034".into()),
            plus4: Some("1234".into()),
            urbanization: Some("URB LAS GLADIOLAS".into()),
        };
        let place = Candidate { block_geoid: Some("261251623003012".into()), ..candidate(&address, Some(given)) };
        let providers = vec![provider("Fiber \u{1F44B}", 1_000), provider("Cable", 300)];
        let coverage = Coverage { data_set: "sample-1".into(), providers, problems: Vec::new() };
        AddressSession {
            id: AddressSessionId::new(now, self.world.entropy()),
            org: self.org,
            token_hash: self.world.entropy().bytes(),
            request: SessionRequest {
                street1: "29090 Tiffany Drive E \u{1F3E0}".into(),
                street2: Some("A2".into()),
                city: Some("Southfield".into()),
                state: Some("MI".into()),
                zip: Some("48034-1234".into()),
                latitude: Some(given.latitude),
                longitude: Some(given.longitude),
                campaign_id: Some("spring \"25\"".into()),
            },
            found: Found {
                geocoding: Geocoded::Matched(Box::new(place)),
                internet: Internet::Matched(coverage),
                problems: vec!["plans are not known here".into()],
            },
            created_at: now,
            updated_at: now + Duration::from_micros(1),
            expires_at: now + Duration::from_secs(1_800),
            closed_at: Some(now + Duration::from_micros(2)),
            version: 0,
        }
    }

    /// An organization with an agent, a number that it answers and a thread, all stored.
    pub async fn stored(world: &'w dyn StoreWorld, number: &str) -> (Self, Flow, Number, Conversation) {
        let sample = Self::new(world);
        let mut flow = sample.flow();
        let mut number = sample.number(number, Some(flow.id));
        let mut conversation = sample.conversation(&number, contact());
        let mut batch = sample.batch();
        batch.insert(sample.organization());
        batch.insert(flow.clone());
        batch.insert(number.clone());
        batch.insert(conversation.clone());
        commit(world, batch).await;
        flow.version = 1;
        number.version = 1;
        conversation.version = 1;
        (sample, flow, number, conversation)
    }
}
