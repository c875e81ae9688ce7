//! Sentences about writes to many records: they touch what their selector says, and nothing else.

use futures_util::future::join_all;
use hum_core::{
    batch::Batch,
    id::ConversationId,
    selector::{Redaction, Selector, Touched},
    sms::{Conversation, Message},
    store::{CommitError, Conflict, StoreError},
};

use super::{
    StoreWorld, commit, conflict, refused,
    sample::{Sample, e164, with},
};

const TEXTS: usize = 7;

/// A conversation with texts, all stored.
async fn talk(
    world: &dyn StoreWorld,
    s: &Sample<'_>,
    mut conversation: Conversation,
) -> Vec<Message> {
    let (mut batch, id) = (s.batch(), conversation.id);
    let texts: Vec<Message> = (0..TEXTS)
        .map(|nth| s.inbound(&mut conversation, &format!("{id}-{nth}")))
        .collect();
    for text in &texts {
        batch.insert(text);
    }
    commit(world, batch).await;
    texts
        .iter()
        .map(|text| with(text, [("version", 1.into())]))
        .collect()
}

async fn stored(world: &dyn StoreWorld, s: &Sample<'_>, of: ConversationId) -> Vec<Message> {
    let reads = world.store().org(s.org);
    reads
        .recent_messages(of, 100)
        .await
        .expect("the store answers")
}

fn of(conversation: &Conversation) -> Selector {
    Selector::of::<Message>().with("conversation_id", &conversation.id)
}

fn without_words(selector: Selector) -> Redaction {
    Redaction {
        selector,
        columns: vec![("body", "".into())],
    }
}

fn redacted(texts: &[Message]) -> Vec<Message> {
    let empty = |text| with(text, [("body", "".into()), ("version", 2.into())]);
    texts.iter().map(empty).collect()
}

/// Two conversations of one organization and one of another, each with texts.
struct Talks<'w> {
    s: Sample<'w>,
    one: (Conversation, Vec<Message>),
    beside: (Conversation, Vec<Message>),
    other: Sample<'w>,
    elsewhere: (Conversation, Vec<Message>),
}

impl<'w> Talks<'w> {
    async fn stored(world: &'w dyn StoreWorld) -> Self {
        let (s, _, number, one) = Sample::stored(world, "+13175550100").await;
        let beside = s.conversation(&number, e164("+13175550111"));
        let (other, _, _, elsewhere) = Sample::stored(world, "+13175550122").await;
        Self {
            one: (one.clone(), talk(world, &s, one).await),
            beside: (beside.clone(), talk(world, &s, beside).await),
            elsewhere: (elsewhere.clone(), talk(world, &other, elsewhere).await),
            s,
            other,
        }
    }

    async fn assert_others_are_untouched(&self, world: &dyn StoreWorld) {
        let (beside, texts) = &self.beside;
        assert_eq!(stored(world, &self.s, beside.id).await, *texts);
        let (elsewhere, texts) = &self.elsewhere;
        assert_eq!(stored(world, &self.other, elsewhere.id).await, *texts);
    }
}

/// The records that a redaction selects are emptied, and whoever read one before has lost.
pub async fn a_redaction_touches_what_its_selector_says(world: &dyn StoreWorld) {
    let talks = Talks::stored(world).await;
    let (s, (one, texts)) = (&talks.s, &talks.one);
    // The other organization names our conversation, and finds nothing.
    let mut batch = talks.other.batch();
    let place = batch.redact(without_words(of(one)));
    let committed = commit(world, batch).await;
    assert_eq!(committed.touched(place), Touched::default());
    assert_eq!(stored(world, s, one.id).await, *texts);

    let mut batch = s.batch();
    batch.emit(s.event());
    let place = batch.redact(without_words(of(one)));
    let committed = commit(world, batch).await;
    let all = Touched {
        records: TEXTS as u64,
        more: false,
    };
    assert_eq!(committed.touched(place), all);
    assert_eq!(committed.last_event_seq, Some(1));
    assert_eq!(stored(world, s, one.id).await, redacted(texts));
    talks.assert_others_are_untouched(world).await;

    for stale in texts {
        let mut batch = s.batch();
        batch.put(stale);
        assert_eq!(refused(world, batch).await, Conflict::Changed);
    }
    assert_eq!(stored(world, s, one.id).await, redacted(texts));
}

/// The records that a deletion selects are gone, a limited number at a time.
pub async fn a_deletion_is_bounded_and_says_whether_there_is_more(world: &dyn StoreWorld) {
    let talks = Talks::stored(world).await;
    let (s, (one, texts)) = (&talks.s, &talks.one);
    let mut by_id: Vec<Message> = texts.clone();
    by_id.sort_by_key(|text| text.id.to_string());
    for (records, more) in [(3, true), (3, true), (1, false), (0, false)] {
        let mut batch = s.batch();
        let place = batch.delete_where(of(one).at_most(3));
        let committed = commit(world, batch).await;
        assert_eq!(committed.touched(place), Touched { records, more });
        by_id.drain(..records as usize);
        let mut left = stored(world, s, one.id).await;
        left.sort_by_key(|text| text.id.to_string());
        assert_eq!(left, by_id, "those with the lowest keys go first");
    }
    talks.assert_others_are_untouched(world).await;
    // Exactly as many as the limit is all of them.
    let mut batch = s.batch();
    let limited = of(&talks.beside.0).at_most(TEXTS as u32);
    let place = batch.redact(without_words(limited));
    let touched = commit(world, batch).await.touched(place);
    assert_eq!((touched.records, touched.more), (TEXTS as u64, false));
}

/// A batch with a selector happens whole or not at all, and what it inserts is not selected.
pub async fn a_selection_is_a_part_of_its_batch(world: &dyn StoreWorld) {
    let talks = Talks::stored(world).await;
    let (s, (one, texts)) = (&talks.s, &talks.one);
    let stale = with(&talks.beside.1[0], [("version", 7.into())]);
    let mut batch = s.batch();
    batch.delete_where(of(one));
    batch.redact(without_words(of(&talks.beside.0)));
    batch.put(&stale);
    assert_eq!(refused(world, batch).await, Conflict::Changed);
    let mut batch = s.batch();
    batch.redact(without_words(of(one)));
    batch.insert(&texts[0]);
    assert_eq!(refused(world, batch).await, Conflict::Exists);
    assert_eq!(stored(world, s, one.id).await, *texts);
    talks.assert_others_are_untouched(world).await;

    let mut later = one.clone();
    let new = with(&s.inbound(&mut later, "SM-new"), [("seq", 99.into())]);
    let mut batch = s.batch();
    batch.insert(&new);
    let place = batch.delete_where(of(one));
    assert_eq!(
        commit(world, batch).await.touched(place).records,
        TEXTS as u64
    );
    let left = stored(world, s, one.id).await;
    assert_eq!(left.iter().map(|text| text.seq).collect::<Vec<_>>(), [99]);
}

/// Redactions and changes of the same records at once: none of them is half done or lost.
pub async fn a_redaction_and_changes_beside_it_do_not_mix(world: &dyn StoreWorld) {
    let talks = Talks::stored(world).await;
    let (s, (one, texts)) = (&talks.s, &talks.one);
    let store = world.store();
    let changed = |text: &Message| with(text, [("detail", "changed".into())]);
    let change = |text: &Message| {
        let mut batch = s.batch();
        batch.put(&changed(text));
        batch
    };
    let mut redaction = s.batch();
    redaction.redact(without_words(of(one)));
    let batches: Vec<Batch> = texts[..3]
        .iter()
        .map(change)
        .chain([redaction])
        .chain(texts[3..].iter().map(change))
        .collect();
    let results = join_all(batches.into_iter().map(|batch| store.commit(batch))).await;
    let mut results: Vec<Option<Conflict>> = results.into_iter().map(conflict).collect();
    assert_eq!(results.remove(3), None, "a redaction is not refused");
    for (text, refused) in stored(world, s, one.id).await.iter().zip(results) {
        let was = texts
            .iter()
            .find(|was| was.id == text.id)
            .expect("it was there");
        let expected = match refused {
            Some(_) => with(was, [("body", "".into()), ("version", 2.into())]),
            None => with(&changed(was), [("body", "".into()), ("version", 3.into())]),
        };
        assert_eq!(*text, expected);
    }
}

/// What no index finds is not looked for, and nothing else of the batch happens.
pub async fn a_selector_without_an_index_is_refused(world: &dyn StoreWorld) {
    let talks = Talks::stored(world).await;
    let s = &talks.s;
    let body = "Hi".to_owned();
    let by_body = Selector::of::<Message>().with("body", &body);
    let mut version = without_words(of(&talks.one.0));
    version.columns.push(("version", 0.into()));
    let batches = [
        (by_body.clone(), None),
        (by_body.clone(), Some(without_words(by_body))),
        (Selector::of::<Message>(), None),
        (of(&talks.one.0).at_most(Selector::MOST + 1), None),
        (of(&talks.one.0), Some(version)),
    ];
    for (selector, redaction) in batches {
        let mut batch = s.batch();
        batch.emit(s.event());
        match redaction {
            Some(redaction) => batch.redact(redaction),
            None => batch.delete_where(selector),
        };
        let result = world.store().commit(batch).await;
        assert!(
            matches!(result, Err(CommitError::Store(StoreError::Corrupt { .. }))),
            "{result:?}"
        );
    }
    let reads = world.store().org(s.org);
    assert_eq!(reads.last_event_seq().await.unwrap(), 0);
    let (one, texts) = &talks.one;
    assert_eq!(stored(world, s, one.id).await, *texts);
}

/// Each index that a record declares is there, and begins with its columns.
pub async fn declared_indexes_are_there(world: &dyn StoreWorld) {
    let indexes = world.indexes().await;
    for kind in hum_core::records() {
        let table = (kind.table)();
        for declared in table.unique.iter().chain(table.indexes) {
            let begins = |index: &&hum_adapters::storage::SchemaIndex| {
                index.table == table.name
                    && index.columns.len() >= declared.len()
                    && index.columns.iter().zip(*declared).all(|(a, b)| a == b)
            };
            assert!(
                indexes.iter().any(|index| begins(&index)),
                "{}: no index begins with {declared:?}",
                table.name
            );
        }
    }
}
