//! How often somebody may call. Each request counts against two budgets of its operation's class:
//! that of its key and that of the whole organization. Both must have room, or nothing is taken.
//!
//! In the memory of the process: several servers give each key its quota each.

use std::{
    array,
    collections::{HashMap, hash_map::DefaultHasher},
    hash::{BuildHasher as _, BuildHasherDefault},
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::kernel::{
    actor::Actor,
    id::{ApiKeyId, OrgId, PersonId},
};

use super::{
    Caller, Limit,
    gcra::{Bucket, Rate},
};

/// Something for each class of limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PerLimit<T> {
    /// Of [`Limit::Read`].
    pub read: T,
    /// Of [`Limit::Write`].
    pub write: T,
    /// Of [`Limit::Send`].
    pub send: T,
    /// Of [`Limit::Sessions`].
    pub sessions: T,
}

impl<T> PerLimit<T> {
    fn of(&self, limit: Limit) -> &T {
        match limit {
            Limit::Read => &self.read,
            Limit::Write => &self.write,
            Limit::Send => &self.send,
            Limit::Sessions => &self.sessions,
        }
    }

    fn of_mut(&mut self, limit: Limit) -> &mut T {
        match limit {
            Limit::Read => &mut self.read,
            Limit::Write => &mut self.write,
            Limit::Send => &mut self.send,
            Limit::Sessions => &mut self.sessions,
        }
    }
}

/// How many requests of each class may be made in a minute, all at once if somebody likes; 0: as
/// many as one likes.
pub type Quotas = PerLimit<u32>;

impl Quotas {
    /// More than people and their systems need: a hundred looks a second, for ever.
    pub const OF_A_KEY: Self = Self {
        read: 6_000,
        write: 3_000,
        send: 3_000,
        sessions: 600,
    };

    /// Room for several busy keys, so that one alone cannot use it up.
    pub const OF_AN_ORGANIZATION: Self = Self {
        read: 30_000,
        write: 12_000,
        send: 12_000,
        sessions: 0,
    };
}

/// Whose budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Whose {
    /// Of the key, or the person, alone.
    Caller,
    /// Of everybody in the organization together.
    Organization,
}

/// A budget as it is announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Whose.
    pub whose: Whose,
    /// For which requests.
    pub limit: Limit,
    /// How many of them in [`Policy::WINDOW`].
    pub quota: NonZeroU32,
}

impl Policy {
    /// In which time a quota comes back.
    pub const WINDOW: Duration = Duration::from_secs(60);

    /// What clients know it by.
    pub fn name(self) -> &'static str {
        match (self.whose, self.limit) {
            (Whose::Caller, Limit::Read) => "read",
            (Whose::Caller, Limit::Write) => "write",
            (Whose::Caller, Limit::Send) => "send",
            (Whose::Caller, Limit::Sessions) => "sessions",
            (Whose::Organization, Limit::Read) => "organization-read",
            (Whose::Organization, Limit::Write) => "organization-write",
            (Whose::Organization, Limit::Send) => "organization-send",
            (Whose::Organization, Limit::Sessions) => "organization-sessions",
        }
    }
}

/// What a request left of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Which budget.
    pub policy: Policy,
    /// How many more requests there is room for.
    pub left: u32,
    /// How long until there is room, when there is none for this request.
    pub wait: Option<Duration>,
}

/// How a request stands with each budget that it counts against: the caller's, then the
/// organization's. Without quotas there are none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count([Option<Standing>; 2]);

impl Count {
    /// Every budget.
    pub fn standings(&self) -> impl Iterator<Item = Standing> {
        self.0.into_iter().flatten()
    }

    /// The budgets that have no room for the request. When there is one, nothing was taken from any.
    pub fn over(&self) -> impl Iterator<Item = Standing> {
        self.standings().filter(|standing| standing.wait.is_some())
    }

    /// How long until every budget has room; `None`: the request is admitted.
    pub fn wait(&self) -> Option<Duration> {
        self.standings().filter_map(|standing| standing.wait).max()
    }
}

/// At most so many keys, people and organizations are remembered.
const HOLDERS_AT_MOST: usize = 100_000;
/// Each has its own lock. Everybody of an organization is in the same one.
const SHARDS: usize = 32;

type Hashing = BuildHasherDefault<DefaultHasher>;

/// Counts requests.
pub struct RateLimits {
    caller: Quotas,
    organization: Quotas,
    shards: [Mutex<Shard>; SHARDS],
}

impl RateLimits {
    /// The quotas of each key or person, and of each organization.
    pub fn new(caller: Quotas, organization: Quotas) -> Self {
        Self {
            caller,
            organization,
            shards: array::from_fn(|_| Mutex::default()),
        }
    }

    /// Counts a request of this class at `now`, in monotonic time. hum itself has no limits.
    pub fn count(&self, caller: &Caller, limit: Limit, now: Duration) -> Count {
        let Some(holder) = Holder::of(caller.actor) else {
            return Count::default();
        };
        let organization = Holder::Organization(caller.org);
        let budgets = [
            self.budget(holder, Whose::Caller, limit),
            self.budget(organization, Whose::Organization, limit),
        ];
        if budgets == [None, None] {
            return Count::default();
        }
        let mut shard = self
            .shard(caller.org)
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        shard.count(budgets, nanos(now))
    }

    /// The one place that knows what somebody's quota is: the same for all who are alike. Quotas that
    /// an organization has agreed on belong here.
    fn budget(&self, holder: Holder, whose: Whose, limit: Limit) -> Option<Budget> {
        let quotas = match whose {
            Whose::Caller => &self.caller,
            Whose::Organization => &self.organization,
        };
        let quota = NonZeroU32::new(*quotas.of(limit))?;
        let policy = Policy {
            whose,
            limit,
            quota,
        };
        Some(Budget { holder, policy })
    }

    fn shard(&self, org: OrgId) -> &Mutex<Shard> {
        let [first, ..] = &self.shards;
        let nth = Hashing::default().hash_one(org) % SHARDS as u64;
        usize::try_from(nth)
            .ok()
            .and_then(|nth| self.shards.get(nth))
            .unwrap_or(first)
    }
}

/// Who has budgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Holder {
    Key(ApiKeyId),
    Person(PersonId),
    Organization(OrgId),
}

impl Holder {
    fn of(actor: Actor) -> Option<Self> {
        match actor {
            Actor::Key(key) => Some(Self::Key(key)),
            Actor::Person(person) => Some(Self::Person(person)),
            Actor::System | Actor::Contact => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Budget {
    holder: Holder,
    policy: Policy,
}

/// Some organizations, and everybody in them. Whoever has used nothing is not there.
#[derive(Default)]
struct Shard {
    holders: HashMap<Holder, PerLimit<Bucket>, Hashing>,
    /// When to look for buckets that are whole again.
    sweep_at: u64,
}

impl Shard {
    fn count(&mut self, budgets: [Option<Budget>; 2], now: u64) -> Count {
        let tried = budgets.map(|budget| {
            let Budget { holder, policy } = budget?;
            let rate = Rate::per_minute(policy.quota);
            let bucket = self.bucket(holder, policy.limit);
            Some((holder, policy, rate, bucket, bucket.take(rate, now)))
        });
        let admitted = tried.iter().flatten().all(|(.., taken)| taken.is_ok());
        Count(tried.map(|tried| {
            let (holder, policy, rate, mut bucket, taken) = tried?;
            if let (true, Ok(taken)) = (admitted, taken) {
                bucket = taken;
                self.keep(holder, policy.limit, bucket, now);
            }
            Some(Standing {
                policy,
                left: bucket.left(rate, now),
                wait: taken.err(),
            })
        }))
    }

    fn bucket(&self, holder: Holder, limit: Limit) -> Bucket {
        let buckets = self.holders.get(&holder);
        buckets.map_or_else(Bucket::default, |buckets| *buckets.of(limit))
    }

    fn keep(&mut self, holder: Holder, limit: Limit, bucket: Bucket, now: u64) {
        if let Some(buckets) = self.holders.get_mut(&holder) {
            *buckets.of_mut(limit) = bucket;
            return;
        }
        self.make_room(now);
        let buckets = self.holders.entry(holder).or_default();
        *buckets.of_mut(limit) = bucket;
    }

    /// Forgets whom it costs nothing to forget; when that is not enough, an eighth of the others:
    /// those whom it gives least. A part and not one, so that a full shard is seldom looked through.
    fn make_room(&mut self, now: u64) {
        let most = HOLDERS_AT_MOST / SHARDS;
        if self.holders.len() < most && now < self.sweep_at {
            return;
        }
        self.sweep_at = now.saturating_add(nanos(Policy::WINDOW));
        self.holders.retain(|_, buckets| used(buckets, now) > 0);
        if self.holders.len() < most {
            return;
        }
        let mut all: Vec<u64> = self
            .holders
            .values()
            .map(|buckets| used(buckets, now))
            .collect();
        let mut forget = all.len() / 8;
        let (_, bound, _) = all.select_nth_unstable(forget);
        self.holders.retain(|_, buckets| {
            let stays = forget == 0 || used(buckets, now) > *bound;
            forget -= usize::from(!stays);
            stays
        });
    }
}

/// In nanoseconds: until every bucket is whole.
fn used(buckets: &PerLimit<Bucket>, now: u64) -> u64 {
    let PerLimit {
        read,
        write,
        send,
        sessions,
    } = buckets;
    [read, write, send, sessions]
        .map(|bucket| bucket.used(now))
        .into_iter()
        .max()
        .unwrap_or(0)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::{super::waiting_room::WaitingRoom, *};
    use crate::kernel::{clock::Timestamp, entropy::Entropy};

    /// Ids that differ in their number.
    struct Nth(u64);
    impl Entropy for Nth {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
            for (byte, value) in bytes.iter_mut().zip(self.0.to_le_bytes()) {
                *byte = value;
            }
        }
    }

    fn key(org: u64, key: u64) -> Caller {
        let epoch = Timestamp::from_micros(0);
        Caller {
            actor: Actor::Key(ApiKeyId::new(epoch, &Nth(key))),
            ..Caller::system(OrgId::new(epoch, &Nth(org)))
        }
    }

    fn person(org: u64, person: u64) -> Caller {
        let id = PersonId::new(Timestamp::from_micros(0), &Nth(person));
        Caller {
            actor: Actor::Person(id),
            ..key(org, 0)
        }
    }

    fn each(quota: u32) -> Quotas {
        Quotas {
            read: quota,
            write: quota,
            send: quota,
            sessions: quota,
        }
    }

    const START: Duration = Duration::from_secs(1);

    /// What is left of each budget, and of which there was not enough.
    fn told(count: Count) -> (Vec<(&'static str, u32)>, Vec<&'static str>) {
        let left = count
            .standings()
            .map(|standing| (standing.policy.name(), standing.left));
        let over = count.over().map(|standing| standing.policy.name());
        (left.collect(), over.collect())
    }

    #[test]
    fn a_request_counts_against_the_key_and_its_organization() {
        let limits = RateLimits::new(each(3), each(4));
        let count = |caller: &Caller| told(limits.count(caller, Limit::Read, START));
        let (ann, bob) = (key(1, 1), key(1, 2));
        let both = |own, all| vec![("read", own), ("organization-read", all)];
        assert_eq!(count(&ann), (both(2, 3), vec![]));
        assert_eq!(count(&ann), (both(1, 2), vec![]));
        assert_eq!(count(&bob), (both(2, 1), vec![]));
        assert_eq!(count(&ann), (both(0, 0), vec![]));
        assert_eq!(count(&ann), (both(0, 0), vec!["read", "organization-read"]));
        assert_eq!(
            count(&bob),
            (both(2, 0), vec!["organization-read"]),
            "nothing is taken of his own"
        );
        assert_eq!(count(&bob), (both(2, 0), vec!["organization-read"]));
        assert_eq!(count(&key(2, 3)), (both(2, 3), vec![]), "elsewhere");
    }

    #[test]
    fn a_key_that_is_refused_takes_nothing_of_its_organization() {
        let limits = RateLimits::new(each(2), each(10));
        let greedy = key(1, 1);
        for _ in 0..1_000 {
            limits.count(&greedy, Limit::Send, START);
        }
        let count = limits.count(&key(1, 2), Limit::Send, START);
        assert_eq!(
            told(count),
            (vec![("send", 1), ("organization-send", 7)], vec![])
        );
    }

    #[test]
    fn the_wait_is_that_of_the_budget_that_takes_longest() {
        let limits = RateLimits::new(each(60), each(2));
        let caller = key(1, 1);
        let mut last = Count::default();
        for _ in 0..3 {
            last = limits.count(&caller, Limit::Write, START);
        }
        assert_eq!(last.wait(), Some(Duration::from_secs(30)));
        let later = START + Duration::from_secs(30);
        assert_eq!(limits.count(&caller, Limit::Write, later).wait(), None);
    }

    #[test]
    fn each_class_has_its_own_budgets() {
        let limits = RateLimits::new(each(1), each(1));
        for limit in Limit::ALL {
            let caller = key(1, 1);
            assert_eq!(limits.count(&caller, limit, START).wait(), None);
            assert!(limits.count(&caller, limit, START).wait().is_some());
        }
        let mut names: Vec<_> = Limit::ALL
            .into_iter()
            .flat_map(|limit| {
                limits
                    .count(&key(1, 1), limit, START)
                    .over()
                    .collect::<Vec<_>>()
            })
            .map(|standing| standing.policy.name())
            .collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 8, "every policy has its own name");
    }

    #[test]
    fn people_have_budgets_and_hum_itself_has_none() {
        let limits = RateLimits::new(each(1), each(10));
        let count = |caller: &Caller| limits.count(caller, Limit::Read, START);
        assert_eq!(count(&person(1, 1)).wait(), None);
        assert!(count(&person(1, 1)).wait().is_some());
        assert_eq!(count(&person(1, 2)).wait(), None);
        let hum = Caller::system(key(1, 1).org);
        for _ in 0..100 {
            assert_eq!(count(&hum), Count::default());
        }
    }

    #[test]
    fn a_quota_of_zero_is_no_limit() {
        let limits = RateLimits::new(each(0), each(0));
        for _ in 0..10_000 {
            assert_eq!(
                limits.count(&key(1, 1), Limit::Read, START),
                Count::default()
            );
        }
        assert_eq!(remembered(&limits), 0);
        let limits = RateLimits::new(each(0), each(1));
        assert_eq!(
            told(limits.count(&key(1, 1), Limit::Read, START)),
            (vec![("organization-read", 0)], vec![])
        );
    }

    fn remembered(limits: &RateLimits) -> usize {
        limits
            .shards
            .iter()
            .map(|shard| shard.lock().unwrap().holders.len())
            .sum()
    }

    #[test]
    fn memory_is_bounded_and_whoever_is_idle_is_forgotten() {
        let limits = RateLimits::new(each(100), each(100));
        let busy = key(0, 0);
        for _ in 0..100 {
            limits.count(&busy, Limit::Read, START);
        }
        for nth in 1..=55_000 {
            limits.count(&key(nth, nth), Limit::Write, START);
        }
        assert!(remembered(&limits) <= HOLDERS_AT_MOST);
        assert!(
            remembered(&limits) > HOLDERS_AT_MOST * 8 / 10,
            "nor are too many forgotten"
        );
        assert!(
            limits.count(&busy, Limit::Read, START).wait().is_some(),
            "who has used most is not forgotten for those who used little"
        );
        let later = START + Policy::WINDOW;
        for nth in 1..=1_000 {
            limits.count(&key(nth, nth), Limit::Write, later);
        }
        assert_eq!(remembered(&limits), 2_000);
    }

    #[test]
    fn one_organization_with_many_keys_stays_within_its_shard() {
        let limits = RateLimits::new(each(10), each(1_000_000));
        for nth in 0..5_000 {
            let count = limits.count(&key(1, nth), Limit::Read, START);
            assert_eq!(
                count.wait(),
                None,
                "nobody is refused for being one of many"
            );
        }
        assert!(remembered(&limits) <= HOLDERS_AT_MOST / SHARDS);
        let left = limits
            .count(&key(1, 0), Limit::Read, START)
            .standings()
            .last();
        assert_eq!(left.map(|standing| standing.left), Some(1_000_000 - 5_001));
    }

    proptest! {
        #[test]
        fn it_is_like_two_waiting_rooms(
            quotas in (1..8_u32, 1..20_u32),
            requests in prop::collection::vec(
                (0..2_u64, 0..3_u64, 0..4_usize, prop_oneof![Just(0), 0..20_u64]),
                1..300,
            ),
        ) {
            let limits = RateLimits::new(each(quotas.0), each(quotas.1));
            let mut rooms = BTreeMap::new();
            let mut now = START;
            for (org, nth, limit, pause) in requests {
                now += Duration::from_secs(pause);
                let own = (org, Some(nth), limit);
                let all = (org, None, limit);
                let mut may = true;
                for (place, quota) in [(own, quotas.0), (all, quotas.1)] {
                    let room = rooms.entry(place).or_insert_with(|| WaitingRoom::new(quota));
                    may &= room.has_a_seat(nanos(now));
                }
                if may {
                    for place in [own, all] {
                        rooms.get_mut(&place).unwrap().enter(nanos(now));
                    }
                }
                let count = limits.count(&key(org, org * 10 + nth), Limit::ALL[limit], now);
                let left: Vec<_> = count.standings().map(|standing| standing.left).collect();
                prop_assert_eq!(count.wait().is_none(), may);
                prop_assert_eq!(left, [own, all].map(|place| rooms[&place].seats()));
            }
        }
    }
}
