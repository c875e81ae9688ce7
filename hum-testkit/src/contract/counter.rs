//! Sentences about counters: everything that is committed is counted, and nothing else.

use futures_util::future::join_all;
use hum_core::counter::{Counter, Metrics};

use super::{StoreWorld, commit, conflict, refused, sample::Sample};

/// Many count the same at once: nobody is refused, and nothing is lost.
pub async fn counts_of_many_add_up(world: &dyn StoreWorld) {
    let s = Sample::new(world);
    let store = world.store();
    let commits = (0..60).map(|nth| {
        let mut batch = s.batch();
        batch.count("a", nth);
        batch.count("b", 1);
        batch.count("a", 1);
        if nth % 3 == 0 {
            batch.emit(s.event());
        }
        store.commit(batch)
    });
    for result in join_all(commits).await {
        assert_eq!(conflict(result), None);
    }
    let reads = store.org(s.org);
    assert_eq!(reads.counter("a").await.unwrap(), 59 * 60 / 2 + 60);
    assert_eq!(reads.counter("b").await.unwrap(), 60);
    let mut batch = s.batch();
    batch.count("b", -61);
    commit(world, batch).await;
    assert_eq!(reads.counter("b").await.unwrap(), -1);
}

/// A batch that is refused counts nothing, also beside one that is not.
pub async fn a_refused_batch_counts_nothing(world: &dyn StoreWorld) {
    let (s, _, number, _) = Sample::stored(world, "+13175550100").await;
    let mut batch = s.batch();
    batch.count("a", 1);
    batch.insert(&number);
    refused(world, batch).await;
    let store = world.store();
    let commits = (0..20).map(|nth| {
        let mut batch = s.batch();
        batch.count("a", 1);
        if nth % 2 == 0 {
            batch.insert(&number);
        }
        store.commit(batch)
    });
    let refused = join_all(commits).await.into_iter().filter_map(conflict);
    assert_eq!(refused.count(), 10);
    assert_eq!(store.org(s.org).counter("a").await.unwrap(), 10);
}

/// Counters are found by name, by what it begins with, and between two of them, in order.
pub async fn counters_are_found_by_their_names(world: &dyn StoreWorld) {
    let (s, other) = (Sample::new(world), Sample::new(world));
    let names = [
        "u.2.b", "u.1.a", "u.2.a", "u.10.a", "u", "v.1", "u.2", "u.3~",
    ];
    for (sample, delta) in [(&s, 1), (&other, 7)] {
        let mut batch = sample.batch();
        for name in names {
            batch.count(name, delta);
        }
        commit(world, batch).await;
    }
    let store = world.store();
    let reads = store.org(s.org);
    assert_eq!(reads.counter("u.2").await.unwrap(), 1);
    assert_eq!(reads.counter("u.").await.unwrap(), 0);
    let all = [
        "u", "u.1.a", "u.10.a", "u.2", "u.2.a", "u.2.b", "u.3~", "v.1",
    ];
    for (metrics, limit, expected) in [
        (Metrics::with_prefix(""), 100, &all[..]),
        (Metrics::with_prefix("u."), 100, &all[1..7]),
        (Metrics::with_prefix("u.2"), 100, &all[3..6]),
        (Metrics::with_prefix("u.2."), 100, &all[4..6]),
        (Metrics::between("u.1", "u.2"), 100, &all[1..6]),
        (Metrics::between("u.3", "z"), 100, &all[6..8]),
        (Metrics::between("w", "z"), 100, &[]),
        (Metrics::with_prefix(""), 2, &all[..2]),
    ] {
        let found = reads.counters(&metrics, limit).await.unwrap();
        let counter = |name: &&str| Counter {
            org: s.org,
            metric: (*name).into(),
            value: 1,
        };
        assert_eq!(
            found,
            expected.iter().map(counter).collect::<Vec<_>>(),
            "{metrics:?}"
        );
    }
}
