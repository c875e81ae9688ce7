//! Answers that are kept, so that one address is asked for once a day.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use hum_core::{
    address::Address,
    clock::Clock,
    geocode::{Coordinates, Geocoder, Geocoding, Reach, SourceError},
};

/// How long an answer is kept. Houses do not move; maps are corrected.
const KEEP: Duration = Duration::from_hours(24);
/// About 5 MB when all are taken.
const MAX_ANSWERS: usize = 10_000;

/// Keeps the answers of a geocoder, also that there is no match; errors are not kept. In memory: a restart forgets.
///
/// Two who ask the same at the same moment both ask.
pub struct Cached<G> {
    geocoder: G,
    clock: Arc<dyn Clock>,
    max_answers: usize,
    answers: Mutex<Answers>,
}

/// An address and the bits of the coordinates, if there are any.
type Question = (Address, Option<(u64, u64)>);

#[derive(Default)]
struct Answers {
    by_question: HashMap<Arc<Question>, (Duration, Geocoding)>,
    /// Sorted by time. A question that was asked again has two entries, of which the older means nothing.
    by_time: VecDeque<(Duration, Arc<Question>)>,
}

impl<G: Geocoder> Cached<G> {
    /// Keeps 10,000 answers.
    pub fn new(geocoder: G, clock: Arc<dyn Clock>) -> Self {
        Self::with_room_for(MAX_ANSWERS, geocoder, clock)
    }

    /// When there is no room, the oldest answer goes.
    pub fn with_room_for(max_answers: usize, geocoder: G, clock: Arc<dyn Clock>) -> Self {
        Self { geocoder, clock, max_answers, answers: Mutex::default() }
    }
}

#[async_trait]
impl<G: Geocoder> Geocoder for Cached<G> {
    fn reach(&self) -> Reach {
        self.geocoder.reach()
    }

    async fn geocode(&self, address: &Address, given: Option<Coordinates>) -> Result<Geocoding, SourceError> {
        let given_bits = given.map(|given| (given.latitude.to_bits(), given.longitude.to_bits()));
        let question = Arc::new((address.clone(), given_bits));
        let asked_at = self.clock.monotonic();
        let known = self.answers.lock().unwrap_or_else(PoisonError::into_inner).get(&question, asked_at);
        if let Some(answer) = known {
            return Ok(answer);
        }
        let answer = self.geocoder.geocode(address, given).await?;
        let now = self.clock.monotonic();
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.insert(question, answer.clone(), now, self.max_answers);
        Ok(answer)
    }
}

impl Answers {
    fn get(&self, question: &Question, now: Duration) -> Option<Geocoding> {
        let (at, answer) = self.by_question.get(question)?;
        (now.saturating_sub(*at) < KEEP).then(|| answer.clone())
    }

    fn insert(&mut self, question: Arc<Question>, answer: Geocoding, now: Duration, max_answers: usize) {
        self.by_question.insert(question.clone(), (now, answer));
        self.by_time.push_back((now, question));
        while let Some((at, _)) = self.by_time.front()
            && (self.by_time.len() > max_answers || now.saturating_sub(*at) >= KEEP)
        {
            let Some((at, oldest)) = self.by_time.pop_front() else { break };
            if self.by_question.get(&oldest).is_some_and(|(newest, _)| *newest == at) {
                self.by_question.remove(&oldest);
            }
        }
    }
}
