//! Geocoders that ask other geocoders, with ones that answer what the test says.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use hum_adapters::geocode::{Cached, Chain, ZipTable};
use hum_core::{
    address::{Address, State},
    geocode::{Candidate, Coordinates, Geocoder, Geocoding, MatchType, Precision, Reach, SourceError},
};

use super::{geocode::StillClock, zip_table::address};

type Answer = Result<Geocoding, SourceError>;

/// Answers the same to everything, and counts.
struct Scripted {
    reach: Reach,
    answer: Mutex<Answer>,
    asked: Mutex<usize>,
}

impl Scripted {
    fn new(reach: Reach, answer: Answer) -> Arc<Self> {
        Arc::new(Self { reach, answer: Mutex::new(answer), asked: Mutex::default() })
    }

    fn remote(answer: Answer) -> Arc<Self> {
        Self::new(Reach::Remote, answer)
    }

    fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }
}

#[async_trait]
impl Geocoder for Scripted {
    fn reach(&self) -> Reach {
        self.reach
    }

    async fn geocode(&self, _: &Address, _: Option<Coordinates>) -> Answer {
        *self.asked.lock().unwrap() += 1;
        self.answer.lock().unwrap().clone()
    }
}

fn southfield() -> Address {
    address(Some("SOUTHFIELD"), Some(State::Michigan), Some("48034"))
}

fn candidate(source: &str) -> Candidate {
    Candidate {
        address: southfield(),
        position: HERE,
        match_type: MatchType::Exact,
        precision: Precision::Range,
        block_geoid: None,
        source: source.into(),
    }
}

const HERE: Coordinates = Coordinates { latitude: 42.5, longitude: -83.3 };
const ELSEWHERE: Coordinates = Coordinates { latitude: 34.0, longitude: -118.0 };

fn finds(source: &str) -> Answer {
    Ok(Geocoding { candidates: vec![candidate(source)], problems: vec![] })
}

fn knows_nothing() -> Answer {
    Ok(Geocoding::default())
}

fn fails(source: &str) -> Answer {
    Err(SourceError::Unavailable { source_name: source.into(), detail: "timed out".into() })
}

fn sources(answer: &Geocoding) -> Vec<&str> {
    answer.candidates.iter().map(|candidate| candidate.source.as_str()).collect()
}

#[tokio::test]
async fn the_first_that_finds_something_is_the_last_that_is_asked() {
    let geocoders = [Scripted::remote(knows_nothing()), Scripted::remote(finds("b")), Scripted::remote(finds("c"))];
    let chain = Chain::new(geocoders.iter().map(|geocoder| geocoder.clone() as Arc<dyn Geocoder>).collect());
    let answer = chain.geocode(&southfield(), None).await.unwrap();
    assert_eq!((sources(&answer), answer.problems.len()), (vec!["b"], 0));
    assert_eq!(geocoders.map(|geocoder| geocoder.asked()), [1, 1, 0]);
}

#[tokio::test]
async fn a_failure_is_a_problem_while_another_answers_and_an_error_when_none_does() {
    let chain = Chain::new(vec![Scripted::remote(fails("a")), Arc::new(ZipTable)]);
    let answer = chain.geocode(&southfield(), None).await.unwrap();
    let problems = ["a is unavailable: timed out."];
    assert_eq!((sources(&answer), answer.problems.as_slice()), (vec!["zip-table"], &problems.map(str::to_owned)[..]));

    let chain = Chain::new(vec![Scripted::remote(fails("a")), Scripted::remote(knows_nothing())]);
    let answer = chain.geocode(&southfield(), None).await.unwrap();
    assert_eq!((answer.candidates.len(), answer.problems.len()), (0, 1), "somebody answered: there is no match");

    let chain = Chain::new(vec![Scripted::remote(fails("a")), Scripted::remote(fails("b"))]);
    assert_eq!(chain.geocode(&southfield(), None).await, fails("b"));

    assert_eq!(Chain::new(vec![]).geocode(&southfield(), None).await, knows_nothing());
}

#[tokio::test]
async fn coordinates_that_agree_need_nobody_outside() {
    let remote = Scripted::remote(finds("remote"));
    let chain = Chain::new(vec![remote.clone(), Arc::new(ZipTable)]);
    let answer = chain.geocode(&southfield(), Some(HERE)).await.unwrap();
    assert_eq!((sources(&answer), remote.asked()), (vec!["caller"], 0));

    let answer = chain.geocode(&southfield(), Some(ELSEWHERE)).await.unwrap();
    assert_eq!((sources(&answer), remote.asked()), (vec!["remote"], 1));
    assert!(answer.problems.len() == 1 && answer.problems[0].contains("they are not used"), "{:?}", answer.problems);

    *remote.answer.lock().unwrap() = fails("remote");
    let answer = chain.geocode(&southfield(), Some(ELSEWHERE)).await.unwrap();
    assert_eq!(sources(&answer), ["zip-table"]);
    assert_eq!(answer.problems.len(), 2, "the sentence about the coordinates is said once: {:?}", answer.problems);
}

#[test]
fn a_chain_is_remote_as_soon_as_one_of_it_is() {
    assert_eq!(Chain::new(vec![Arc::new(ZipTable)]).reach(), Reach::Local);
    assert_eq!(Chain::new(vec![Arc::new(ZipTable), Scripted::remote(knows_nothing())]).reach(), Reach::Remote);
}

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn an_answer_is_kept_for_a_day_also_when_it_is_no_match() {
    for answer in [finds("a"), knows_nothing()] {
        let (clock, remote) = (Arc::new(StillClock::default()), Scripted::remote(answer.clone()));
        let cached = Cached::new(remote.clone(), clock.clone());
        assert_eq!(cached.reach(), Reach::Remote);
        for (at, asked) in [(0, 1), (1, 1), (86_399, 1), (86_400, 2), (172_799, 2), (172_800, 3)] {
            *clock.now.lock().unwrap() = Duration::from_secs(at);
            assert_eq!(cached.geocode(&southfield(), None).await, answer);
            assert_eq!(remote.asked(), asked, "after {at} s");
        }
    }
}

#[tokio::test]
async fn another_address_or_other_coordinates_are_another_question() {
    let remote = Scripted::remote(finds("a"));
    let cached = Cached::new(remote.clone(), Arc::new(StillClock::default()));
    let with_unit = Address { unit: Some("APT 9".into()), ..southfield() };
    for (address, given) in [(southfield(), None), (with_unit, None), (southfield(), Some(HERE)), (southfield(), Some(ELSEWHERE))]
    {
        for _ in 0..2 {
            cached.geocode(&address, given).await.unwrap();
        }
    }
    assert_eq!(remote.asked(), 4);
}

#[tokio::test]
async fn a_failure_is_not_kept() {
    let remote = Scripted::remote(fails("a"));
    let cached = Cached::new(remote.clone(), Arc::new(StillClock::default()));
    assert_eq!(cached.geocode(&southfield(), None).await, fails("a"));
    *remote.answer.lock().unwrap() = finds("a");
    assert_eq!(cached.geocode(&southfield(), None).await, finds("a"));
    assert_eq!(remote.asked(), 2);
}

#[tokio::test]
async fn the_oldest_answer_goes_when_there_is_no_room() {
    let (clock, remote) = (Arc::new(StillClock::default()), Scripted::remote(finds("a")));
    let cached = Cached::with_room_for(3, remote.clone(), clock.clone());
    let numbered = |number: usize| Address { street: format!("{number} MAIN ST"), ..southfield() };
    let ask = async |number| {
        let before = remote.asked();
        cached.geocode(&numbered(number), None).await.unwrap();
        *clock.now.lock().unwrap() += Duration::from_secs(1);
        remote.asked() - before
    };
    let mut asked = vec![];
    for number in [1, 2, 3, 1, 4, 2, 1] {
        asked.push(ask(number).await);
    }
    assert_eq!(asked, [1, 1, 1, 0, 1, 0, 1], "4 pushed out 1, the oldest made, although it was the last used");

    *clock.now.lock().unwrap() += DAY;
    let mut asked = vec![];
    for number in [2, 2, 3, 4, 2] {
        asked.push(ask(number).await);
    }
    assert_eq!(asked, [1, 0, 1, 1, 0], "a question that was asked again is as young as its new answer");
}
