//! Sentences about batches: the whole of one happens, or nothing, also when many come at once.

use futures_util::future::join_all;
use hum_core::{
    batch::{Batch, Finished, Write},
    event::{Event, EventKind},
    id::{JobId, OrgId},
    record::Record as _,
    store::{CommitError, Conflict, StoreError},
};

use super::{
    StoreWorld, commit, conflict, refused,
    sample::{Sample, contact, e164, with},
};

/// A decision on an old version is refused as a whole.
pub async fn a_stale_version_changes_nothing(world: &dyn StoreWorld) {
    let (s, _, number, mut conversation) = Sample::stored(world, "+13175550100").await;
    let mut batch = s.batch();
    batch.put(&conversation);
    commit(world, batch).await;

    let message = s.inbound(&mut conversation, "SM1");
    let mut batch = s.batch();
    batch.insert(&message);
    batch.emit(s.event());
    batch.put(&number);
    batch.put(&conversation);
    assert_eq!(refused(world, batch).await, Conflict::Changed);

    let store = world.store();
    let reads = store.org(s.org);
    let stored = reads.conversation(conversation.id).await.unwrap().unwrap();
    assert_eq!((stored.version, stored.last_seq()), (2, 0));
    assert_eq!(reads.message(message.id).await.unwrap(), None);
    assert_eq!(
        reads
            .number(number.id)
            .await
            .unwrap()
            .map(|number| number.version),
        Some(1)
    );
    assert_eq!(reads.events_after(0, 10).await.unwrap(), []);
    assert_eq!(store.system().counts().await.unwrap().jobs, []);
}

/// Changing what is not there is a change of something else.
pub async fn a_record_that_is_not_there_cannot_be_changed(world: &dyn StoreWorld) {
    let (s, _, number, _) = Sample::stored(world, "+13175550100").await;
    let mut other = s.conversation(&number, e164("+13175550111"));
    other.version = 1;
    let mut batch = s.batch();
    batch.put(&other);
    assert_eq!(refused(world, batch).await, Conflict::Changed);
    assert_eq!(
        world
            .store()
            .org(s.org)
            .conversation(other.id)
            .await
            .unwrap(),
        None
    );
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
    batch.insert(&account);
    batch.insert(&key);
    batch.insert(&message);
    batch.insert(&attempt);
    batch.insert(&consent);
    batch.insert(&delivery);
    batch.insert(&reply);
    batch.insert(&version);
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
    let taken = [
        same_slug.to_row(),
        same_account.to_row(),
        same_hash.to_row(),
        same_number.to_row(),
        same_token.to_row(),
    ];
    for row in taken {
        let mut batch = other.batch();
        batch.insert(&other.webhook());
        batch.emit(other.event());
        batch.writes.push(Write::Insert(row.clone()));
        assert_eq!(refused(world, batch).await, Conflict::Exists, "{row:?}");
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
    let taken = [
        same_pair.to_row(),
        same_seq.to_row(),
        same_sid.to_row(),
        same_event.to_row(),
        consent.to_row(),
        reply.to_row(),
        version.to_row(),
        number.to_row(),
        flow.to_row(),
    ];
    for row in taken {
        let mut batch = s.batch();
        batch.insert(&s.webhook());
        batch.writes.push(Write::Insert(row.clone()));
        assert_eq!(refused(world, batch).await, Conflict::Exists, "{row:?}");
    }
    assert_eq!(store.org(s.org).count_webhooks().await.unwrap(), 0);

    // The same carrier sid in another organization is another text.
    let (other, _, _, mut elsewhere) = Sample::stored(world, "+13175550177").await;
    let mut batch = other.batch();
    batch.insert(&other.inbound(&mut elsewhere, "SM1"));
    commit(world, batch).await;
}

/// A guard writes nothing, and refuses the whole batch when what it rests on changed.
pub async fn a_guard_holds_only_at_its_version(world: &dyn StoreWorld) {
    let (s, _, _, mut conversation) = Sample::stored(world, "+13175550100").await;
    let (mut webhook, mut consent) = (s.webhook(), s.consent(contact()));
    let mut batch = s.batch();
    batch.insert(&consent);
    batch.insert(&webhook);
    commit(world, batch).await;

    for version in [1, 2] {
        (conversation.version, webhook.version, consent.version) = (version, version, version);
        let guards: [&dyn Fn(&mut Batch); 3] = [
            &|batch| batch.guard(&conversation),
            &|batch| batch.guard(&consent),
            &|batch| batch.guard(&webhook),
        ];
        for guard in guards {
            let mut batch = s.batch();
            guard(&mut batch);
            batch.emit(s.event());
            match conflict(world.store().commit(batch).await) {
                None => assert_eq!(version, 1),
                Some(conflict) => assert_eq!((conflict, version), (Conflict::Changed, 2)),
            }
        }
    }
    assert_eq!(world.store().org(s.org).last_event_seq().await.unwrap(), 3);
}

/// Two batches that each rest on what the other changes: at most one is committed.
pub async fn guards_do_not_let_two_batches_cross(world: &dyn StoreWorld) {
    let (s, _, _, mut conversation) = Sample::stored(world, "+13175550100").await;
    let mut consent = s.consent(contact());
    let mut batch = s.batch();
    batch.insert(&consent);
    commit(world, batch).await;
    consent.version = 1;
    for version in 1..=20 {
        (consent.version, conversation.version) = (version, version);
        let mut one = s.batch();
        one.put(&consent);
        one.guard(&conversation);
        let mut other = s.batch();
        other.put(&conversation);
        other.guard(&consent);
        let store = world.store();
        let (a, b) = futures_util::join!(store.commit(one), store.commit(other));
        let (a, b) = (conflict(a), conflict(b));
        assert!(a.is_some() || b.is_some(), "both were committed");
        // Bring both to the next version.
        let mut batch = s.batch();
        if a.is_some() {
            batch.put(&consent);
        }
        if b.is_some() {
            batch.put(&conversation);
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
    batch.put(&number);
    assert!(matches!(
        world.store().commit(batch).await,
        Err(CommitError::Store(StoreError::Corrupt { .. }))
    ));
    let mut batch = other.batch();
    batch.emit(Event {
        org: foreign,
        ..s.event()
    });
    assert!(matches!(
        world.store().commit(batch).await,
        Err(CommitError::Store(StoreError::Corrupt { .. }))
    ));
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
            batch.insert(&number);
        }
        store.commit(batch)
    });
    let results = join_all(commits).await;
    let mut last: Vec<i64> = results
        .iter()
        .filter_map(|result| result.as_ref().ok()?.last_event_seq)
        .collect();
    assert_eq!(
        results.into_iter().filter_map(conflict).collect::<Vec<_>>(),
        [Conflict::Exists; 5]
    );
    let reads = store.org(s.org);
    let events = reads.events_after(0, 1_000).await.unwrap();
    let seqs: Vec<i64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, (1..=seqs.len() as i64).collect::<Vec<_>>());
    last.sort_unstable();
    last.dedup();
    assert_eq!(last.len(), 45);
    assert_eq!(last.last(), seqs.last());
    assert_eq!(reads.last_event_seq().await.unwrap(), seqs.len() as i64);
    assert_eq!(
        reads
            .events_after(3, 2)
            .await
            .unwrap()
            .iter()
            .map(|event| event.seq)
            .collect::<Vec<_>>(),
        [4, 5]
    );
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
                batch.insert(&message);
                batch.emit(conversation.event(EventKind::SmsReceived, Some(&message), s.moment()));
                batch.put(&conversation);
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
    assert_eq!(
        (stored.last_seq(), stored.unread_count(), stored.version),
        (TEXTS, TEXTS, TEXTS + 1)
    );
    let messages = reads.recent_messages(conversation.id, 200).await.unwrap();
    assert_eq!(
        messages
            .iter()
            .map(|message| message.seq)
            .collect::<Vec<_>>(),
        (1..=TEXTS).collect::<Vec<_>>()
    );
    assert_eq!(reads.last_event_seq().await.unwrap(), TEXTS);
}

/// Whatever shares a transaction with a bad batch does not share its fate.
pub async fn a_bad_batch_fails_alone(world: &dyn StoreWorld) {
    let (s, _, number, conversation) = Sample::stored(world, "+13175550100").await;
    let store = world.store();
    let stale = with(&conversation, [("version", 7.into())]);
    let keys: Vec<_> = (0..40).map(|_| s.api_key()).collect();
    let commits = keys.iter().enumerate().map(|(nth, key)| {
        let mut batch = s.batch();
        batch.insert(key);
        match nth {
            13 => drop(batch.insert(&number)),
            26 => drop(batch.put(&stale)),
            39 => batch.finish(JobId::new(world.now(), world.entropy()), 1, Finished::Done),
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
        assert_eq!(
            reads.api_key(key.id).await.unwrap().is_some(),
            expected.is_none(),
            "batch {nth}"
        );
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
        batch.insert(&s.inbound(&mut conversation, &format!("SM{nth}")));
        batch.insert(&s.consent(e164("+13175550155")));
        batch.insert(&conversation);
        store.commit(batch)
    });
    let results: Vec<_> = join_all(commits).await.into_iter().map(conflict).collect();
    assert_eq!(results.iter().filter(|result| result.is_none()).count(), 1);
    assert_eq!(
        results
            .iter()
            .filter(|result| **result == Some(Conflict::Exists))
            .count(),
        19
    );
    let conversation = store
        .org(s.org)
        .find_conversation(number.id, &e164("+13175550155"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        store
            .org(s.org)
            .recent_messages(conversation.id, 10)
            .await
            .unwrap()
            .len(),
        1
    );
}

/// As many writes as a batch may have happen together; one more, and none does.
pub async fn a_batch_is_as_large_as_it_may_be(world: &dyn StoreWorld) {
    let s = Sample::new(world);
    let reads = world.store().org(s.org);
    let full = |more: usize| {
        let mut batch = s.batch();
        for _ in 0..Batch::MOST + more {
            batch.emit(s.event());
        }
        batch
    };
    let refused = world.store().commit(full(1)).await;
    assert!(
        matches!(refused, Err(CommitError::Store(StoreError::TooLarge(writes))) if writes == Batch::MOST + 1),
        "{refused:?}"
    );
    assert_eq!(reads.last_event_seq().await.unwrap(), 0);
    let last = Batch::MOST as i64;
    assert_eq!(commit(world, full(0)).await.last_event_seq, Some(last));
    assert_eq!(reads.last_event_seq().await.unwrap(), last);
}
