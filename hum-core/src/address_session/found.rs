use serde::{Deserialize, Serialize};

use crate::{
    broadband::{Coverage, Provider},
    geocode::{Candidate, Geocoding},
    kernel::{
        entropy::Entropy,
        record::{Field as _, Sample},
    },
};

/// What the agents of a session found so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Where the address is.
    pub geocoding: Geocoded,
    /// Who serves it.
    pub internet: Internet,
    /// What went wrong on the way, each a sentence for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

/// The state of the geocoding agent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Geocoded {
    /// Not known yet.
    #[default]
    Pending,
    /// One place.
    Matched(Box<Candidate>),
    /// Several places, the best first. None of them is taken: that would be a guess.
    Multiple(Vec<Candidate>),
    /// No place, or no source that answered.
    Failed,
}

/// The state of the internet agent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Internet {
    /// Not known yet.
    #[default]
    Pending,
    /// Somebody serves the place.
    Matched(Coverage),
    /// Nobody does, as far as this release of the data knows; or no source answered, and `None`.
    Failed {
        /// The release of the data that knows nobody.
        data_set: Option<String>,
    },
}

impl Geocoded {
    /// The name of the state, as the API shows it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Matched(_) => "matched",
            Self::Multiple(_) => "multiple",
            Self::Failed => "failed",
        }
    }

    /// What a geocoder's answer means.
    pub(crate) fn of(geocoding: Geocoding) -> (Self, Vec<String>) {
        let Geocoding {
            mut candidates,
            problems,
        } = geocoding;
        let state = match (candidates.len(), candidates.pop()) {
            (1, Some(only)) => Self::Matched(Box::new(only)),
            (_, Some(last)) => {
                candidates.push(last);
                Self::Multiple(candidates)
            }
            (_, None) => Self::Failed,
        };
        (state, problems)
    }
}

impl Internet {
    /// The name of the state, as the API shows it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Matched(_) => "matched",
            Self::Failed { .. } => "failed",
        }
    }

    /// What a map's answer means.
    pub(crate) fn of(mut coverage: Coverage) -> (Self, Vec<String>) {
        let problems = std::mem::take(&mut coverage.problems);
        let nobody = coverage.providers.is_empty();
        let state = if nobody {
            Self::Failed {
                data_set: Some(coverage.data_set),
            }
        } else {
            Self::Matched(coverage)
        };
        (state, problems)
    }
}

impl Found {
    /// Nothing, and nobody looks any more: what is left of a closed session.
    pub fn cleared() -> Self {
        Self {
            geocoding: Geocoded::Failed,
            internet: Internet::Failed { data_set: None },
            problems: Vec::new(),
        }
    }

    /// What the geocoding agent found, and what went wrong.
    pub(super) fn place_is(&mut self, (geocoding, problems): (Geocoded, Vec<String>)) {
        self.geocoding = geocoding;
        self.problems.extend(problems);
    }

    /// What the internet agent found, and what went wrong.
    pub(super) fn internet_is(&mut self, (internet, problems): (Internet, Vec<String>)) {
        self.internet = internet;
        self.problems.extend(problems);
    }

    /// Whether an agent still works.
    pub fn is_pending(&self) -> bool {
        matches!(self.geocoding, Geocoded::Pending) || matches!(self.internet, Internet::Pending)
    }

    /// Whether people should read [`Found::problems`] or choose among several places.
    pub fn has_issues(&self) -> bool {
        !self.problems.is_empty()
            || matches!(self.geocoding, Geocoded::Multiple(_) | Geocoded::Failed)
    }

    /// The place, if there is one.
    pub fn place(&self) -> Option<&Candidate> {
        match &self.geocoding {
            Geocoded::Matched(place) => Some(place),
            Geocoded::Pending | Geocoded::Multiple(_) | Geocoded::Failed => None,
        }
    }

    /// The providers, none when nobody is known to serve the place.
    pub fn providers(&self) -> &[Provider] {
        match &self.internet {
            Internet::Matched(coverage) => &coverage.providers,
            Internet::Pending | Internet::Failed { .. } => &[],
        }
    }

    /// The release of the data that was asked.
    pub fn data_set(&self) -> Option<&str> {
        match &self.internet {
            Internet::Matched(coverage) => Some(&coverage.data_set),
            Internet::Failed { data_set } => data_set.as_deref(),
            Internet::Pending => None,
        }
    }
}

impl Sample for Found {
    fn sample(entropy: &dyn Entropy) -> Self {
        let coverage = Coverage {
            data_set: String::sample(entropy),
            ..Coverage::default()
        };
        let internet = [
            Internet::Pending,
            Internet::Failed {
                data_set: Option::sample(entropy),
            },
            Internet::Matched(coverage),
        ];
        let geocoding = [
            Geocoded::Pending,
            Geocoded::Multiple(Vec::new()),
            Geocoded::Failed,
        ];
        let nth = || usize::try_from(entropy.below(3)).unwrap_or(0);
        Self {
            geocoding: geocoding[nth()].clone(),
            internet: internet[nth()].clone(),
            problems: Sample::sample(entropy),
        }
    }
}
