//! Several geocoders, the better ones first.

use std::sync::Arc;

use async_trait::async_trait;
use hum_core::{
    address::Address,
    geocode::{Coordinates, Geocoder, Geocoding, MatchType, Reach, SourceError},
};

/// Asks one geocoder after the other until one finds something.
///
/// One that fails leaves a sentence among the problems. Coordinates of the caller are first shown
/// to those on this machine: when they agree with the ZIP code there is nothing better to find, and
/// nobody outside is asked.
pub struct Chain {
    geocoders: Vec<Arc<dyn Geocoder>>,
}

impl Chain {
    /// In the order in which they are asked.
    pub fn new(geocoders: Vec<Arc<dyn Geocoder>>) -> Self {
        Self { geocoders }
    }

    fn local(&self) -> impl Iterator<Item = &Arc<dyn Geocoder>> {
        self.geocoders
            .iter()
            .filter(|geocoder| geocoder.reach() == Reach::Local)
    }
}

#[async_trait]
impl Geocoder for Chain {
    /// Remote as soon as one of them is.
    fn reach(&self) -> Reach {
        if self.local().count() == self.geocoders.len() {
            Reach::Local
        } else {
            Reach::Remote
        }
    }

    /// # Errors
    /// The last one's, when all of them failed.
    async fn geocode(
        &self,
        address: &Address,
        given: Option<Coordinates>,
    ) -> Result<Geocoding, SourceError> {
        let mut problems = Vec::new();
        if given.is_some() {
            for geocoder in self.local() {
                // A failure shows again when its turn comes.
                let Ok(answer) = geocoder.geocode(address, given).await else {
                    continue;
                };
                if let [candidate] = answer.candidates.as_slice()
                    && candidate.match_type == MatchType::Given
                {
                    return Ok(answer);
                }
                add(&mut problems, answer.problems);
            }
        }
        let (mut answered, mut failure) = (false, None);
        for geocoder in &self.geocoders {
            match geocoder.geocode(address, given).await {
                Ok(answer) => {
                    answered = true;
                    add(&mut problems, answer.problems);
                    if !answer.candidates.is_empty() {
                        return Ok(Geocoding {
                            candidates: answer.candidates,
                            problems,
                        });
                    }
                }
                Err(error) => {
                    add(&mut problems, vec![format!("{error}.")]);
                    failure = Some(error);
                }
            }
        }
        match failure {
            Some(error) if !answered => Err(error),
            _ => Ok(Geocoding {
                candidates: vec![],
                problems,
            }),
        }
    }
}

/// Each sentence once: those on this machine may be asked twice.
fn add(problems: &mut Vec<String>, more: Vec<String>) {
    for problem in more {
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
}
