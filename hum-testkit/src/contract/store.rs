//! Sentences about what is read back.

use std::time::Duration;

use hum_core::{
    consent::Consent,
    idempotency::StoredReply,
    job::{JobKind, NewJob},
    organization::KeywordReplies,
    record::{RecordReads, Value, get},
    sms::{ResolvedBy, Source, ToolCallLog},
    webhook::Delivery,
};
use serde_json::json;

use super::{
    StoreWorld, commit,
    sample::{Sample, contact, with},
};

async fn stored_reply(reads: &(impl RecordReads + ?Sized), key: &str) -> Option<StoredReply> {
    get(reads, &key.to_owned())
        .await
        .expect("the store answers")
}

/// Every kind of record comes back as it was, to the microsecond, with version 1.
pub async fn what_is_inserted_is_read_with_version_one(world: &dyn StoreWorld) {
    let s = Sample::new(world);
    let mut organization = s.organization();
    let mut account = s.carrier_account();
    let mut key = s.api_key();
    let mut flow = s.flow();
    let version = s.flow_version(&flow);
    let mut number = s.number("+13175550100", Some(flow.id));
    number.flow_id = Some(flow.id);
    let mut conversation = s.conversation(&number, contact());
    let mut inbound = s.inbound(&mut conversation, "SM-in");
    let mut delivered = s.delivered(&mut conversation, "SM-out");
    let mut attempt = s.attempt(&delivered);
    let mut consent = s.consent(contact());
    let mut turn = s.turn(&conversation, flow.id);
    let mut webhook = s.webhook();
    let mut event = s.event();
    event.conversation = Some((conversation.id, 9));
    let mut test = Delivery::test(webhook.id, &event, s.moment());
    let mut delivery = s.delivery(&webhook, &{
        event.seq = 1;
        event.clone()
    });
    let reply = s.stored_reply("key with spaces \u{1F511}");

    let mut batch = s.batch();
    batch.insert(&organization);
    batch.insert(&account);
    batch.insert(&key);
    batch.insert(&flow);
    batch.insert(&version);
    batch.insert(&number);
    batch.insert(&conversation);
    batch.insert(&inbound);
    batch.insert(&delivered);
    batch.insert(&attempt);
    batch.insert(&consent);
    batch.insert(&turn);
    batch.insert(&webhook);
    batch.insert(&delivery);
    batch.insert(&test);
    batch.insert(&reply);
    batch.insert(&s.audit());
    batch.emit(event.clone());
    assert_eq!(commit(world, batch).await.last_event_seq, Some(1));

    for version in [
        &mut organization.version,
        &mut account.version,
        &mut key.version,
        &mut flow.version,
        &mut number.version,
        &mut conversation.version,
        &mut inbound.version,
        &mut delivered.version,
        &mut attempt.version,
        &mut consent.version,
        &mut turn.version,
        &mut webhook.version,
        &mut delivery.version,
        &mut test.version,
    ] {
        *version = 1;
    }
    let store = world.store();
    let reads = store.org(s.org);
    assert_eq!(
        reads.organization().await.unwrap(),
        Some(organization.clone())
    );
    assert_eq!(
        reads.carrier_account().await.unwrap(),
        Some(account.clone())
    );
    assert_eq!(reads.api_key(key.id).await.unwrap(), Some(key.clone()));
    assert_eq!(reads.flow(flow.id).await.unwrap(), Some(flow.clone()));
    assert_eq!(reads.flow_version(flow.id, 1).await.unwrap(), Some(version));
    assert_eq!(reads.number(number.id).await.unwrap(), Some(number.clone()));
    assert_eq!(
        reads.conversation(conversation.id).await.unwrap(),
        Some(conversation.clone())
    );
    assert_eq!(
        reads
            .find_conversation(number.id, &contact())
            .await
            .unwrap(),
        Some(conversation)
    );
    assert_eq!(reads.message(inbound.id).await.unwrap(), Some(inbound));
    assert_eq!(
        reads.message(delivered.id).await.unwrap(),
        Some(delivered.clone())
    );
    assert_eq!(
        reads.last_attempt(delivered.id).await.unwrap(),
        Some(attempt.clone())
    );
    assert_eq!(reads.consent(&contact()).await.unwrap(), Some(consent));
    assert_eq!(reads.turn(turn.id).await.unwrap(), Some(turn));
    assert_eq!(reads.webhook(webhook.id).await.unwrap(), Some(webhook));
    assert_eq!(reads.delivery(delivery.id).await.unwrap(), Some(delivery));
    assert_eq!(reads.delivery(test.id).await.unwrap(), Some(test));
    assert_eq!(stored_reply(&*reads, &reply.key).await, Some(reply));
    assert_eq!(reads.event(1).await.unwrap(), Some(event));
    let system = store.system();
    assert_eq!(
        system.find_organization(&organization.slug).await.unwrap(),
        Some(organization.clone())
    );
    assert_eq!(system.list_organizations().await.unwrap(), [organization]);
    assert_eq!(
        system
            .find_carrier_account(&account.account_sid)
            .await
            .unwrap(),
        Some(account)
    );
    assert_eq!(system.find_api_key(&key.hash).await.unwrap(), Some(key));
    assert_eq!(
        system.find_attempt(&attempt.token).await.unwrap(),
        Some(attempt)
    );
}

/// Every kind that can change comes back changed, one version later, in each of its states.
pub async fn what_is_changed_is_read_with_the_next_version(world: &dyn StoreWorld) {
    let (s, mut flow, mut number, mut conversation) = Sample::stored(world, "+13175550100").await;
    let now = world.now();
    let mut message = s.inbound(&mut conversation, "SM1");
    let mut attempt = s.attempt(&message);
    let mut consent = Consent::unsaid(s.org, contact());
    let mut turn = s.turn(&conversation, flow.id);
    let mut webhook = s.webhook();
    let mut delivery = s.delivery(&webhook, &s.event());
    let mut key = s.api_key();
    let mut batch = s.batch();
    batch.insert(&message);
    batch.insert(&attempt);
    batch.insert(&consent);
    batch.insert(&turn);
    batch.insert(&webhook);
    batch.insert(&delivery);
    batch.insert(&key);
    commit(world, batch).await;
    let store = world.store();
    let reads = store.org(s.org);
    let mut organization = reads.organization().await.unwrap().unwrap();

    organization.keyword_replies = KeywordReplies::Carrier;
    organization.name = "Other".into();
    let mut definition = flow.definition().clone();
    definition.sms.debounce_ms = 0;
    flow = flow.next(definition, now);
    number.sms_enabled = false;
    number.sms_flow_id = None;
    conversation.assign(Some("kim".into()), s.moment());
    conversation.close(s.moment());
    conversation.hand_over("agent", "", s.moment());
    conversation.report(json!({"won": true}), s.moment());
    conversation.snooze(Some(now + Duration::from_secs(60)));
    message = message.withhold("canceled", now);
    consent = s.consent(contact());
    let nothing = [
        "previous_secret",
        "previous_secret_until",
        "failing_since",
        "failing_count",
    ];
    webhook = with(
        &webhook.disable("gone", now),
        nothing.map(|column| (column, Value::Null)),
    );
    delivery = with(&delivery.hold(), [("attempts", "[]".into())]);
    key = with(&key, [("revoked_at", now.as_micros().into())]);
    for version in [
        &mut message.version,
        &mut attempt.version,
        &mut consent.version,
        &mut turn.version,
        &mut webhook.version,
        &mut delivery.version,
        &mut key.version,
    ] {
        *version = 1;
    }
    let mut batch = s.batch();
    batch.put(&organization);
    batch.put(&flow);
    batch.put(&number);
    batch.put(&conversation);
    batch.put(&message);
    batch.put(&consent);
    batch.put(&webhook);
    batch.put(&delivery);
    batch.put(&key);
    commit(world, batch).await;
    for version in [
        &mut organization.version,
        &mut flow.version,
        &mut number.version,
        &mut conversation.version,
        &mut message.version,
        &mut consent.version,
        &mut webhook.version,
        &mut delivery.version,
        &mut key.version,
    ] {
        *version += 1;
    }
    assert_eq!(reads.organization().await.unwrap(), Some(organization));
    assert_eq!(reads.flow(flow.id).await.unwrap(), Some(flow));
    assert_eq!(reads.number(number.id).await.unwrap(), Some(number));
    assert_eq!(
        reads.conversation(conversation.id).await.unwrap(),
        Some(conversation)
    );
    assert_eq!(reads.message(message.id).await.unwrap(), Some(message));
    assert_eq!(reads.consent(&contact()).await.unwrap(), Some(consent));
    assert_eq!(reads.webhook(webhook.id).await.unwrap(), Some(webhook));
    assert_eq!(reads.delivery(delivery.id).await.unwrap(), Some(delivery));
    assert_eq!(reads.api_key(key.id).await.unwrap(), Some(key));

    for nth in 0..3 {
        let call = ToolCallLog {
            name: "x".into(),
            arguments: json!({}),
            output: String::new(),
            ran: false,
        };
        (attempt, turn) = match nth {
            0 => (
                attempt.fall_in_doubt(now).unwrap().looked(true),
                turn.discard(now, "paused"),
            ),
            1 => {
                let reply = Some(attempt.message);
                (
                    attempt.not_sent("refused".into()).unwrap(),
                    turn.finish(now, reply, true, vec![call]),
                )
            }
            _ => (
                attempt.confirm("SM2", ResolvedBy::Listing).unwrap(),
                turn.finish(now, None, false, Vec::new()),
            ),
        };
        let mut batch = s.batch();
        batch.put(&attempt);
        batch.put(&turn);
        commit(world, batch).await;
        attempt.version += 1;
        turn.version += 1;
        assert_eq!(
            reads.last_attempt(attempt.message).await.unwrap().as_ref(),
            Some(&attempt)
        );
        assert_eq!(reads.turn(turn.id).await.unwrap().as_ref(), Some(&turn));
    }
}

/// Ids of one organization are nothing to another one.
pub async fn another_organization_sees_nothing(world: &dyn StoreWorld) {
    let (s, flow, number, mut conversation) = Sample::stored(world, "+13175550100").await;
    let message = s.inbound(&mut conversation, "SM1");
    let mut batch = s.batch();
    batch.insert(&message);
    batch.insert(&s.attempt(&message));
    batch.insert(&s.consent(contact()));
    batch.emit(s.event());
    commit(world, batch).await;
    let (other, ..) = Sample::stored(world, "+13175550101").await;
    let reads = world.store().org(other.org);
    assert_eq!(reads.flow(flow.id).await.unwrap(), None);
    assert_eq!(reads.number(number.id).await.unwrap(), None);
    assert_eq!(reads.conversation(conversation.id).await.unwrap(), None);
    assert_eq!(
        reads
            .find_conversation(number.id, &contact())
            .await
            .unwrap(),
        None
    );
    assert_eq!(reads.message(message.id).await.unwrap(), None);
    assert_eq!(reads.last_attempt(message.id).await.unwrap(), None);
    assert_eq!(
        reads.recent_messages(conversation.id, 10).await.unwrap(),
        []
    );
    assert_eq!(reads.consent(&contact()).await.unwrap(), None);
    assert_eq!(reads.event(1).await.unwrap(), None);
    assert_eq!(reads.last_event_seq().await.unwrap(), 0);
    assert!(!reads.carrier_sid_taken("SM1").await.unwrap());
    assert!(
        world
            .store()
            .org(s.org)
            .carrier_sid_taken("SM1")
            .await
            .unwrap()
    );
}

/// A key notes its use without a version; expired replies are purged, others stay.
pub async fn keys_and_replies_are_kept_up(world: &dyn StoreWorld) {
    let s = Sample::new(world);
    let key = s.api_key();
    let old = s.stored_reply("old");
    let mut fresh = s.stored_reply("fresh");
    fresh.expires_at = world.now() + Duration::from_secs(10);
    let mut batch = s.batch();
    batch.insert(&key);
    batch.insert(&old);
    batch.insert(&fresh);
    commit(world, batch).await;
    let store = world.store();
    let system = store.system();
    let later = world.now() + Duration::from_secs(1);
    system.touch_api_key(s.org, key.id, later).await.unwrap();
    let read = store.org(s.org).api_key(key.id).await.unwrap().unwrap();
    assert_eq!((read.last_used_at, read.version), (Some(later), 1));
    // A change that was decided before the key was used does not turn that back.
    let mut batch = s.batch();
    batch.put(&with(
        &key,
        [
            ("revoked_at", later.as_micros().into()),
            ("version", 1.into()),
        ],
    ));
    commit(world, batch).await;
    let read = system.find_api_key(&key.hash).await.unwrap().unwrap();
    assert_eq!(
        (read.last_used_at, read.revoked_at(), read.version),
        (Some(later), Some(later), 2)
    );

    assert_eq!(system.purge_expired(later).await.unwrap(), 1);
    assert_eq!(system.purge_expired(later).await.unwrap(), 0);
    let reads = store.org(s.org);
    assert_eq!(stored_reply(&*reads, "old").await, None);
    assert!(stored_reply(&*reads, "fresh").await.is_some());
}

/// What an operator watches, over all organizations.
pub async fn the_operator_sees_counts(world: &dyn StoreWorld) {
    let (s, _, _, mut conversation) = Sample::stored(world, "+13175550100").await;
    let doubtful = s
        .outbound(&mut conversation, Source::Ai, "Hello")
        .fall_in_doubt("no answer", world.now());
    let webhook = s.webhook();
    let mut held = s.delivery(&webhook, &s.event()).hold();
    held.event_seq = Some(8);
    let mut batch = s.batch();
    batch.insert(&doubtful);
    batch.insert(&s.delivery(&webhook, &s.event()));
    batch.insert(&held);
    batch.enqueue(NewJob::new(
        JobKind::new("contract.count"),
        s.org,
        "x",
        world.now(),
        s.moment(),
    ));
    commit(world, batch).await;
    let counts = world.store().system().counts().await.unwrap();
    assert_eq!(counts.messages_in_doubt, 1);
    assert_eq!(counts.deliveries_pending, 1);
    assert_eq!(
        counts.jobs,
        [("contract.count".to_owned(), "queued".to_owned(), 1)]
    );
}

/// A store that was opened has the schema of this build.
pub async fn the_store_is_ready(world: &dyn StoreWorld) {
    world.store().system().ready().await.unwrap();
}
