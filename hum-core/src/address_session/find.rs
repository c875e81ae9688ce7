//! The agents of a session go on after its creation was answered.

use std::time::Duration;

use async_trait::async_trait;

use crate::{
    address::normalize,
    geocode::SourceError,
    kernel::{
        batch::{Batch, Finished},
        decide::{Moment, Verdict},
        error::Error,
        id::{AddressSessionId, OrgId},
        job::{Claimed, Job, JobKind, Lane, NewJob},
    },
};

use super::{
    AddressSession, AddressSessions, Found,
    ask::{Asking, Question},
};

/// Asks the sources about the address of a session. Key: address session.
pub const FIND: JobKind = JobKind::new("address_session.find");

/// How often a remote source is asked before the agent gives up.
const TRIES: i64 = 3;

/// Ask the remote sources about the address of this session.
pub(super) fn find_job(session: AddressSessionId, org: OrgId, moment: Moment<'_>) -> NewJob {
    NewJob::new(FIND, org, session, moment.now, moment)
}

pub(super) struct Find(pub AddressSessions);

#[async_trait]
impl Job for Find {
    fn kind(&self) -> JobKind {
        FIND
    }

    fn lane(&self) -> Lane {
        Lane::Others
    }

    async fn run(&self, job: &Claimed) -> Result<(), Error> {
        let kernel = &self.0.kernel;
        let Ok(id) = job.key.parse::<AddressSessionId>() else {
            return kernel.claimed(job).finish(Finished::Done).await;
        };
        let reads = self.0.reads.of(job.org);
        let Some(session) = reads
            .address_session(id)
            .await?
            .filter(AddressSession::wants_more)
        else {
            return kernel.claimed(job).finish(Finished::Done).await;
        };
        let (found, unavailable) = self.go_on(&session, job.attempt).await;
        // Whoever closed the session wants nothing of it to be left.
        let load = || async {
            Ok(reads
                .address_session(id)
                .await?
                .filter(|session| session.closed_at().is_none()))
        };
        let decide = |session, moment: Moment<'_>| {
            Ok(learn(
                session,
                &found,
                unavailable.as_ref(),
                job.attempt,
                moment,
            ))
        };
        kernel.claimed(job).decide(load, decide).await?;
        // Whoever created it may wait. No event says so: the feed is as far as it was.
        kernel.live_bus().publish(job.org, 0);
        Ok(())
    }
}

impl Find {
    async fn go_on(&self, session: &AddressSession, attempt: i64) -> (Found, Option<SourceError>) {
        // Another build could read it.
        let Ok(address) = normalize(&session.request.address()) else {
            return (
                Found {
                    problems: vec!["this address cannot be read any more".into()],
                    ..Found::cleared()
                },
                None,
            );
        };
        let question = Question {
            address,
            given: session.request.coordinates(),
        };
        let asking = if attempt < TRIES {
            Asking::Patiently
        } else {
            Asking::Finally
        };
        self.0
            .find(&question, session.found().clone(), asking)
            .await
    }
}

fn learn(
    session: AddressSession,
    found: &Found,
    unavailable: Option<&SourceError>,
    attempt: i64,
    moment: Moment<'_>,
) -> Verdict<()> {
    let mut batch = Batch::for_org(session.org);
    if let Some(session) = session.learn(found, moment.now) {
        batch.put(&session);
    }
    match unavailable {
        Some(error) => {
            let at = moment.now + Duration::from_secs(1 << attempt.clamp(0, 4));
            Verdict::again(batch, at, Some(error.to_string()))
        }
        None => Verdict::done(batch),
    }
}
