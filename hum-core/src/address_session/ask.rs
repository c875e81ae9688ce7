//! What the agents do: ask the sources, in order, as far as they may be asked here.

use std::time::Duration;

use futures_util::{FutureExt as _, select_biased};

use crate::{
    address::Address,
    broadband::Place,
    geocode::{Coordinates, Reach, SourceError},
};

use super::{AddressSessions, Found, Geocoded, Internet};

/// What is asked of the sources.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) address: Address,
    pub(super) given: Option<Coordinates>,
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
pub(super) enum Asking {
    /// While a request is answered: local ones only; the rest stays pending.
    Inline,
    /// In a job: all; one that is unavailable leaves its agent pending, to be asked again.
    Patiently,
    /// In a job, for the last time: one that is unavailable fails its agent.
    Finally,
}

impl Asking {
    fn may_ask(self, reach: Reach) -> bool {
        self != Self::Inline || reach == Reach::Local
    }

    fn asks_again(self, after: &SourceError) -> bool {
        self == Self::Patiently && after.is_worth_asking_again()
    }
}

/// Under what an answer is kept.
struct KeptAs {
    key: String,
    data_set: String,
    /// When asking began.
    began: Duration,
}

impl AddressSessions {
    /// Continues `found` as far as the sources that may be asked now can take it; with why it is to
    /// be continued later, if a source was unavailable.
    pub(super) async fn find(
        &self,
        question: &Question,
        found: Found,
        asking: Asking,
    ) -> (Found, Option<SourceError>) {
        let kept_as = self.kept_as(question, &found);
        if let Some(KeptAs {
            key,
            data_set,
            began,
        }) = &kept_as
            && let Some(kept) = self.cache.get(key, data_set, *began)
        {
            return (kept, None);
        }
        let mut found = found;
        if let Err(unavailable) = self.ask(question, &mut found, asking).await {
            return (found, Some(unavailable));
        }
        // An answer with a hole in it is not kept: the source may be back a minute later.
        let is_whole = !found.is_pending() && found.problems.is_empty();
        if let Some(KeptAs {
            key,
            data_set,
            began,
        }) = kept_as
            && is_whole
            && self.broadband_map.data_set() == data_set
        {
            self.cache.keep(key, data_set, found.clone(), began);
        }
        (found, None)
    }

    /// Only what one run finds from its beginning is kept, under the data that held all the while,
    /// as old as its oldest part: earlier runs may be hours ago.
    fn kept_as(&self, question: &Question, found: &Found) -> Option<KeptAs> {
        let keeps = *found == Found::default() && self.has_remote_source();
        keeps.then(|| KeptAs {
            key: question.key(),
            data_set: self.broadband_map.data_set(),
            began: self.kernel.clock().monotonic(),
        })
    }

    fn has_remote_source(&self) -> bool {
        self.geocoder.reach() == Reach::Remote || self.broadband_map.reach() == Reach::Remote
    }

    /// Each agent in its turn; the error is that of a source that is to be asked again.
    async fn ask(
        &self,
        question: &Question,
        found: &mut Found,
        asking: Asking,
    ) -> Result<(), SourceError> {
        if found.geocoding == Geocoded::Pending && asking.may_ask(self.geocoder.reach()) {
            found.place_is(self.place(question, asking).await?);
        }
        if found.internet != Internet::Pending {
            return Ok(());
        }
        match &found.geocoding {
            Geocoded::Pending => {}
            Geocoded::Multiple(_) | Geocoded::Failed => {
                found.internet_is((Internet::Failed { data_set: None }, Vec::new()))
            }
            Geocoded::Matched(place) if asking.may_ask(self.broadband_map.reach()) => {
                let place = Place::from(&**place);
                found.internet_is(self.internet(&place, asking).await?);
            }
            Geocoded::Matched(_) => {}
        }
        Ok(())
    }

    async fn place(
        &self,
        question: &Question,
        asking: Asking,
    ) -> Result<(Geocoded, Vec<String>), SourceError> {
        match self
            .in_time(self.geocoder.geocode(&question.address, question.given))
            .await
        {
            Ok(geocoding) => Ok(Geocoded::of(geocoding)),
            Err(error) if asking.asks_again(&error) => Err(error),
            Err(error) => Ok((Geocoded::Failed, vec![error.to_string()])),
        }
    }

    async fn internet(
        &self,
        place: &Place,
        asking: Asking,
    ) -> Result<(Internet, Vec<String>), SourceError> {
        match self
            .in_time(self.broadband_map.providers_at(place, self.kernel.now()))
            .await
        {
            Ok(coverage) => Ok(Internet::of(coverage)),
            Err(error) if asking.asks_again(&error) => Err(error),
            Err(error) => Ok((Internet::Failed { data_set: None }, vec![error.to_string()])),
        }
    }

    /// No source may hold an agent for ever.
    async fn in_time<T>(
        &self,
        asked: impl Future<Output = Result<T, SourceError>>,
    ) -> Result<T, SourceError> {
        let mut asked = std::pin::pin!(asked.fuse());
        let mut late = std::pin::pin!(self.kernel.clock().sleep(self.source_timeout).fuse());
        select_biased! {
            result = asked => result,
            () = late => Err(SourceError::Unavailable {
                source_name: "a source".into(),
                detail: format!("no answer within {} s", self.source_timeout.as_secs()),
            }),
        }
    }
}
