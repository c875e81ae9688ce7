//! Geocoders that ask other geocoders, with ones that answer what the test says.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use hum_adapters::geocode::{Chain, ZipTable};
use hum_core::{
    address::{Address, State},
    geocode::{
        Candidate, Coordinates, Geocoder, Geocoding, MatchType, Precision, Reach, SourceError,
    },
};

use super::zip_table::address;

type Answer = Result<Geocoding, SourceError>;

/// Answers the same to everything, and counts.
struct Scripted {
    reach: Reach,
    answer: Mutex<Answer>,
    asked: Mutex<usize>,
}

impl Scripted {
    fn new(reach: Reach, answer: Answer) -> Arc<Self> {
        Arc::new(Self {
            reach,
            answer: Mutex::new(answer),
            asked: Mutex::default(),
        })
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

const HERE: Coordinates = Coordinates {
    latitude: 42.5,
    longitude: -83.3,
};
const ELSEWHERE: Coordinates = Coordinates {
    latitude: 34.0,
    longitude: -118.0,
};

fn finds(source: &str) -> Answer {
    Ok(Geocoding {
        candidates: vec![candidate(source)],
        problems: vec![],
    })
}

fn knows_nothing() -> Answer {
    Ok(Geocoding::default())
}

fn fails(source: &str) -> Answer {
    Err(SourceError::Unavailable {
        source_name: source.into(),
        detail: "timed out".into(),
    })
}

fn sources(answer: &Geocoding) -> Vec<&str> {
    answer
        .candidates
        .iter()
        .map(|candidate| candidate.source.as_str())
        .collect()
}

#[tokio::test]
async fn the_first_that_finds_something_is_the_last_that_is_asked() {
    let geocoders = [
        Scripted::remote(knows_nothing()),
        Scripted::remote(finds("b")),
        Scripted::remote(finds("c")),
    ];
    let chain = Chain::new(
        geocoders
            .iter()
            .map(|geocoder| geocoder.clone() as Arc<dyn Geocoder>)
            .collect(),
    );
    let answer = chain.geocode(&southfield(), None).await.unwrap();
    assert_eq!((sources(&answer), answer.problems.len()), (vec!["b"], 0));
    assert_eq!(geocoders.map(|geocoder| geocoder.asked()), [1, 1, 0]);
}

#[tokio::test]
async fn a_failure_is_a_problem_while_another_answers_and_an_error_when_none_does() {
    let chain = Chain::new(vec![Scripted::remote(fails("a")), Arc::new(ZipTable)]);
    let answer = chain.geocode(&southfield(), None).await.unwrap();
    let problems = ["a is unavailable: timed out."];
    assert_eq!(
        (sources(&answer), answer.problems.as_slice()),
        (vec!["zip-table"], &problems.map(str::to_owned)[..])
    );

    let chain = Chain::new(vec![
        Scripted::remote(fails("a")),
        Scripted::remote(knows_nothing()),
    ]);
    let answer = chain.geocode(&southfield(), None).await.unwrap();
    assert_eq!(
        (answer.candidates.len(), answer.problems.len()),
        (0, 1),
        "somebody answered: there is no match"
    );

    let chain = Chain::new(vec![
        Scripted::remote(fails("a")),
        Scripted::remote(fails("b")),
    ]);
    assert_eq!(chain.geocode(&southfield(), None).await, fails("b"));

    assert_eq!(
        Chain::new(vec![]).geocode(&southfield(), None).await,
        knows_nothing()
    );
}

#[tokio::test]
async fn coordinates_that_agree_need_nobody_outside() {
    let remote = Scripted::remote(finds("remote"));
    let chain = Chain::new(vec![remote.clone(), Arc::new(ZipTable)]);
    let answer = chain.geocode(&southfield(), Some(HERE)).await.unwrap();
    assert_eq!((sources(&answer), remote.asked()), (vec!["caller"], 0));

    let answer = chain.geocode(&southfield(), Some(ELSEWHERE)).await.unwrap();
    assert_eq!((sources(&answer), remote.asked()), (vec!["remote"], 1));
    assert!(
        answer.problems.len() == 1 && answer.problems[0].contains("they are not used"),
        "{:?}",
        answer.problems
    );

    *remote.answer.lock().unwrap() = fails("remote");
    let answer = chain.geocode(&southfield(), Some(ELSEWHERE)).await.unwrap();
    assert_eq!(sources(&answer), ["zip-table"]);
    assert_eq!(
        answer.problems.len(),
        2,
        "the sentence about the coordinates is said once: {:?}",
        answer.problems
    );
}

#[test]
fn a_chain_is_remote_as_soon_as_one_of_it_is() {
    assert_eq!(Chain::new(vec![Arc::new(ZipTable)]).reach(), Reach::Local);
    assert_eq!(
        Chain::new(vec![Arc::new(ZipTable), Scripted::remote(knows_nothing())]).reach(),
        Reach::Remote
    );
}
