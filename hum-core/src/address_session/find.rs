//! What the agents do: ask the sources, in order, as far as they may be asked here.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt as _, select_biased};

use crate::{
    address::{Address, normalize},
    app::Hum,
    broadband::Place,
    geocode::{Coordinates, Reach, SourceError},
    kernel::{
        batch::{Batch, Finished},
        error::{Error, Tries},
        id::AddressSessionId,
        job::Claimed,
    },
    planted::{Bug, planted},
};

use super::{Found, Geocoded, Internet};

/// How long an answer of remote sources is used again for the same address.
pub(crate) const KEPT: Duration = Duration::from_secs(24 * 3600);
/// How many answers are kept: some megabytes.
const KEPT_AT_MOST: usize = 2_000;
/// How often a remote source is asked before the agent gives up.
const TRIES: i64 = 3;

/// What is asked of the sources.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub address: Address,
    pub given: Option<Coordinates>,
}

impl Question {
    /// One text for one question.
    fn key(&self) -> String {
        match self.given {
            Some(at) => format!("{}|{}|{}", self.address, at.latitude, at.longitude),
            None => self.address.to_string(),
        }
    }
}

/// Which sources may be asked now, and how patiently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asking {
    /// While a request is answered: local ones only; the rest stays pending.
    Inline,
    /// In a job: all; one that is unavailable leaves its agent pending, to be asked again.
    Patiently,
    /// In a job, for the last time: one that is unavailable fails its agent.
    Finally,
}

impl Hum {
    /// Continues `found` as far as the sources that may be asked now can take it.
    pub(crate) async fn find(&self, question: &Question, mut found: Found, asking: Asking) -> (Found, Option<SourceError>) {
        // Only what one run finds from its beginning is kept, under the data that held all the while, as old as its oldest
        // part: earlier runs may be hours ago.
        let keeps = found == Found::default() && self.has_remote_source();
        let kept_as = keeps.then(|| (question.key(), self.broadband_map.data_set(), self.clock.monotonic()));
        if let Some((key, data_set, began)) = &kept_as
            && let Some(kept) = self.found.get(key, data_set, *began)
        {
            return (kept, None);
        }
        if found.geocoding == Geocoded::Pending && may(asking, self.geocoder.reach()) {
            match self.in_time(self.geocoder.geocode(&question.address, question.given)).await {
                Ok(geocoding) => {
                    let (state, problems) = Geocoded::of(geocoding);
                    found.geocoding = state;
                    found.problems.extend(problems);
                }
                Err(error) if asking == Asking::Patiently && error.is_worth_asking_again() => return (found, Some(error)),
                Err(error) => {
                    found.geocoding = Geocoded::Failed;
                    found.problems.push(error.to_string());
                }
            }
        }
        if found.internet == Internet::Pending {
            match &found.geocoding {
                Geocoded::Pending => {}
                Geocoded::Multiple(_) | Geocoded::Failed => found.internet = Internet::Failed { data_set: None },
                Geocoded::Matched(place) if may(asking, self.broadband_map.reach()) => {
                    let place = Place::from(&**place);
                    match self.in_time(self.broadband_map.providers_at(&place, self.clock.now())).await {
                        Ok(coverage) => {
                            let (state, problems) = Internet::of(coverage);
                            found.internet = state;
                            found.problems.extend(problems);
                        }
                        Err(error) if asking == Asking::Patiently && error.is_worth_asking_again() => {
                            return (found, Some(error));
                        }
                        Err(error) => {
                            found.internet = Internet::Failed { data_set: None };
                            found.problems.push(error.to_string());
                        }
                    }
                }
                Geocoded::Matched(_) => {}
            }
        }
        // An answer with a hole in it is not kept: the source may be back a minute later.
        let is_whole = !found.is_pending() && found.problems.is_empty();
        if let Some((key, data_set, began)) = kept_as
            && is_whole
            && self.broadband_map.data_set() == data_set
        {
            self.found.keep(key, data_set, found.clone(), began);
        }
        (found, None)
    }

    fn has_remote_source(&self) -> bool {
        self.geocoder.reach() == Reach::Remote || self.broadband_map.reach() == Reach::Remote
    }

    /// No source may hold an agent for ever.
    async fn in_time<T>(&self, asked: impl Future<Output = Result<T, SourceError>>) -> Result<T, SourceError> {
        let mut asked = std::pin::pin!(asked.fuse());
        let mut late = std::pin::pin!(self.clock.sleep(self.settings.source_timeout).fuse());
        select_biased! {
            result = asked => result,
            () = late => Err(SourceError::Unavailable {
                source_name: "a source".into(),
                detail: format!("no answer within {} s", self.settings.source_timeout.as_secs()),
            }),
        }
    }

    /// Runs an `address_session.find` job.
    pub(crate) async fn run_find(&self, job: &Claimed) -> Result<(), Error> {
        let Ok(id) = job.key.parse::<AddressSessionId>() else { return self.finish(job, Finished::Done).await };
        let Some(session) = self.reads(job.org).address_session(id).await? else {
            return self.finish(job, Finished::Done).await;
        };
        // An expired session is looked after too: a wall clock that is set back would make it open again, and pending for
        // ever, and lists show it as long as it is kept.
        if session.closed_at.is_some() || !session.found.is_pending() {
            return self.finish(job, Finished::Done).await;
        }
        let (found, unavailable) = match normalize(&session.request.address()) {
            Ok(address) => {
                let question = Question { address, given: session.request.coordinates() };
                let asking = if job.attempt < TRIES { Asking::Patiently } else { Asking::Finally };
                self.find(&question, session.found, asking).await
            }
            // Another build could read it.
            Err(_) => (Found { problems: vec!["this address cannot be read any more".into()], ..Found::cleared() }, None),
        };
        let mut tries = Tries::new();
        loop {
            let Some(mut session) = self.reads(job.org).address_session(id).await? else {
                return self.finish(job, Finished::Done).await;
            };
            // Whoever closed the session wants nothing of it to be left.
            if session.closed_at.is_some() && !planted(Bug::FindAfterClose) {
                return self.finish(job, Finished::Done).await;
            }
            let now = self.clock.now();
            let mut batch = Batch::for_org(job.org);
            if session.found != found {
                session.found = found.clone();
                session.updated_at = now;
                batch.put(session);
            }
            let how = match &unavailable {
                Some(error) => Finished::Again {
                    at: now + Duration::from_secs(1 << job.attempt.clamp(0, 4)),
                    error: Some(error.to_string()),
                },
                None => Finished::Done,
            };
            batch.finish(job.id, job.fence, how);
            match self.commit(batch).await {
                Ok(_) => return Ok(()),
                Err(error) => tries.again(error)?,
            }
        }
    }
}

fn may(asking: Asking, reach: Reach) -> bool {
    asking != Asking::Inline || reach == Reach::Local
}

/// Answers of remote sources, so that the same address is not asked twice a day. In memory: a new process asks again.
#[derive(Debug, Default)]
pub struct Cache(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// With the monotonic time of asking: an age, which no jump of the wall clock changes.
    answers: BTreeMap<String, (Duration, String, Found)>,
    /// The oldest first.
    order: VecDeque<String>,
}

impl Cache {
    fn get(&self, key: &str, data_set: &str, now: Duration) -> Option<Found> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, of, found) = kept.answers.get(key)?;
        let fresh = now.saturating_sub(*at) < KEPT || planted(Bug::KeepForever);
        (fresh && of == data_set).then(|| found.clone())
    }

    fn keep(&self, key: String, data_set: String, found: Found, now: Duration) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.answers.insert(key.clone(), (now, data_set, found)).is_some() {
            kept.order.retain(|other| *other != key);
        }
        kept.order.push_back(key);
        while kept.order.len() > KEPT_AT_MOST {
            if let Some(oldest) = kept.order.pop_front() {
                kept.answers.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(1_000 + seconds)
    }

    #[test]
    fn an_answer_is_kept_for_a_day_and_for_its_data() {
        let cache = Cache::default();
        cache.keep("a".into(), "one".into(), Found::cleared(), at(0));
        for (seconds, kept) in [(0, true), (86_399, true), (86_400, false)] {
            assert_eq!(cache.get("a", "one", at(seconds)).is_some(), kept, "after {seconds} s");
        }
        assert!(cache.get("a", "two", at(1)).is_none(), "other data has other answers");
        assert!(cache.get("b", "one", at(0)).is_none());
    }

    #[test]
    fn the_oldest_answer_goes_when_there_is_no_room() {
        let cache = Cache::default();
        let keep = |number: usize| cache.keep(number.to_string(), "one".into(), Found::cleared(), at(0));
        let kept = |number: usize| cache.get(&number.to_string(), "one", at(0)).is_some();
        (0..KEPT_AT_MOST).for_each(keep);
        keep(0);
        keep(KEPT_AT_MOST);
        assert!(kept(0) && !kept(1) && kept(2) && kept(KEPT_AT_MOST));
    }
}
