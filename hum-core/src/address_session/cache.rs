use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::Found;

/// How long an answer of remote sources is used again for the same address.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// How many answers are kept: some megabytes.
const KEPT_AT_MOST: usize = 2_000;

/// Answers of remote sources, so that the same address is not asked twice a day. In memory: a new
/// process asks again.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// With the monotonic time of asking: an age, which no jump of the wall clock changes.
    answers: BTreeMap<String, (Duration, String, Found)>,
    /// The oldest first.
    order: VecDeque<String>,
}

impl Cache {
    pub(super) fn get(&self, key: &str, data_set: &str, now: Duration) -> Option<Found> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, of, found) = kept.answers.get(key)?;
        let fresh = now.saturating_sub(*at) < KEPT;
        (fresh && of == data_set).then(|| found.clone())
    }

    pub(super) fn keep(&self, key: String, data_set: String, found: Found, now: Duration) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept
            .answers
            .insert(key.clone(), (now, data_set, found))
            .is_some()
        {
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
            assert_eq!(
                cache.get("a", "one", at(seconds)).is_some(),
                kept,
                "after {seconds} s"
            );
        }
        assert!(
            cache.get("a", "two", at(1)).is_none(),
            "other data has other answers"
        );
        assert!(cache.get("b", "one", at(0)).is_none());
    }

    #[test]
    fn the_oldest_answer_goes_when_there_is_no_room() {
        let cache = Cache::default();
        let keep =
            |number: usize| cache.keep(number.to_string(), "one".into(), Found::cleared(), at(0));
        let kept = |number: usize| cache.get(&number.to_string(), "one", at(0)).is_some();
        (0..KEPT_AT_MOST).for_each(keep);
        keep(0);
        keep(KEPT_AT_MOST);
        assert!(kept(0) && !kept(1) && kept(2) && kept(KEPT_AT_MOST));
    }
}
