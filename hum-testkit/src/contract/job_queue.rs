//! Sentences about jobs: how they are queued, claimed, ended and given back.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join_all;
use hum_core::{
    batch::Finished,
    clock::Timestamp,
    decide::Moment,
    id::JobId,
    job::{Claim, Claimed, JobKind, Line, Look, Merge, NewJob, NextDue, Want},
    store::Conflict,
};

use super::{StoreWorld, commit, refused, sample::Sample};

/// Kinds that no build knows: a store keeps them all.
const TURN: JobKind = JobKind::new("contract.turn");
const SEND: JobKind = JobKind::new("contract.send");
const RESOLVE: JobKind = JobKind::new("contract.resolve");
const DELIVER: JobKind = JobKind::new("contract.deliver");
const ALL: [JobKind; 4] = [TURN, SEND, RESOLVE, DELIVER];
const SECOND: Duration = Duration::from_secs(1);
const LEASE: Duration = Duration::from_secs(30);

fn job(s: &Sample<'_>, kind: JobKind, key: &str, run_at: Timestamp, merge: Merge) -> NewJob {
    let moment = Moment {
        now: s.world.now(),
        entropy: s.world.entropy(),
    };
    let job = NewJob::new(kind, s.org, key, run_at, moment);
    NewJob { merge, ..job }
}

async fn enqueue(
    s: &Sample<'_>,
    kind: JobKind,
    key: &str,
    run_at: Timestamp,
    merge: Merge,
) -> JobId {
    let job = job(s, kind, key, run_at, merge);
    let id = job.id;
    let mut batch = s.batch();
    batch.enqueue(job);
    commit(s.world, batch).await;
    id
}

fn looks(kinds: &[JobKind]) -> Vec<Look> {
    let look = |kind: &JobKind| Look {
        kind: *kind,
        after: None,
    };
    kinds.iter().map(look).collect()
}

/// The lines of these kinds that have work.
async fn lines(world: &dyn StoreWorld, kinds: &[JobKind]) -> Vec<Line> {
    world.jobs().lines(&looks(kinds), 100).await.unwrap()
}

/// Up to `limit` jobs of each line of these kinds that are due at `now`.
async fn claim_of(
    world: &dyn StoreWorld,
    kinds: &[JobKind],
    now: Timestamp,
    limit: u32,
) -> Vec<Claimed> {
    let jobs = world.jobs();
    jobs.promote(now).await.unwrap();
    let lines = lines(world, kinds).await;
    let wants: Vec<Want> = lines.into_iter().map(|line| Want { line, limit }).collect();
    jobs.claim(&wants, now + LEASE).await.unwrap()
}

async fn claim(world: &dyn StoreWorld, now: Timestamp) -> Vec<Claimed> {
    claim_of(world, &ALL, now, 100).await
}

async fn claim_one(world: &dyn StoreWorld, now: Timestamp) -> Claimed {
    let mut claimed = claim(world, now).await;
    assert_eq!(claimed.len(), 1);
    claimed.remove(0)
}

/// When a job is to be promoted.
async fn next_due(world: &dyn StoreWorld) -> Option<Timestamp> {
    world.jobs().next_due().await.unwrap().promote
}

/// When a claim runs out.
async fn next_sweep(world: &dyn StoreWorld) -> Option<Timestamp> {
    world.jobs().next_due().await.unwrap().sweep
}

/// Jobs by kind and state, of all organizations.
async fn counts(world: &dyn StoreWorld) -> Vec<(String, i64)> {
    let counts = world.store().system().counts().await.unwrap();
    counts
        .jobs
        .into_iter()
        .map(|(_, state, count)| (state, count))
        .collect()
}

/// Debouncing moves the one queued job either way; other jobs only ever come sooner.
pub async fn a_queued_twin_moves_or_keeps_the_sooner_time(world: &dyn StoreWorld) {
    let s = Sample::new(world);
    let now = world.now();
    let first = enqueue(&s, TURN, "c", now + 5 * SECOND, Merge::Move).await;
    for (run_at, merge, expected) in [
        (9, Merge::Move, 9),
        (12, Merge::Sooner, 9),
        (4, Merge::Sooner, 4),
        (7, Merge::Move, 7),
    ] {
        enqueue(&s, TURN, "c", now + run_at * SECOND, merge).await;
        assert_eq!(next_due(world).await, Some(now + expected * SECOND));
    }
    // All at once, as one transaction may see them.
    let store = world.store();
    let together =
        [(3, Merge::Sooner), (8, Merge::Sooner), (6, Merge::Sooner)].map(|(run_at, merge)| {
            let mut batch = s.batch();
            batch.enqueue(job(&s, TURN, "c", now + run_at * SECOND, merge));
            store.commit(batch)
        });
    assert!(join_all(together).await.iter().all(Result::is_ok));
    assert_eq!(next_due(world).await, Some(now + 3 * SECOND));
    let claimed = claim_one(world, now + 3 * SECOND).await;
    assert_eq!(
        (claimed.id, claimed.key.as_str(), claimed.kind),
        (first, "c", TURN)
    );
}

/// Of a line the oldest due first, as many as asked for, and nothing that this build does not know.
pub async fn only_due_jobs_of_known_kinds_are_claimed(world: &dyn StoreWorld) {
    let s = Sample::new(world);
    let now = world.now();
    let late = enqueue(&s, SEND, "late", now + 3 * SECOND, Merge::Sooner).await;
    let early = enqueue(&s, SEND, "early", now + SECOND, Merge::Sooner).await;
    let middle = enqueue(&s, SEND, "middle", now + 2 * SECOND, Merge::Sooner).await;
    let unknown = enqueue(&s, DELIVER, "unknown", now, Merge::Sooner).await;
    let claim = async |at: Timestamp, limit| -> Vec<JobId> {
        let claimed = claim_of(world, &[SEND, RESOLVE], at, limit).await;
        claimed.iter().map(|job| job.id).collect()
    };
    assert_eq!(world.jobs().claim(&[], now + LEASE).await.unwrap(), []);
    assert_eq!(lines(world, &[]).await, []);
    assert_eq!(next_due(world).await, Some(now + SECOND));
    assert_eq!(claim(now, 10).await, []);
    assert_eq!(claim(now + 5 * SECOND, 0).await, []);
    assert_eq!(claim(now + 5 * SECOND, 2).await, [early, middle]);
    assert_eq!(claim(now + 5 * SECOND, 2).await, [late]);
    assert_eq!(claim(now + 5 * SECOND, 2).await, []);
    let left = claim_one(world, now + 5 * SECOND).await;
    assert_eq!((left.id, left.attempt), (unknown, 1));
}

/// By kind, organization and queue; a look begins behind the line that was served last.
pub async fn lines_are_found_in_turn(world: &dyn StoreWorld) {
    let (s, other) = (Sample::new(world), Sample::new(world));
    let now = world.now();
    let mut batch = s.batch();
    for (queue, jobs) in [("a", 30), ("b", 2), ("c", 1)] {
        for nth in 0..jobs {
            let key = format!("{queue}{nth}");
            batch.enqueue(job(&s, DELIVER, &key, now, Merge::Sooner).in_queue(queue));
        }
    }
    let later = job(&s, DELIVER, "d", now + SECOND, Merge::Sooner).in_queue("d");
    batch.enqueue(later);
    commit(world, batch).await;
    enqueue(&other, SEND, "m", now, Merge::Sooner).await;
    let line = |queue: &str| Line {
        kind: DELIVER,
        org: s.org,
        queue: queue.into(),
    };
    let found = lines(world, &[DELIVER]).await;
    assert_eq!(found, ["a", "b", "c"].map(line), "not what is due later");
    assert_eq!(lines(world, &ALL).await.len(), 4);
    let look = |queue: &str| {
        vec![Look {
            kind: DELIVER,
            after: Some(line(queue)),
        }]
    };
    let after = async |queue: &str, limit| {
        let found = world.jobs().lines(&look(queue), limit).await.unwrap();
        let queues = found.into_iter().map(|line| line.queue);
        queues.collect::<Vec<_>>().join("")
    };
    assert_eq!(after("a", 9).await, "bca");
    assert_eq!(after("a", 2).await, "bc");
    assert_eq!(after("c", 9).await, "abc");
    assert_eq!(after("~", 2).await, "ab");
    let want = |queue, limit| Want {
        line: line(queue),
        limit,
    };
    let wants = [want("a", 3), want("c", 3)];
    let claimed = world.jobs().claim(&wants, now + LEASE).await.unwrap();
    let queues: Vec<&str> = claimed.iter().map(|job| job.queue.as_str()).collect();
    assert_eq!(queues.len(), 4);
    assert_eq!(queues.iter().filter(|queue| **queue == "a").count(), 3);
    assert_eq!(after("a", 9).await, "ba", "nobody stands in c any more");
}

/// Only when its time has come, and its line learns of it.
pub async fn a_job_is_promoted_when_it_is_due(world: &dyn StoreWorld) {
    let s = Sample::new(world);
    let now = world.now();
    let jobs = world.jobs();
    enqueue(&s, SEND, "m", now + SECOND, Merge::Sooner).await;
    assert_eq!(jobs.promote(now).await.unwrap(), 0);
    assert_eq!(lines(world, &ALL).await, []);
    assert_eq!(jobs.promote(now + SECOND).await.unwrap(), 1);
    assert_eq!(jobs.promote(now + SECOND).await.unwrap(), 0);
    assert_eq!(next_due(world).await, None);
    assert_eq!(lines(world, &ALL).await.len(), 1);
    // Debounced meanwhile, it leaves its line.
    enqueue(&s, SEND, "m", now + 9 * SECOND, Merge::Move).await;
    assert_eq!(lines(world, &ALL).await, []);
    assert_eq!(next_due(world).await, Some(now + 9 * SECOND));
    enqueue(&s, SEND, "m", now, Merge::Sooner).await;
    assert_eq!(claim_one(world, now).await.key, "m");
}

/// However many workers ask at once.
pub async fn two_claims_never_share_a_job(world: &dyn StoreWorld) {
    let s = Sample::new(world);
    let now = world.now();
    let mut batch = s.batch();
    for nth in 0..60 {
        batch.enqueue(job(&s, SEND, &nth.to_string(), now, Merge::Sooner));
    }
    commit(world, batch).await;
    let jobs = world.jobs();
    let mut seen = BTreeSet::new();
    while seen.len() < 60 {
        let wants = lines(world, &ALL).await;
        let wants: Vec<Want> = wants
            .into_iter()
            .map(|line| Want { line, limit: 5 })
            .collect();
        let claims = join_all((0..8).map(|_| jobs.claim(&wants, now + LEASE))).await;
        for claimed in claims.into_iter().flat_map(Result::unwrap) {
            assert!(seen.insert(claimed.id), "{} was claimed twice", claimed.id);
        }
    }
    assert_eq!(counts(world).await, [("running".to_owned(), 60)]);
}

/// While one of a kind and key runs, the next one is queued but not claimed.
pub async fn a_job_whose_twin_runs_waits(world: &dyn StoreWorld) {
    let s = Sample::new(world);
    let other = Sample::new(world);
    let now = world.now();
    enqueue(&s, TURN, "c", now, Merge::Move).await;
    let running = claim_one(world, now).await;
    let twin = enqueue(&s, TURN, "c", now, Merge::Move).await;
    assert_ne!(running.id, twin);
    assert_eq!(claim(world, now).await, []);
    assert_eq!(lines(world, &ALL).await, [], "nothing to wake up for");
    assert_eq!(next_due(world).await, None);
    // The same key elsewhere, or of another kind, is another thing.
    enqueue(&other, TURN, "c", now, Merge::Move).await;
    enqueue(&s, SEND, "c", now, Merge::Sooner).await;
    assert_eq!(claim(world, now).await.len(), 2);
    let mut batch = s.batch();
    batch.finish(running.id, running.fence, Finished::Done);
    commit(world, batch).await;
    assert_eq!(claim_one(world, now).await.id, twin);
}

/// Its row is deleted, and it does not end twice.
pub async fn a_finished_job_is_gone(world: &dyn StoreWorld) {
    let s = Sample::new(world);
    let now = world.now();
    for nth in 0..10 {
        enqueue(&s, SEND, &nth.to_string(), now, Merge::Sooner).await;
    }
    let store = world.store();
    let claimed = claim(world, now).await;
    let ends = claimed.iter().flat_map(|job| [job, job]).map(|job| {
        let mut batch = s.batch();
        batch.finish(job.id, job.fence, Finished::Done);
        store.commit(batch)
    });
    let stale = join_all(ends)
        .await
        .into_iter()
        .filter_map(super::conflict)
        .collect::<Vec<_>>();
    assert_eq!(stale, [Conflict::StaleFence; 10]);
    assert_eq!(counts(world).await, []);
}

/// A worker that lost its claim changes nothing, also not by the way.
pub async fn a_stale_fence_undoes_the_whole_batch(world: &dyn StoreWorld) {
    let s = Sample::new(world);
    let now = world.now();
    enqueue(&s, SEND, "m", now, Merge::Sooner).await;
    let lost = claim_one(world, now).await;
    let later = now + LEASE + SECOND;
    assert_eq!(world.jobs().sweep(later).await.unwrap(), 1);
    let held = claim_one(world, later).await;
    assert!(held.fence > lost.fence);
    assert_eq!((held.id, held.attempt), (lost.id, 2));
    let how = [
        Finished::Done,
        Finished::Again {
            at: later,
            error: None,
        },
        Finished::Failed { error: "no".into() },
    ];
    for how in how {
        let mut batch = s.batch();
        batch.insert(&s.webhook());
        batch.emit(s.event());
        batch.finish(lost.id, lost.fence, how);
        assert_eq!(refused(world, batch).await, Conflict::StaleFence);
    }
    let reads = world.store().org(s.org);
    assert_eq!(reads.count_webhooks().await.unwrap(), 0);
    assert_eq!(reads.last_event_seq().await.unwrap(), 0);
    // The fence of another organization's job is no key either.
    let other = Sample::new(world);
    let mut batch = other.batch();
    batch.finish(held.id, held.fence, Finished::Done);
    assert_eq!(refused(world, batch).await, Conflict::StaleFence);
    let mut batch = s.batch();
    batch.finish(held.id, held.fence, Finished::Done);
    commit(world, batch).await;
}

/// What a run commits on its way rests on its claim, and so may the batch that ends it.
pub async fn a_claim_can_be_guarded(world: &dyn StoreWorld) {
    let s = Sample::new(world);
    let now = world.now();
    enqueue(&s, TURN, "c", now, Merge::Move).await;
    let lost = claim_one(world, now).await;
    let guarded = |claimed: &Claimed| {
        let mut batch = s.batch();
        batch.guard_claim(claimed.id, claimed.fence);
        batch.emit(s.event());
        batch
    };
    commit(world, guarded(&lost)).await;
    assert_eq!(world.jobs().sweep(now + LEASE).await.unwrap(), 1);
    assert_eq!(
        refused(world, guarded(&lost)).await,
        Conflict::StaleFence,
        "it is queued"
    );
    let held = claim_one(world, now + LEASE).await;
    assert_eq!(
        refused(world, guarded(&lost)).await,
        Conflict::StaleFence,
        "somebody else has it"
    );
    let mut last = guarded(&held);
    last.finish(held.id, held.fence, Finished::Done);
    commit(world, last).await;
    assert_eq!(
        refused(world, guarded(&held)).await,
        Conflict::StaleFence,
        "it is gone"
    );
    assert_eq!(world.store().org(s.org).last_event_seq().await.unwrap(), 2);
}

/// After a run that failed; where a twin is queued, that one does the work.
pub async fn a_job_can_be_queued_again(world: &dyn StoreWorld) {
    let s = Sample::new(world);
    let now = world.now();
    let id = enqueue(&s, DELIVER, "d", now, Merge::Sooner).await;
    let first = claim_one(world, now).await;
    let again = |at| Finished::Again {
        at,
        error: Some("busy".into()),
    };
    let mut batch = s.batch();
    batch.finish(first.id, first.fence, again(now + 5 * SECOND));
    commit(world, batch).await;
    assert_eq!(claim(world, now + 4 * SECOND).await, []);
    let second = claim_one(world, now + 5 * SECOND).await;
    assert_eq!((second.id, second.attempt), (id, 2));

    let twin = enqueue(&s, DELIVER, "d", now + 60 * SECOND, Merge::Sooner).await;
    let mut batch = s.batch();
    batch.finish(second.id, second.fence, again(now + 9 * SECOND));
    commit(world, batch).await;
    assert_eq!(counts(world).await, [("queued".to_owned(), 1)]);
    assert_eq!(next_due(world).await, Some(now + 9 * SECOND));
    let third = claim_one(world, now + 9 * SECOND).await;
    assert_eq!((third.id, third.attempt), (twin, 1));
    // A twin that is due sooner stays so.
    enqueue(&s, DELIVER, "d", now + 10 * SECOND, Merge::Sooner).await;
    let mut batch = s.batch();
    batch.finish(third.id, third.fence, again(now + 20 * SECOND));
    commit(world, batch).await;
    assert_eq!(next_due(world).await, Some(now + 10 * SECOND));
}

/// It is never claimed again, and does not stand in the way of a new one.
pub async fn a_failed_job_stays_for_people(world: &dyn StoreWorld) {
    let s = Sample::new(world);
    let now = world.now();
    enqueue(&s, SEND, "m", now, Merge::Sooner).await;
    let claimed = claim_one(world, now).await;
    let mut batch = s.batch();
    batch.finish(
        claimed.id,
        claimed.fence,
        Finished::Failed { error: "no".into() },
    );
    commit(world, batch).await;
    assert_eq!(claim(world, now + LEASE).await, []);
    assert_eq!(world.jobs().sweep(now + 10 * LEASE).await.unwrap(), 0);
    assert_eq!(counts(world).await, [("failed".to_owned(), 1)]);
    let new = enqueue(&s, SEND, "m", now, Merge::Sooner).await;
    assert_eq!(claim_one(world, now).await.id, new);
}

/// As long as they are held.
pub async fn claims_are_renewed(world: &dyn StoreWorld) {
    let (s, other) = (Sample::new(world), Sample::new(world));
    let now = world.now();
    let jobs = world.jobs();
    enqueue(&s, SEND, "m", now, Merge::Sooner).await;
    enqueue(&s, SEND, "n", now, Merge::Sooner).await;
    enqueue(&other, SEND, "m", now, Merge::Sooner).await;
    let claims: Vec<Claim> = claim(world, now).await.iter().map(Claimed::claim).collect();
    let stale = Claim {
        fence: claims[0].fence - 1,
        ..claims[0]
    };
    let foreign = Claim {
        org: Sample::new(world).org,
        ..claims[1]
    };
    let asked = [stale, claims[0], foreign, claims[2]];
    assert_eq!(
        jobs.renew(&asked, now + 2 * LEASE).await.unwrap(),
        [claims[0], claims[2]]
    );
    assert_eq!(next_sweep(world).await, Some(now + LEASE));
    assert_eq!(jobs.sweep(now + LEASE + SECOND).await.unwrap(), 1);
    assert_eq!(next_sweep(world).await, Some(now + 2 * LEASE));
    assert_eq!(jobs.renew(&claims, now + 3 * LEASE).await.unwrap().len(), 2);
    assert_eq!(jobs.renew(&[], now).await.unwrap(), []);
}

/// A shutdown costs no attempt; a claim that is lost cannot be given back.
pub async fn a_released_job_has_not_run(world: &dyn StoreWorld) {
    let s = Sample::new(world);
    let now = world.now();
    let jobs = world.jobs();
    let id = enqueue(&s, SEND, "m", now, Merge::Sooner).await;
    let first = claim_one(world, now).await;
    jobs.release(first.claim(), now).await.unwrap();
    let second = claim_one(world, now).await;
    assert_eq!((second.id, second.attempt), (id, 1));
    assert!(second.fence > first.fence);
    jobs.release(first.claim(), now).await.unwrap();
    assert_eq!(counts(world).await, [("running".to_owned(), 1)]);
    let twin = enqueue(&s, SEND, "m", now + 60 * SECOND, Merge::Sooner).await;
    jobs.release(second.claim(), now + SECOND).await.unwrap();
    assert_eq!(counts(world).await, [("queued".to_owned(), 1)]);
    assert_eq!(claim_one(world, now + SECOND).await.id, twin);
}

/// Whatever the dead worker had tried before.
pub async fn an_expired_claim_is_swept(world: &dyn StoreWorld) {
    let s = Sample::new(world);
    let mut now = world.now();
    let jobs = world.jobs();
    let id = enqueue(&s, SEND, "m", now, Merge::Sooner).await;
    for attempt in 1..=4 {
        let claimed = claim_one(world, now).await;
        assert_eq!((claimed.id, claimed.attempt), (id, attempt));
        assert_eq!(
            jobs.sweep(now + LEASE - Duration::from_micros(1))
                .await
                .unwrap(),
            0
        );
        now = now + LEASE;
        assert_eq!(jobs.sweep(now).await.unwrap(), 1);
        assert_eq!(jobs.sweep(now).await.unwrap(), 0);
        assert_eq!(lines(world, &ALL).await.len(), 1);
    }
}

/// The twin is due at once; the expired one is deleted.
pub async fn an_expired_claim_yields_to_its_twin(world: &dyn StoreWorld) {
    let s = Sample::new(world);
    let now = world.now();
    enqueue(&s, TURN, "c", now, Merge::Move).await;
    claim_one(world, now).await;
    let twin = enqueue(&s, TURN, "c", now + 3600 * SECOND, Merge::Move).await;
    let later = now + LEASE + SECOND;
    assert_eq!(world.jobs().sweep(later).await.unwrap(), 1);
    assert_eq!(counts(world).await, [("queued".to_owned(), 1)]);
    assert_eq!(next_due(world).await, Some(later));
    assert_eq!(claim_one(world, later).await.id, twin);
}

/// The next job to be promoted, and the next claim that runs out.
pub async fn the_next_due_job_is_known(world: &dyn StoreWorld) {
    let s = Sample::new(world);
    let now = world.now();
    assert_eq!(world.jobs().next_due().await.unwrap(), NextDue::default());
    enqueue(&s, DELIVER, "d", now + 2 * SECOND, Merge::Sooner).await;
    enqueue(&s, SEND, "m", now + SECOND, Merge::Sooner).await;
    assert_eq!(next_due(world).await, Some(now + SECOND));
    assert_eq!(claim(world, now + 2 * SECOND).await.len(), 2);
    let due = NextDue {
        promote: None,
        sweep: Some(now + 2 * SECOND + LEASE),
    };
    assert_eq!(world.jobs().next_due().await.unwrap(), due);
    enqueue(&s, DELIVER, "e", now + 5 * SECOND, Merge::Sooner).await;
    assert_eq!(next_due(world).await, Some(now + 5 * SECOND));
    let due = world.jobs().next_due().await.unwrap();
    assert_eq!(due.earliest(), Some(now + 5 * SECOND));
}
