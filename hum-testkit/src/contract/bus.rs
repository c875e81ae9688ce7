//! Sentences about buses: what is said here is heard there, as a hint.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use hum_core::{
    clock::Timestamp,
    entropy::Entropy,
    id::OrgId,
    live_bus::{LiveBus, Subscription},
};
use tokio::time::timeout;

/// Two ends of a bus under test: of one process, or of two.
#[async_trait]
pub trait BusWorld: Send + Sync {
    /// Where signals are given.
    fn here(&self) -> Arc<dyn LiveBus>;
    /// Where they are heard.
    fn there(&self) -> Arc<dyn LiveBus>;
    /// Chance of this test.
    fn entropy(&self) -> &dyn Entropy;
}

/// How long a signal may take before a test has failed.
const SOON: Duration = Duration::from_secs(10);
/// How long a test waits for what must not come.
const A_WHILE: Duration = Duration::from_millis(300);

fn org(world: &dyn BusWorld) -> OrgId {
    OrgId::new(
        Timestamp::from_micros(1_767_225_600_123_456),
        world.entropy(),
    )
}

/// Hears signals until one says at least `event_seq`; how many it took.
async fn heard(listener: &mut dyn Subscription, event_seq: i64) -> u32 {
    let hear = async {
        let mut signals = 1;
        while listener.next().await < event_seq {
            signals += 1;
        }
        signals
    };
    timeout(SOON, hear).await.expect("the signal arrives")
}

/// A hint that is given after somebody began to listen arrives, at everybody who listens.
pub async fn what_is_published_is_heard_by_all(world: &dyn BusWorld) {
    let org = org(world);
    let mut first = world.there().subscribe(org);
    let mut second = world.there().subscribe(org);
    let mut beside = world.here().subscribe(org);
    for event_seq in [1, 2, 9] {
        world.here().publish(org, event_seq);
        for listener in [&mut first, &mut second, &mut beside] {
            heard(&mut **listener, event_seq).await;
        }
    }
}

/// Whoever is slow hears of the newest number, and not of each.
pub async fn many_numbers_come_as_the_newest(world: &dyn BusWorld) {
    let org = org(world);
    let mut far = world.there().subscribe(org);
    let mut beside = world.here().subscribe(org);
    for event_seq in 1..=10_000 {
        world.here().publish(org, event_seq);
    }
    assert!(heard(&mut *beside, 10_000).await <= 3);
    assert!(heard(&mut *far, 10_000).await <= 10);
}

/// A number that comes late takes nothing back.
pub async fn an_old_number_takes_nothing_back(world: &dyn BusWorld) {
    let org = org(world);
    let mut listener = world.there().subscribe(org);
    world.here().publish(org, 5);
    heard(&mut *listener, 5).await;
    world.here().publish(org, 3);
    world.here().publish(org, 6);
    let mut last = 5;
    let rise = async {
        while last < 6 {
            let next = listener.next().await;
            assert!(next >= last, "{next} after {last}");
            last = next;
        }
    };
    timeout(SOON, rise).await.expect("the signal arrives");
}

/// Nobody hears how far another organization is.
pub async fn another_organization_hears_nothing(world: &dyn BusWorld) {
    let (org, other) = (org(world), org(world));
    let mut listener = world.there().subscribe(org);
    let mut foreign = world.there().subscribe(other);
    world.here().publish(org, 7);
    heard(&mut *listener, 7).await;
    // A bus may say to all that they should look, and then it says no number.
    while let Ok(event_seq) = timeout(A_WHILE, foreign.next()).await {
        assert_eq!(event_seq, 0);
    }
}

/// Whoever leaves takes nobody along, and may come again.
pub async fn who_leaves_takes_nobody_along(world: &dyn BusWorld) {
    let org = org(world);
    let mut stays = world.there().subscribe(org);
    drop(world.there().subscribe(org));
    world.here().publish(org, 1);
    heard(&mut *stays, 1).await;
    drop(stays);
    let mut comes_again = world.there().subscribe(org);
    world.here().publish(org, 2);
    heard(&mut *comes_again, 2).await;
}

/// A wait that was given up loses no signal.
pub async fn a_wait_that_was_given_up_loses_nothing(world: &dyn BusWorld) {
    let org = org(world);
    let mut listener = world.there().subscribe(org);
    for event_seq in 1..=20 {
        let nothing = timeout(Duration::ZERO, listener.next()).await;
        assert!(nothing.is_err() || event_seq == 1, "{nothing:?}");
        world.here().publish(org, event_seq);
        heard(&mut *listener, event_seq).await;
    }
}

/// A signal about jobs wakes a loop that waits, and counts when none waits yet.
pub async fn jobs_wake_who_waits_for_them(world: &dyn BusWorld) {
    for _ in 0..3 {
        world.here().jobs_due();
        for bus in [world.here(), world.there()] {
            timeout(SOON, bus.wait_for_jobs())
                .await
                .expect("the signal arrives");
            if Arc::ptr_eq(&world.here(), &world.there()) {
                break;
            }
        }
    }
}

/// Makes a test of every sentence about buses. `$world` is an expression that opens a new world.
#[macro_export]
macro_rules! bus_contract {
    ($world:expr) => {
        $crate::store_contract! { $world;
            bus: what_is_published_is_heard_by_all, many_numbers_come_as_the_newest,
                an_old_number_takes_nothing_back, another_organization_hears_nothing,
                who_leaves_takes_nobody_along, a_wait_that_was_given_up_loses_nothing,
                jobs_wake_who_waits_for_them;
        }
    };
}
