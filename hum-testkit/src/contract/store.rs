//! Sentences about committing, and about what is read back.

use std::time::Duration;

use futures_util::future::join_all;
use hum_core::{batch::{Guard, Record}, consent::{Consent, ConsentState}, event::EventKind, id::OrgId, organization::KeywordReplies, sms::{AttemptState, Attention, ConversationStatus, Direction, MessageStatus, ResolvedBy, Source, TurnState}, store::{CommitError, Conflict, StoreError}, webhook::{Delivery, DeliveryState, WebhookState}};
use serde_json::json;

use super::{
    StoreWorld, commit, conflict, refused,
    sample::{ACCOUNT, Sample, contact, e164},
};

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
    let mut test = Delivery::test(webhook.id, &event, world.now(), world.entropy());
    let mut delivery = s.delivery(&webhook, &{
        event.seq = 1;
        event.clone()
    });
    let reply = s.stored_reply("key with spaces \u{1F511}");

    let mut batch = s.batch();
    batch.insert(organization.clone());
    batch.insert(account.clone());
    batch.insert(key.clone());
    batch.insert(flow.clone());
    batch.insert(version.clone());
    batch.insert(number.clone());
    batch.insert(conversation.clone());
    batch.insert(inbound.clone());
    batch.insert(delivered.clone());
    batch.insert(attempt.clone());
    batch.insert(consent.clone());
    batch.insert(turn.clone());
    batch.insert(webhook.clone());
    batch.insert(delivery.clone());
    batch.insert(test.clone());
    batch.insert(reply.clone());
    batch.insert(s.audit());
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
    assert_eq!(reads.organization().await.unwrap(), Some(organization.clone()));
    assert_eq!(reads.carrier_account().await.unwrap(), Some(account.clone()));
    assert_eq!(reads.api_key(key.id).await.unwrap(), Some(key.clone()));
    assert_eq!(reads.flow(flow.id).await.unwrap(), Some(flow.clone()));
    assert_eq!(reads.flow_version(flow.id, 1).await.unwrap(), Some(version));
    assert_eq!(reads.number(number.id).await.unwrap(), Some(number.clone()));
    assert_eq!(reads.conversation(conversation.id).await.unwrap(), Some(conversation.clone()));
    assert_eq!(reads.find_conversation(number.id, &contact()).await.unwrap(), Some(conversation));
    assert_eq!(reads.message(inbound.id).await.unwrap(), Some(inbound));
    assert_eq!(reads.message(delivered.id).await.unwrap(), Some(delivered.clone()));
    assert_eq!(reads.last_attempt(delivered.id).await.unwrap(), Some(attempt.clone()));
    assert_eq!(reads.consent(&contact()).await.unwrap(), Some(consent));
    assert_eq!(reads.turn(turn.id).await.unwrap(), Some(turn));
    assert_eq!(reads.webhook(webhook.id).await.unwrap(), Some(webhook));
    assert_eq!(reads.delivery(delivery.id).await.unwrap(), Some(delivery));
    assert_eq!(reads.delivery(test.id).await.unwrap(), Some(test));
    assert_eq!(reads.stored_reply(&reply.key).await.unwrap(), Some(reply));
    assert_eq!(reads.event(1).await.unwrap(), Some(event));
    let system = store.system();
    assert_eq!(system.find_organization(&organization.slug).await.unwrap(), Some(organization.clone()));
    assert_eq!(system.list_organizations().await.unwrap(), [organization]);
    assert_eq!(system.find_carrier_account(&account.account_sid).await.unwrap(), Some(account));
    assert_eq!(system.find_api_key(&key.hash).await.unwrap(), Some(key));
    assert_eq!(system.find_attempt(&attempt.token).await.unwrap(), Some(attempt));
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
    batch.insert(message.clone());
    batch.insert(attempt.clone());
    batch.insert(consent.clone());
    batch.insert(turn.clone());
    batch.insert(webhook.clone());
    batch.insert(delivery.clone());
    batch.insert(key.clone());
    commit(world, batch).await;
    let store = world.store();
    let reads = store.org(s.org);
    let mut organization = reads.organization().await.unwrap().unwrap();

    organization.keyword_replies = KeywordReplies::Carrier;
    organization.name = "Other".into();
    flow.latest = 2;
    flow.definition.sms.debounce_ms = 0;
    number.sms_enabled = false;
    number.sms_flow_id = None;
    conversation.status = ConversationStatus::Closed { at: now };
    conversation.snoozed_until = Some(now + Duration::from_secs(60));
    conversation.assignee = Some("kim".into());
    conversation.attention = Some(Attention { reason: "agent".into(), note: String::new() });
    conversation.outcome = Some(json!({"won": true}));
    conversation.ai_paused = true;
    message.status = MessageStatus::Withheld;
    consent.state = s.consent(contact()).state;
    webhook.state = WebhookState::Disabled { reason: "gone".into(), at: now };
    webhook.previous_secret = None;
    webhook.failing = None;
    delivery.state = DeliveryState::Held;
    delivery.attempts.clear();
    key.revoked_at = Some(now);
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
    batch.put(organization.clone());
    batch.put(flow.clone());
    batch.put(number.clone());
    batch.put(conversation.clone());
    batch.put(message.clone());
    batch.put(consent.clone());
    batch.put(webhook.clone());
    batch.put(delivery.clone());
    batch.put(key.clone());
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
    assert_eq!(reads.conversation(conversation.id).await.unwrap(), Some(conversation));
    assert_eq!(reads.message(message.id).await.unwrap(), Some(message));
    assert_eq!(reads.consent(&contact()).await.unwrap(), Some(consent));
    assert_eq!(reads.webhook(webhook.id).await.unwrap(), Some(webhook));
    assert_eq!(reads.delivery(delivery.id).await.unwrap(), Some(delivery));
    assert_eq!(reads.api_key(key.id).await.unwrap(), Some(key));

    let attempts = [
        AttemptState::InDoubt { since: now, presumed_absent: true, looked: 4 },
        AttemptState::NotSent { reason: "refused".into() },
        AttemptState::Confirmed { sid: "SM2".into(), by: ResolvedBy::Listing },
    ];
    let turns = [
        TurnState::Discarded { at: now, reason: "paused".into() },
        TurnState::Finished { at: now, reply: Some(attempt.message), fallback: true },
        TurnState::Finished { at: now, reply: None, fallback: false },
    ];
    for (attempt_state, turn_state) in attempts.into_iter().zip(turns) {
        attempt.state = attempt_state;
        turn.state = turn_state;
        let mut batch = s.batch();
        batch.put(attempt.clone());
        batch.put(turn.clone());
        commit(world, batch).await;
        attempt.version += 1;
        turn.version += 1;
        assert_eq!(reads.last_attempt(attempt.message).await.unwrap().as_ref(), Some(&attempt));
        assert_eq!(reads.turn(turn.id).await.unwrap().as_ref(), Some(&turn));
    }
}

/// A decision on an old version is refused as a whole.
pub async fn a_stale_version_changes_nothing(world: &dyn StoreWorld) {
    let (s, _, number, mut conversation) = Sample::stored(world, "+13175550100").await;
    let mut batch = s.batch();
    batch.put(conversation.clone());
    commit(world, batch).await;

    let message = s.inbound(&mut conversation, "SM1");
    let mut batch = s.batch();
    batch.insert(message.clone());
    batch.emit(s.event());
    batch.put(number.clone());
    batch.put(conversation.clone());
    assert_eq!(refused(world, batch).await, Conflict::Changed);

    let store = world.store();
    let reads = store.org(s.org);
    let stored = reads.conversation(conversation.id).await.unwrap().unwrap();
    assert_eq!((stored.version, stored.last_seq), (2, 0));
    assert_eq!(reads.message(message.id).await.unwrap(), None);
    assert_eq!(reads.number(number.id).await.unwrap().map(|number| number.version), Some(1));
    assert_eq!(reads.events_after(0, 10).await.unwrap(), []);
    assert_eq!(store.system().counts().await.unwrap().jobs, []);
}

/// Changing what is not there is a change of something else.
pub async fn a_record_that_is_not_there_cannot_be_changed(world: &dyn StoreWorld) {
    let (s, _, number, _) = Sample::stored(world, "+13175550100").await;
    let mut other = s.conversation(&number, e164("+13175550111"));
    other.version = 1;
    let mut batch = s.batch();
    batch.put(other.clone());
    assert_eq!(refused(world, batch).await, Conflict::Changed);
    assert_eq!(world.store().org(s.org).conversation(other.id).await.unwrap(), None);
}

/// Each key and unique column is taken once, and whoever comes second leaves no trace.
pub async fn a_taken_key_or_unique_column_leaves_nothing(world: &dyn StoreWorld) {
    let (s, flow, number, mut conversation) = Sample::stored(world, "+13175550100").await;
    let account = s.carrier_account();
    let key = s.api_key();
    let message = s.inbound(&mut conversation, "SM1");
    let attempt = s.attempt(&message);
    let consent = s.consent(contact());
    let webhook = s.webhook();
    let mut event = s.event();
    event.seq = 1;
    let delivery = s.delivery(&webhook, &event);
    let reply = s.stored_reply("k");
    let version = s.flow_version(&flow);
    let mut batch = s.batch();
    batch.insert(account.clone());
    batch.insert(key.clone());
    batch.insert(message.clone());
    batch.insert(attempt.clone());
    batch.insert(consent.clone());
    batch.insert(delivery.clone());
    batch.insert(reply.clone());
    batch.insert(version.clone());
    commit(world, batch).await;

    let store = world.store();
    let slug = store.org(s.org).organization().await.unwrap().unwrap().slug;
    let other = Sample::new(world);
    let mut same_slug = other.organization();
    same_slug.slug = slug;
    let mut same_account = other.carrier_account();
    same_account.account_sid = account.account_sid.clone();
    let mut same_hash = other.api_key();
    same_hash.hash = key.hash;
    let same_number = other.number("+13175550100", None);
    let mut same_token = other.attempt(&message);
    same_token.token = attempt.token.clone();
    // Across organizations.
    for record in [Record::from(same_slug), same_account.into(), same_hash.into(), same_number.into(), same_token.into()] {
        let mut batch = other.batch();
        batch.insert(other.webhook());
        batch.emit(other.event());
        batch.insert(record.clone());
        assert_eq!(refused(world, batch).await, Conflict::Exists, "{record:?}");
    }
    assert_eq!(store.org(other.org).count_webhooks().await.unwrap(), 0);
    assert_eq!(store.org(other.org).last_event_seq().await.unwrap(), 0);

    // Within one.
    let same_pair = s.conversation(&number, contact());
    let mut same_seq = s.inbound(&mut conversation, "SM2");
    same_seq.seq = message.seq;
    let mut same_sid = s.inbound(&mut conversation, "SM1");
    same_sid.seq = 77;
    let same_event = s.delivery(&webhook, &event);
    for record in [
        Record::from(same_pair),
        same_seq.into(),
        same_sid.into(),
        same_event.into(),
        consent.into(),
        reply.into(),
        version.into(),
        number.into(),
        flow.into(),
    ] {
        let mut batch = s.batch();
        batch.insert(s.webhook());
        batch.insert(record.clone());
        assert_eq!(refused(world, batch).await, Conflict::Exists, "{record:?}");
    }
    assert_eq!(store.org(s.org).count_webhooks().await.unwrap(), 0);

    // The same carrier sid in another organization is another text.
    let (other, _, _, mut elsewhere) = Sample::stored(world, "+13175550177").await;
    let mut batch = other.batch();
    batch.insert(other.inbound(&mut elsewhere, "SM1"));
    commit(world, batch).await;
}

/// A guard writes nothing, and refuses the whole batch when what it rests on changed.
pub async fn a_guard_holds_only_at_its_version(world: &dyn StoreWorld) {
    let (s, _, _, conversation) = Sample::stored(world, "+13175550100").await;
    let webhook = s.webhook();
    let mut batch = s.batch();
    batch.insert(s.consent(contact()));
    batch.insert(webhook.clone());
    commit(world, batch).await;

    let guards = |version| {
        [Guard::Conversation(conversation.id, version), Guard::Consent(contact(), version), Guard::Webhook(webhook.id, version)]
    };
    let mut batch = s.batch();
    guards(1).into_iter().for_each(|guard| batch.guard(guard));
    batch.emit(s.event());
    commit(world, batch).await;
    for stale in guards(2) {
        let mut batch = s.batch();
        batch.guard(stale);
        batch.emit(s.event());
        assert_eq!(refused(world, batch).await, Conflict::Changed);
    }
    assert_eq!(world.store().org(s.org).last_event_seq().await.unwrap(), 1);
}

/// Two batches that each rest on what the other changes: at most one is committed.
pub async fn guards_do_not_let_two_batches_cross(world: &dyn StoreWorld) {
    let (s, _, _, conversation) = Sample::stored(world, "+13175550100").await;
    let mut consent = s.consent(contact());
    let mut batch = s.batch();
    batch.insert(consent.clone());
    commit(world, batch).await;
    consent.version = 1;
    for version in 1..=20 {
        consent.version = version;
        consent.state = ConsentState::Unsaid;
        let mut one = s.batch();
        one.put(consent.clone());
        one.guard(Guard::Conversation(conversation.id, version));
        let mut other = s.batch();
        let conversation = hum_core::sms::Conversation { version, ..conversation.clone() };
        other.put(conversation.clone());
        other.guard(Guard::Consent(contact(), version));
        let store = world.store();
        let (a, b) = futures_util::join!(store.commit(one), store.commit(other));
        let (a, b) = (conflict(a), conflict(b));
        assert!(a.is_some() || b.is_some(), "both were committed");
        // Bring both to the next version.
        let mut batch = s.batch();
        if a.is_some() {
            batch.put(consent.clone());
        }
        if b.is_some() {
            batch.put(conversation);
        }
        commit(world, batch).await;
    }
}

/// A batch cannot reach into another organization, whatever a decision did wrong.
pub async fn a_write_for_another_organization_is_refused(world: &dyn StoreWorld) {
    let (s, _, number, _) = Sample::stored(world, "+13175550100").await;
    let other = Sample::new(world);
    let foreign = OrgId::new(world.now(), world.entropy());
    let mut batch = other.batch();
    batch.put(number);
    assert!(matches!(world.store().commit(batch).await, Err(CommitError::Store(StoreError::Corrupt { .. }))));
    let mut batch = other.batch();
    batch.emit(hum_core::event::Event { org: foreign, ..s.event() });
    assert!(matches!(world.store().commit(batch).await, Err(CommitError::Store(StoreError::Corrupt { .. }))));
}

/// Ids of one organization are nothing to another one.
pub async fn another_organization_sees_nothing(world: &dyn StoreWorld) {
    let (s, flow, number, mut conversation) = Sample::stored(world, "+13175550100").await;
    let message = s.inbound(&mut conversation, "SM1");
    let mut batch = s.batch();
    batch.insert(message.clone());
    batch.insert(s.attempt(&message));
    batch.insert(s.consent(contact()));
    batch.emit(s.event());
    commit(world, batch).await;
    let (other, ..) = Sample::stored(world, "+13175550101").await;
    let reads = world.store().org(other.org);
    assert_eq!(reads.flow(flow.id).await.unwrap(), None);
    assert_eq!(reads.number(number.id).await.unwrap(), None);
    assert_eq!(reads.conversation(conversation.id).await.unwrap(), None);
    assert_eq!(reads.find_conversation(number.id, &contact()).await.unwrap(), None);
    assert_eq!(reads.message(message.id).await.unwrap(), None);
    assert_eq!(reads.last_attempt(message.id).await.unwrap(), None);
    assert_eq!(reads.recent_messages(conversation.id, 10).await.unwrap(), []);
    assert_eq!(reads.consent(&contact()).await.unwrap(), None);
    assert_eq!(reads.event(1).await.unwrap(), None);
    assert_eq!(reads.last_event_seq().await.unwrap(), 0);
    assert!(!reads.carrier_sid_taken("SM1").await.unwrap());
    assert!(world.store().org(s.org).carrier_sid_taken("SM1").await.unwrap());
}

/// Fifty commits at once, some of them refused: the feed has every number once.
pub async fn events_are_numbered_without_gaps(world: &dyn StoreWorld) {
    let (s, _, number, _) = Sample::stored(world, "+13175550100").await;
    let store = world.store();
    let commits = (0..50).map(|nth| {
        let mut batch = s.batch();
        for _ in 0..nth % 3 + 1 {
            batch.emit(s.event());
        }
        if nth % 10 == 9 {
            batch.insert(number.clone());
        }
        store.commit(batch)
    });
    let results = join_all(commits).await;
    let mut last: Vec<i64> = results.iter().filter_map(|result| result.as_ref().ok()?.last_event_seq).collect();
    assert_eq!(results.into_iter().filter_map(conflict).collect::<Vec<_>>(), [Conflict::Exists; 5]);
    let reads = store.org(s.org);
    let events = reads.events_after(0, 1_000).await.unwrap();
    let seqs: Vec<i64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, (1..=seqs.len() as i64).collect::<Vec<_>>());
    last.sort_unstable();
    last.dedup();
    assert_eq!(last.len(), 45);
    assert_eq!(last.last(), seqs.last());
    assert_eq!(reads.last_event_seq().await.unwrap(), seqs.len() as i64);
    assert_eq!(reads.events_after(3, 2).await.unwrap().iter().map(|event| event.seq).collect::<Vec<_>>(), [4, 5]);
}

/// Sixty-four texts for one thread at once: each is stored once, and none overwrites another.
pub async fn concurrent_changes_of_one_conversation_happen_once_each(world: &dyn StoreWorld) {
    const TEXTS: i64 = 64;
    let (s, _, _, conversation) = Sample::stored(world, "+13175550100").await;
    let store = world.store();
    let texts = (0..TEXTS).map(|nth| {
        let (s, store, id) = (&s, &store, conversation.id);
        async move {
            loop {
                let mut conversation = store.org(s.org).conversation(id).await.unwrap().unwrap();
                let message = s.inbound(&mut conversation, &format!("SM{nth}"));
                let mut batch = s.batch();
                batch.insert(message.clone());
                batch.emit(conversation.event(EventKind::SmsReceived, Some(&message), world.now(), world.entropy()));
                batch.put(conversation);
                match conflict(store.commit(batch).await) {
                    None => return,
                    Some(conflict) => assert_ne!(conflict, Conflict::StaleFence),
                }
            }
        }
    });
    join_all(texts).await;
    let reads = store.org(s.org);
    let stored = reads.conversation(conversation.id).await.unwrap().unwrap();
    assert_eq!((stored.last_seq, stored.unread_count, stored.version), (TEXTS, TEXTS, TEXTS + 1));
    let messages = reads.recent_messages(conversation.id, 200).await.unwrap();
    assert_eq!(messages.iter().map(|message| message.seq).collect::<Vec<_>>(), (1..=TEXTS).collect::<Vec<_>>());
    assert_eq!(reads.last_event_seq().await.unwrap(), TEXTS);
}

/// Whatever shares a transaction with a bad batch does not share its fate.
pub async fn a_bad_batch_fails_alone(world: &dyn StoreWorld) {
    let (s, _, number, conversation) = Sample::stored(world, "+13175550100").await;
    let store = world.store();
    let stale = hum_core::sms::Conversation { version: 7, ..conversation };
    let keys: Vec<_> = (0..40).map(|_| s.api_key()).collect();
    let commits = keys.iter().enumerate().map(|(nth, key)| {
        let mut batch = s.batch();
        batch.insert(key.clone());
        match nth {
            13 => batch.insert(number.clone()),
            26 => batch.put(stale.clone()),
            39 => batch.finish(hum_core::id::JobId::new(world.now(), world.entropy()), 1, hum_core::batch::Finished::Done),
            _ => batch.emit(s.event()),
        }
        store.commit(batch)
    });
    let results: Vec<_> = join_all(commits).await.into_iter().map(conflict).collect();
    let reads = store.org(s.org);
    for (nth, (key, result)) in keys.iter().zip(results).enumerate() {
        let expected = match nth {
            13 => Some(Conflict::Exists),
            26 => Some(Conflict::Changed),
            39 => Some(Conflict::StaleFence),
            _ => None,
        };
        assert_eq!(result, expected, "batch {nth}");
        assert_eq!(reads.api_key(key.id).await.unwrap().is_some(), expected.is_none(), "batch {nth}");
    }
    assert_eq!(reads.last_event_seq().await.unwrap(), 37);
}

/// The first text of a contact, told twice at once: one thread.
pub async fn one_of_many_equal_inserts_wins(world: &dyn StoreWorld) {
    let (s, _, number, _) = Sample::stored(world, "+13175550100").await;
    let store = world.store();
    let commits = (0..20).map(|nth| {
        let mut conversation = s.conversation(&number, e164("+13175550155"));
        let mut batch = s.batch();
        batch.insert(s.inbound(&mut conversation, &format!("SM{nth}")));
        batch.insert(s.consent(e164("+13175550155")));
        batch.insert(conversation);
        store.commit(batch)
    });
    let results: Vec<_> = join_all(commits).await.into_iter().map(conflict).collect();
    assert_eq!(results.iter().filter(|result| result.is_none()).count(), 1);
    assert_eq!(results.iter().filter(|result| **result == Some(Conflict::Exists)).count(), 19);
    let conversation = store.org(s.org).find_conversation(number.id, &e164("+13175550155")).await.unwrap().unwrap();
    assert_eq!(store.org(s.org).recent_messages(conversation.id, 10).await.unwrap().len(), 1);
}

/// One read has whatever deciding about a text needs.
pub async fn an_inbound_text_finds_everything_at_once(world: &dyn StoreWorld) {
    let (s, _, number, mut conversation) = Sample::stored(world, "+13175550100").await;
    let store = world.store();
    let load = async |account: &str, to: &str, from: &str, sid: &str| {
        store.system().load_inbound(account, &e164(to), &e164(from), sid).await.unwrap()
    };
    assert!(load("AC-else", "+13175550100", "+13175550199", "SM1").await.is_none());
    assert!(load(ACCOUNT, "+13175550109", "+13175550199", "SM1").await.is_none());
    let bare = load(ACCOUNT, "+13175550100", "+13175550111", "SM1").await.unwrap();
    assert_eq!((bare.number, bare.keyword_replies), (number.clone(), KeywordReplies::Hum));
    assert_eq!((bare.account, bare.conversation, bare.consent, bare.seen), (None, None, None, false));
    assert_eq!(bare.debounce, Some(Duration::from_millis(2_500)));

    let mut account = s.carrier_account();
    let mut consent = s.consent(contact());
    let message = s.inbound(&mut conversation, "SM1");
    let mut batch = s.batch();
    batch.insert(account.clone());
    batch.insert(consent.clone());
    batch.insert(message);
    batch.put(conversation.clone());
    commit(world, batch).await;
    (account.version, consent.version, conversation.version) = (1, 1, 2);
    let full = load(ACCOUNT, "+13175550100", contact().as_str(), "SM1").await.unwrap();
    assert_eq!(
        (full.number, full.account, full.conversation, full.consent, full.seen),
        (number, Some(account), Some(conversation), Some(consent), true)
    );
    assert!(!load(ACCOUNT, "+13175550100", contact().as_str(), "SM2").await.unwrap().seen);
}

/// Without an agent that exists and may text, nobody waits for more texts.
pub async fn a_number_without_a_living_agent_has_no_debounce(world: &dyn StoreWorld) {
    let (s, mut flow, mut number, _) = Sample::stored(world, "+13175550100").await;
    let store = world.store();
    let debounce = async || {
        let state = store.system().load_inbound(ACCOUNT, &e164("+13175550100"), &contact(), "SM1").await.unwrap();
        state.unwrap().debounce
    };
    assert_eq!(debounce().await, Some(Duration::from_millis(2_500)));
    number.sms_enabled = false;
    let mut batch = s.batch();
    batch.put(number.clone());
    commit(world, batch).await;
    assert_eq!(debounce().await, None);
    (number.sms_enabled, number.version) = (true, 2);
    flow.definition.sms.debounce_ms = 0;
    let mut batch = s.batch();
    batch.put(number.clone());
    batch.put(flow.clone());
    commit(world, batch).await;
    assert_eq!(debounce().await, Some(Duration::ZERO));
    (flow.deleted_at, flow.version) = (Some(world.now()), 2);
    let mut batch = s.batch();
    batch.put(flow);
    commit(world, batch).await;
    assert_eq!(debounce().await, None);
    (number.sms_flow_id, number.version) = (None, 3);
    let mut batch = s.batch();
    batch.put(number);
    commit(world, batch).await;
    assert_eq!(debounce().await, None);
}

/// A key notes its use without a version; expired replies are purged, others stay.
pub async fn keys_and_replies_are_kept_up(world: &dyn StoreWorld) {
    let s = Sample::new(world);
    let key = s.api_key();
    let old = s.stored_reply("old");
    let mut fresh = s.stored_reply("fresh");
    fresh.expires_at = world.now() + Duration::from_secs(10);
    let mut batch = s.batch();
    batch.insert(key.clone());
    batch.insert(old);
    batch.insert(fresh);
    commit(world, batch).await;
    let store = world.store();
    let system = store.system();
    let later = world.now() + Duration::from_secs(1);
    system.touch_api_key(s.org, key.id, later).await.unwrap();
    let read = store.org(s.org).api_key(key.id).await.unwrap().unwrap();
    assert_eq!((read.last_used_at, read.version), (Some(later), 1));
    // A change that was decided before the key was used does not turn that back.
    let mut batch = s.batch();
    batch.put(hum_core::access::ApiKey { revoked_at: Some(later), version: 1, ..key.clone() });
    commit(world, batch).await;
    let read = system.find_api_key(&key.hash).await.unwrap().unwrap();
    assert_eq!((read.last_used_at, read.revoked_at, read.version), (Some(later), Some(later), 2));

    assert_eq!(system.purge_expired(later).await.unwrap(), 1);
    assert_eq!(system.purge_expired(later).await.unwrap(), 0);
    assert_eq!(store.org(s.org).stored_reply("old").await.unwrap(), None);
    assert!(store.org(s.org).stored_reply("fresh").await.unwrap().is_some());
}

/// What an operator watches, over all organizations.
pub async fn the_operator_sees_counts(world: &dyn StoreWorld) {
    let (s, _, _, mut conversation) = Sample::stored(world, "+13175550100").await;
    let mut doubtful = s.outbound(&mut conversation, Source::Ai, "Hello");
    doubtful.status = MessageStatus::InDoubt;
    assert_eq!(doubtful.direction, Direction::Outbound);
    let webhook = s.webhook();
    let mut held = s.delivery(&webhook, &s.event());
    (held.event_seq, held.state) = (Some(8), DeliveryState::Held);
    let mut batch = s.batch();
    batch.insert(doubtful);
    batch.insert(s.delivery(&webhook, &s.event()));
    batch.insert(held);
    batch.emit(s.event());
    commit(world, batch).await;
    let counts = world.store().system().counts().await.unwrap();
    assert_eq!(counts.messages_in_doubt, 1);
    assert_eq!(counts.deliveries_pending, 1);
    assert_eq!(counts.jobs, [("webhook.fan_out".to_owned(), "queued".to_owned(), 1)]);
}

/// A store that was opened has the schema of this build.
pub async fn the_store_is_ready(world: &dyn StoreWorld) {
    world.store().system().ready().await.unwrap();
}
