//! Every bus keeps the same promises: the suite of `hum_testkit::contract::bus`, once for each, and
//! what only one of them can break.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use hum_adapters::bus::{InProcessBus, PostgresBus};
use hum_core::{clock::Timestamp, entropy::Entropy, id::OrgId, live_bus::LiveBus};
use hum_testkit::{
    Chance, Options, VirtualClock, contract::bus::BusWorld, fake::bus::SimBus,
    postgres::TestDatabase, process::Fate,
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use tokio::time::{Instant, sleep, timeout};

/// Two ends of a bus, and what must outlive them.
struct World<K> {
    here: Arc<dyn LiveBus>,
    there: Arc<dyn LiveBus>,
    chance: Chance,
    keeps: K,
}

impl<K> World<K> {
    fn new(here: Arc<dyn LiveBus>, there: Arc<dyn LiveBus>, keeps: K) -> Self {
        Self {
            here,
            there,
            chance: Chance::new(7, 0),
            keeps,
        }
    }

    fn org(&self) -> OrgId {
        OrgId::new(Timestamp::from_micros(0), &self.chance)
    }
}

#[async_trait]
impl<K: Send + Sync> BusWorld for World<K> {
    fn here(&self) -> Arc<dyn LiveBus> {
        self.here.clone()
    }

    fn there(&self) -> Arc<dyn LiveBus> {
        self.there.clone()
    }

    fn entropy(&self) -> &dyn Entropy {
        &self.chance
    }
}

fn in_process() -> World<()> {
    let bus = Arc::new(InProcessBus::new());
    World::new(bus.clone(), bus, ())
}

fn simulated() -> World<()> {
    let (clock, chance) = (VirtualClock::default(), Chance::new(7, 1));
    let fate = Fate::new(Options::calm(7), chance, clock);
    let bus = SimBus::default();
    let (here, there) = (bus.join(fate.clone()), bus.join(fate));
    World::new(Arc::new(here), Arc::new(there), ())
}

async fn two_on_postgres() -> World<TestDatabase> {
    let database = TestDatabase::create().await;
    let start = || Arc::new(PostgresBus::start(&database.url).expect("an address"));
    let world = World::new(start(), start(), database);
    introduce(&world).await;
    world
}

/// Waits until each hears the other, and until what they said when they met is over.
async fn introduce<K>(world: &World<K>) {
    for (from, to) in [(&world.here, &world.there), (&world.there, &world.here)] {
        let org = world.org();
        let mut listener = to.subscribe(org);
        let mut event_seq = 0;
        timeout(Duration::from_secs(20), async {
            loop {
                event_seq += 1;
                from.publish(org, event_seq);
                if matches!(
                    timeout(Duration::from_millis(100), listener.next()).await,
                    Ok(1..)
                ) {
                    break;
                }
            }
        })
        .await
        .expect("they meet");
    }
    sleep(Duration::from_millis(200)).await;
    for bus in [&world.here, &world.there] {
        while timeout(Duration::ZERO, bus.wait_for_jobs()).await.is_ok() {}
    }
}

mod within_a_process {
    hum_testkit::bus_contract!(super::in_process());
}

mod between_processes_on_postgres {
    hum_testkit::bus_contract!(super::two_on_postgres().await);
}

mod between_simulated_processes {
    hum_testkit::bus_contract!(super::simulated());
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Two processes wake each other within 50 ms, at the median.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_on_one_postgres_wake_each_other_within_50_ms() {
    let world = two_on_postgres().await;
    let org = world.org();
    let mut listener = world.there.subscribe(org);
    let (mut events, mut jobs) = (Vec::new(), Vec::new());
    for event_seq in 1..=40_u64 {
        // Sometimes within the window of the last notification, sometimes after it.
        let pause = Duration::from_millis(event_seq * 37 % 100);
        let event_seq = event_seq.cast_signed();
        let start = Instant::now();
        world.here.publish(org, event_seq);
        while listener.next().await < event_seq {}
        events.push(start.elapsed());
        sleep(pause).await;
        let start = Instant::now();
        world.here.jobs_due();
        world.there.wait_for_jobs().await;
        jobs.push(start.elapsed());
        sleep(pause).await;
    }
    let (events, jobs) = (median(events), median(jobs));
    println!("median: events {events:?}, jobs {jobs:?}");
    assert!(events < Duration::from_millis(50), "{events:?}");
    assert!(jobs < Duration::from_millis(50), "{jobs:?}");
}

/// A process says at most twenty things in a second, however much happens, and each organization
/// is heard of.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_becomes_twenty_notifications_a_second() {
    let world = two_on_postgres().await;
    let mut ear = sqlx::postgres::PgListener::connect(&world.keeps.url)
        .await
        .expect("a listener");
    ear.listen("hum_bus").await.expect("it listens");
    let orgs: Vec<OrgId> = (0..1_000).map(|_| world.org()).collect();
    let mut listeners: Vec<_> = orgs.iter().map(|org| world.there.subscribe(*org)).collect();
    let start = Instant::now();
    let mut event_seq = 0;
    while start.elapsed() < Duration::from_secs(2) {
        event_seq += 1;
        for org in &orgs {
            world.here.publish(*org, event_seq);
            world.here.jobs_due();
        }
        sleep(Duration::from_millis(1)).await;
    }
    for listener in &mut listeners {
        // Too many to be named: everybody is told to look.
        timeout(Duration::from_secs(5), listener.next())
            .await
            .expect("everybody hears");
    }
    let mut said = 0;
    while let Ok(Ok(notification)) = timeout(Duration::from_millis(300), ear.recv()).await {
        assert!(notification.payload().len() < 8_000);
        said += 1;
    }
    println!("{} signals, {said} notifications", event_seq * 2_000);
    // The other one was silent; one more may be under way at each end.
    assert!((5..=42).contains(&said), "{said} in two seconds");
}

/// When the connection is lost, everybody looks once, and then hears again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_is_made_again() {
    let world = two_on_postgres().await;
    let org = world.org();
    let mut listener = world.there.subscribe(org);
    let mut admin = PgConnection::connect(&world.keeps.url)
        .await
        .expect("a connection");
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND application_name = 'hum bus'";
    let cut = sqlx::query(AssertSqlSafe(cut))
        .fetch_all(&mut admin)
        .await
        .expect("both are cut off");
    assert_eq!(cut.len(), 2);
    assert!(cut.iter().all(|row| row.get::<bool, _>(0)));
    // Said while nobody can hear it.
    world.here.publish(org, 1);
    timeout(Duration::from_secs(10), listener.next())
        .await
        .expect("everybody is woken after a reconnect");
    timeout(Duration::from_secs(10), world.there.wait_for_jobs())
        .await
        .expect("workers too");
    introduce(&world).await;
}

/// A bus without a database serves its own process.
#[tokio::test]
async fn a_bus_that_cannot_connect_still_serves_its_own_process() {
    assert!(PostgresBus::start("nonsense").is_err());
    let bus = PostgresBus::start("postgres://nobody@127.0.0.1:1/none").expect("an address");
    let org = OrgId::new(Timestamp::from_micros(0), &Chance::new(7, 0));
    let mut listener = bus.subscribe(org);
    bus.publish(org, 3);
    bus.jobs_due();
    assert_eq!(listener.next().await, 3);
    bus.wait_for_jobs().await;
}
