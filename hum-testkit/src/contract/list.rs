//! Sentences about lists and what is counted.

use std::{collections::BTreeSet, fmt::Debug, time::Duration};

use hum_core::{
    page::{Cursor, Page, Paged},
    sms::{Conversation, ConversationFilter, Direction, Message, MessageFilter, Source},
    store::StoreError,
};

use super::{
    StoreWorld, commit,
    sample::{Sample, contact, e164, with},
};

/// How many of each the lists have: several pages of three, and a rest.
const MANY: usize = 8;

async fn all<T: Debug>(read: impl AsyncFn(Page) -> Result<Paged<T>, StoreError>) -> Vec<T> {
    let (mut items, mut page) = (Vec::new(), Page::first(3));
    loop {
        let next = read(page).await.unwrap();
        assert!(next.items.len() <= 3);
        items.extend(next.items);
        let Some(cursor) = next.next else {
            return items;
        };
        assert!(items.len() <= 100, "a list without an end");
        page = Page {
            limit: 3,
            after: Some(cursor),
        };
    }
}

/// Going through the pages of any list meets everything once, in the list's order.
pub async fn pages_are_complete_and_in_order(world: &dyn StoreWorld) {
    let (s, flow, number, mut first) = Sample::stored(world, "+13175550100").await;
    let webhook = s.webhook();
    let mut batch = s.batch();
    batch.insert(&webhook);
    for nth in 0..MANY {
        let mut later = s.flow_version(&flow);
        later.number = nth as i64 + 1;
        batch.insert(&later);
        batch.insert(&s.api_key());
        batch.insert(&s.flow());
        batch.insert(&s.webhook());
        batch.insert(&s.number(&format!("+1317555020{nth}"), None));
        batch.insert(&s.consent(e164(&format!("+1317555030{nth}"))));
        batch.insert(&s.inbound(&mut first, &format!("SM{nth}")));
        let mut delivery = s.delivery(&webhook, &s.event());
        delivery.event_seq = Some(nth as i64 + 1);
        batch.insert(&delivery);
        let mut conversation = s.conversation(&number, e164(&format!("+1317555040{nth}")));
        // Two at the same time each: the id decides.
        conversation.take(
            Direction::Outbound,
            s.later(Duration::from_secs(nth as u64 / 2)),
        );
        batch.insert(&conversation);
    }
    commit(world, batch).await;

    fn descending<K: Ord + Debug>(keys: impl Iterator<Item = K>, count: usize) {
        let keys: Vec<K> = keys.collect();
        assert!(keys.windows(2).all(|pair| pair[0] > pair[1]), "{keys:?}");
        assert_eq!(keys.len(), count);
    }
    let reads = world.store().org(s.org);
    let r = &reads;
    descending(
        all(async |page| r.list_api_keys(&page).await)
            .await
            .iter()
            .map(|key| key.id),
        MANY,
    );
    descending(
        all(async |page| r.list_flows(&page).await)
            .await
            .iter()
            .map(|flow| flow.id),
        MANY + 1,
    );
    descending(
        all(async |page| r.list_flow_versions(flow.id, &page).await)
            .await
            .iter()
            .map(|one| one.number),
        MANY,
    );
    descending(
        all(async |page| r.list_numbers(&page).await)
            .await
            .iter()
            .map(|number| number.id),
        MANY + 1,
    );
    descending(
        all(async |page| r.list_webhooks(&page).await)
            .await
            .iter()
            .map(|webhook| webhook.id),
        MANY + 1,
    );
    descending(
        all(async |page| r.list_deliveries(webhook.id, &page).await)
            .await
            .iter()
            .map(|one| one.id),
        MANY,
    );
    let anything = MessageFilter::default();
    descending(
        all(async |page| r.list_messages(&anything, &page).await)
            .await
            .iter()
            .map(|message| message.id),
        MANY,
    );
    let thread = MessageFilter {
        conversation: Some(first.id),
        status: None,
    };
    descending(
        all(async |page| r.list_messages(&thread, &page).await)
            .await
            .iter()
            .map(|message| message.seq),
        MANY,
    );
    let anyone = ConversationFilter::default();
    let conversations = all(async |page| r.list_conversations(&anyone, &page).await).await;
    descending(
        conversations
            .iter()
            .map(|one| (one.last_message_at(), one.id)),
        MANY + 1,
    );
    let opted_out = all(async |page| r.list_opted_out(&page).await).await;
    descending(
        opted_out
            .iter()
            .rev()
            .map(|consent| consent.contact.clone()),
        MANY,
    );
    // Limits beyond the allowed ones are taken as the nearest.
    assert_eq!(
        r.list_numbers(&Page::first(0)).await.unwrap().items.len(),
        1
    );
    assert_eq!(
        r.list_numbers(&Page::first(u32::MAX)).await.unwrap().next,
        None
    );
}

/// Each filter of the inbox, alone.
pub async fn filters_narrow_conversations(world: &dyn StoreWorld) {
    let (s, _, number, _) = Sample::stored(world, "+13175550100").await;
    let other = s.number("+13175550101", None);
    let mut closed = s.conversation(&number, e164("+13175550111"));
    closed.close(s.moment());
    let mut assigned = s.conversation(&other, contact());
    assigned.assign(Some("kim".into()), s.moment());
    let mut unread = s.conversation(&other, e164("+13175550122"));
    unread.take(Direction::Inbound, s.moment());
    let mut batch = s.batch();
    batch.insert(&other);
    for conversation in [&closed, &assigned, &unread] {
        batch.insert(conversation);
    }
    commit(world, batch).await;
    let reads = world.store().org(s.org);
    let find = async |filter: ConversationFilter| -> BTreeSet<_> {
        let found = reads
            .list_conversations(&filter, &Page::first(50))
            .await
            .unwrap()
            .items;
        found
            .iter()
            .map(|conversation: &Conversation| conversation.id)
            .collect()
    };
    let any = ConversationFilter::default;
    assert_eq!(find(any()).await.len(), 4);
    assert_eq!(
        find(ConversationFilter {
            open: Some(false),
            ..any()
        })
        .await,
        BTreeSet::from([closed.id])
    );
    assert_eq!(
        find(ConversationFilter {
            open: Some(true),
            ..any()
        })
        .await
        .len(),
        3
    );
    assert_eq!(
        find(ConversationFilter {
            assignee: Some("kim".into()),
            ..any()
        })
        .await,
        BTreeSet::from([assigned.id])
    );
    assert_eq!(
        find(ConversationFilter {
            number: Some(other.id),
            ..any()
        })
        .await,
        BTreeSet::from([assigned.id, unread.id])
    );
    assert_eq!(
        find(ConversationFilter {
            contact: Some(contact()),
            ..any()
        })
        .await
        .len(),
        2
    );
    assert_eq!(
        find(ConversationFilter {
            unread: true,
            ..any()
        })
        .await,
        BTreeSet::from([unread.id])
    );
    let none = ConversationFilter {
        unread: true,
        number: Some(number.id),
        ..any()
    };
    assert_eq!(find(none).await, BTreeSet::new());
}

/// By thread and by shown status.
pub async fn filters_narrow_messages(world: &dyn StoreWorld) {
    let (s, _, number, mut one) = Sample::stored(world, "+13175550100").await;
    let mut two = s.conversation(&number, e164("+13175550111"));
    let received = s.inbound(&mut one, "SM1");
    let doubtful = s
        .outbound(&mut two, Source::Ai, "Hello")
        .fall_in_doubt("no answer", world.now());
    let mut batch = s.batch();
    batch.insert(&two);
    batch.insert(&received);
    batch.insert(&doubtful);
    commit(world, batch).await;
    let reads = world.store().org(s.org);
    let find = async |conversation, status| -> Vec<_> {
        let filter = MessageFilter {
            conversation,
            status,
        };
        let found = reads
            .list_messages(&filter, &Page::first(50))
            .await
            .unwrap()
            .items;
        found.iter().map(|message: &Message| message.id).collect()
    };
    assert_eq!(find(None, None).await.len(), 2);
    assert_eq!(find(None, Some("in_doubt")).await, [doubtful.id]);
    assert_eq!(find(Some(one.id), None).await, [received.id]);
    assert_eq!(find(Some(one.id), Some("in_doubt")).await, []);
    assert_eq!(find(Some(two.id), Some("in_doubt")).await, [doubtful.id]);
}

/// What few of very many are is found, however far apart: in the list's order, once each, and with
/// an end.
pub async fn few_of_very_many_are_found(world: &dyn StoreWorld) {
    const VERY_MANY: u64 = 1_300;
    let (s, _, number, mut thread) = Sample::stored(world, "+13175550100").await;
    let rare = s.number("+13175550101", None);
    let (mut batch, mut conversations, mut messages) = (s.batch(), Vec::new(), Vec::new());
    batch.insert(&rare);
    for nth in 0..VERY_MANY {
        let is_rare = [0, 600, 601, VERY_MANY - 1].contains(&nth);
        let of = if is_rare { &rare } else { &number };
        let mut one = s.conversation(of, e164(&format!("+1317556{nth:04}")));
        one.take(Direction::Outbound, s.later(Duration::from_secs(nth)));
        batch.insert(&one);
        let message = s.outbound(&mut thread, Source::Ai, "Hello");
        let message = if is_rare {
            message.fall_in_doubt("no answer", world.now())
        } else {
            message
        };
        batch.insert(&message);
        if is_rare {
            conversations.insert(0, one.id);
            messages.insert(0, message.seq);
        }
    }
    commit(world, batch).await;
    let reads = world.store().org(s.org);
    for open in [None, Some(true)] {
        let filter = ConversationFilter {
            number: Some(rare.id),
            open,
            ..ConversationFilter::default()
        };
        let found = all(async |page| reads.list_conversations(&filter, &page).await).await;
        let found: Vec<_> = found.iter().map(|one| one.id).collect();
        assert_eq!(found, conversations);
    }
    for conversation in [None, Some(thread.id)] {
        let filter = MessageFilter {
            conversation,
            status: Some("in_doubt"),
        };
        let found = all(async |page| reads.list_messages(&filter, &page).await).await;
        let found: Vec<_> = found.iter().map(|message| message.seq).collect();
        assert_eq!(found.len(), messages.len());
        if conversation.is_some() {
            // Without a thread they are in the order of their ids.
            assert_eq!(found, messages);
        }
    }
}

/// A cursor is a stranger's text: anything but the list's own is an error, never a panic.
pub async fn a_cursor_of_elsewhere_is_refused(world: &dyn StoreWorld) {
    let (s, flow, number, conversation) = Sample::stored(world, "+13175550100").await;
    let r = world.store().org(s.org);
    let texts = [
        "",
        "x",
        "1.",
        ".",
        "9999999999999999999999",
        "1.cnv_0",
        "\0",
        "\u{1F44B}",
        "'; --",
        &"1".repeat(5_000),
    ];
    for text in texts {
        let page = Page {
            limit: 3,
            after: Some(Cursor(text.into())),
        };
        assert!(
            matches!(r.list_flows(&page).await, Err(StoreError::BadCursor)),
            "{text:?}"
        );
        assert!(matches!(
            r.list_api_keys(&page).await,
            Err(StoreError::BadCursor)
        ));
        assert!(matches!(
            r.list_numbers(&page).await,
            Err(StoreError::BadCursor)
        ));
        assert!(matches!(
            r.list_webhooks(&page).await,
            Err(StoreError::BadCursor)
        ));
        assert!(matches!(
            r.list_flow_versions(flow.id, &page).await,
            Err(StoreError::BadCursor)
        ));
        assert!(matches!(
            r.list_opted_out(&page).await,
            Err(StoreError::BadCursor)
        ));
        assert!(matches!(
            r.list_deliveries(s.webhook().id, &page).await,
            Err(StoreError::BadCursor)
        ));
        assert!(matches!(
            r.list_conversations(&ConversationFilter::default(), &page)
                .await,
            Err(StoreError::BadCursor)
        ));
        assert!(matches!(
            r.list_messages(&MessageFilter::default(), &page).await,
            Err(StoreError::BadCursor)
        ));
        let thread = MessageFilter {
            conversation: Some(conversation.id),
            status: None,
        };
        assert!(matches!(
            r.list_messages(&thread, &page).await,
            Err(StoreError::BadCursor)
        ));
    }
    let other = Page {
        limit: 3,
        after: Some(Cursor(number.id.to_string())),
    };
    assert!(matches!(
        r.list_flows(&other).await,
        Err(StoreError::BadCursor)
    ));
}

/// A try that is not over is the last one, also when it began in the instant of one that is.
pub async fn the_try_that_is_not_over_is_the_last(world: &dyn StoreWorld) {
    let (s, _, _, mut conversation) = Sample::stored(world, "+13175550100").await;
    let mut batch = s.batch();
    let mut last = Vec::new();
    for _ in 0..MANY {
        let message = s.outbound(&mut conversation, Source::Api, "now");
        let over = s.attempt(&message).not_sent("refused".into()).unwrap();
        let under_way = s.attempt(&message);
        assert_eq!(over.started_at, under_way.started_at);
        batch.insert(&message);
        batch.insert(&over);
        batch.insert(&under_way);
        last.push((message.id, under_way.id));
    }
    commit(world, batch).await;
    let reads = world.store().org(s.org);
    for (message, under_way) in last {
        let found = reads.last_attempt(message).await.unwrap();
        assert_eq!(found.map(|attempt| attempt.id), Some(under_way));
    }
}

/// What an agent and the resolver ask about texts.
pub async fn messages_are_counted_and_recalled(world: &dyn StoreWorld) {
    let (s, _, number, mut conversation) = Sample::stored(world, "+13175550100").await;
    let mut elsewhere = s.conversation(&number, e164("+13175550111"));
    let now = world.now();
    let mut batch = s.batch();
    let mut texts = vec![
        s.inbound(&mut conversation, "SM-in"),
        s.delivered(&mut conversation, "SM-out"),
    ];
    for (source, status, body) in [
        (Source::Ai, "dispatching", "same"),
        (Source::Ai, "in_doubt", "same"),
        (Source::Ai, "queued", "same"),
        (Source::Ai, "withheld", "other"),
        (Source::Human, "in_doubt", "other"),
    ] {
        texts.push(with(
            &s.outbound(&mut conversation, source, body),
            [("status", status.into())],
        ));
    }
    let stranger = s.outbound(&mut elsewhere, Source::Ai, "same");
    let mut attempts: Vec<_> = texts[1..=5]
        .iter()
        .map(|message| s.attempt(message))
        .collect();
    attempts[2] = attempts[2].clone().fall_in_doubt(now).unwrap();
    attempts[3] = attempts[3].clone().not_sent("refused".into()).unwrap();
    let mut again = s.attempt(&texts[2]);
    again.started_at = now + Duration::from_secs(1);
    batch.insert(&s.attempt(&stranger));
    batch.insert(&stranger);
    batch.insert(&elsewhere);
    for message in &texts {
        batch.insert(message);
    }
    for attempt in &attempts {
        batch.insert(attempt);
    }
    batch.insert(&again);
    commit(world, batch).await;

    let reads = world.store().org(s.org);
    let recent = reads.recent_messages(conversation.id, 3).await.unwrap();
    assert_eq!(
        recent.iter().map(|message| message.seq).collect::<Vec<_>>(),
        [5, 6, 7]
    );
    assert_eq!(
        reads.count_ai_messages(conversation.id, now).await.unwrap(),
        3
    );
    assert_eq!(
        reads
            .count_ai_messages(conversation.id, now + Duration::from_micros(1))
            .await
            .unwrap(),
        0
    );
    assert!(reads.carrier_sid_taken("SM-out").await.unwrap());
    assert!(!reads.carrier_sid_taken("SM-none").await.unwrap());
    assert_eq!(
        reads
            .last_attempt(texts[2].id)
            .await
            .unwrap()
            .map(|attempt| attempt.id),
        Some(again.id)
    );
    assert_eq!(reads.last_attempt(texts[0].id).await.unwrap(), None);
    // The dispatching and the doubtful one; the second attempt is later.
    assert_eq!(
        reads.open_attempts_like(&texts[2], now, now).await.unwrap(),
        2
    );
    assert_eq!(
        reads
            .open_attempts_like(&texts[2], now, now + Duration::from_secs(1))
            .await
            .unwrap(),
        3
    );
    assert_eq!(
        reads
            .open_attempts_like(&texts[2], now + Duration::from_micros(1), again.started_at)
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        reads.open_attempts_like(&texts[5], now, now).await.unwrap(),
        1
    );
}

/// Discarded turns do not count; one that runs is found.
pub async fn turns_are_counted(world: &dyn StoreWorld) {
    let (s, flow, _, conversation) = Sample::stored(world, "+13175550100").await;
    let now = world.now();
    let running = s.turn(&conversation, flow.id);
    let mut finished = s
        .turn(&conversation, flow.id)
        .finish(now, None, false, Vec::new());
    finished.started_at = now + Duration::from_secs(1);
    let discarded = s.turn(&conversation, flow.id).discard(now, "paused");
    let reads = world.store().org(s.org);
    let mut batch = s.batch();
    batch.insert(&finished);
    batch.insert(&discarded);
    commit(world, batch).await;
    assert_eq!(reads.running_turn(conversation.id).await.unwrap(), None);
    let mut batch = s.batch();
    batch.insert(&running);
    commit(world, batch).await;
    assert_eq!(
        reads
            .running_turn(conversation.id)
            .await
            .unwrap()
            .map(|turn| turn.id),
        Some(running.id)
    );
    assert_eq!(reads.count_turns(conversation.id, now).await.unwrap(), 2);
    assert_eq!(
        reads
            .count_turns(conversation.id, now + Duration::from_secs(1))
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        reads
            .count_turns(conversation.id, now + Duration::from_secs(2))
            .await
            .unwrap(),
        0
    );
}

/// Deleted flows and webhooks are gone from every read but the history of versions.
pub async fn deleted_things_are_not_found(world: &dyn StoreWorld) {
    let (s, flow, ..) = Sample::stored(world, "+13175550100").await;
    let (now, enabled) = (world.now(), s.webhook());
    let (gone, disabled) = (s.webhook().delete(now), s.webhook().disable("person", now));
    let held = s.delivery(&disabled, &s.event()).hold();
    let mut batch = s.batch();
    batch.insert(&s.flow_version(&flow));
    for webhook in [&gone, &disabled, &enabled] {
        batch.insert(webhook);
    }
    batch.insert(&held);
    batch.insert(&s.delivery(&enabled, &s.event()));
    let flow = flow.delete(now);
    batch.put(&flow);
    commit(world, batch).await;
    let reads = world.store().org(s.org);
    assert_eq!(reads.flow(flow.id).await.unwrap(), None);
    assert_eq!(reads.list_flows(&Page::first(50)).await.unwrap().items, []);
    assert!(reads.flow_version(flow.id, 1).await.unwrap().is_some());
    assert_eq!(reads.webhook(gone.id).await.unwrap(), None);
    assert_eq!(
        reads
            .list_webhooks(&Page::first(50))
            .await
            .unwrap()
            .items
            .len(),
        2
    );
    assert_eq!(reads.count_webhooks().await.unwrap(), 2);
    let ids: Vec<_> = reads
        .enabled_webhooks()
        .await
        .unwrap()
        .iter()
        .map(|webhook| webhook.id)
        .collect();
    assert_eq!(ids, [enabled.id]);
    let ids: Vec<_> = reads
        .held_deliveries(disabled.id, 5)
        .await
        .unwrap()
        .iter()
        .map(|delivery| delivery.id)
        .collect();
    assert_eq!(ids, [held.id]);
    assert_eq!(reads.held_deliveries(enabled.id, 5).await.unwrap(), []);
}
