//! Clients that follow a feed: they lose their connection, come again with the last id that they
//! have, and tell what they see.

use std::{pin::pin, time::Duration};

use futures_util::future::{Either, select};
use hum_core::{Hum, clock::Clock as _, error::Error, event::Event, feed::Following, id::OrgId};

use crate::world::Shared;

/// Between two events of a page: others act, and the process may die.
const ON_THE_WAY: Duration = Duration::from_millis(1);

/// A client.
#[derive(Clone)]
pub struct Client {
    shared: Shared,
    org: OrgId,
    number: u64,
}

impl Client {
    /// The client of this number, who has nothing yet.
    pub fn new(shared: Shared, org: OrgId, number: u64) -> Self {
        Self {
            shared,
            org,
            number,
        }
    }

    /// Follows for ever. The first one of an organization begins at the start, others begin when
    /// they come.
    pub async fn follow(self) {
        if self.number == 0 {
            self.has(0);
        }
        loop {
            let chance = self.shared.chance();
            let visit = Visit {
                events: chance.between(1, 20),
                time: Duration::from_secs(chance.between(1, 7200)),
            };
            let client = self.clone();
            self.shared
                .request(move |hum| async move { client.visit(&hum, visit).await })
                .await;
            let away = Duration::from_millis(self.shared.chance().below(30_000));
            self.shared.clock().sleep(away).await;
        }
    }

    fn last(&self) -> Option<i64> {
        let key = (self.org, self.number);
        self.shared
            .monitor()
            .with_log(|log| log.events.last.get(&key).copied())
    }

    fn has(&self, seq: i64) {
        let key = (self.org, self.number);
        self.shared.monitor().log(|log| {
            log.events.last.insert(key, seq);
        });
    }

    /// One connection, which may break off within a page, and with its process.
    async fn visit(&self, hum: &Hum, mut visit: Visit) {
        let last = self.last();
        let following = hum.feed().follow(self.org, last, "Last-Event-ID").await;
        let mut following = match following {
            Ok(following) => following,
            Err(Error::Store(_)) => return,
            Err(refused) => return self.found(format!("{last:?} was refused: {refused}")),
        };
        self.has(following.after());
        let clock = self.shared.clock();
        let end = clock.monotonic() + visit.time;
        loop {
            let time_left = end.saturating_sub(clock.monotonic());
            let Some(events) = before(clock.sleep(time_left), &mut following).await else {
                return;
            };
            for event in events {
                if visit.events == 0 {
                    return;
                }
                visit.events -= 1;
                self.sees(&event);
                clock.sleep(ON_THE_WAY).await;
            }
        }
    }

    fn sees(&self, event: &Event) {
        let (org, number, seq) = (self.org, self.number, event.seq);
        let monitor = self.shared.monitor();
        monitor.remark(|| format!("client {number} of {org} sees {seq}"));
        let last = self.last().unwrap_or_default();
        if seq != last + 1 {
            self.found(format!("event {seq} follows {last}"));
        }
        let committed = monitor.mirror(|mirror| {
            let events = mirror.events.get(&org)?;
            let place = usize::try_from(seq).ok()?.checked_sub(1)?;
            events.get(place).cloned()
        });
        if committed.as_ref() != Some(event) {
            self.found(format!("event {seq} is not the one that was committed"));
        }
        self.has(seq);
    }

    fn found(&self, what: String) {
        let (org, number) = (self.org, self.number);
        let detail = format!("client {number} of {org}: {what}");
        self.shared.monitor().violate("INV-61", detail);
    }
}

/// How long a connection holds.
struct Visit {
    events: u64,
    time: Duration,
}

/// The next events, unless the connection ends before.
async fn before(end: impl Future<Output = ()>, following: &mut Following) -> Option<Vec<Event>> {
    match select(pin!(following.next()), pin!(end)).await {
        Either::Left((events, _)) => events.ok(),
        Either::Right(_) => None,
    }
}
