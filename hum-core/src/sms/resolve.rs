//! What became of a text in doubt? The carrier's list is searched; a callback may say so at any time.

use std::time::Duration;

use crate::{
    app::Hum,
    kernel::{
        batch::{Batch, Finished},
        error::{Error, Tries},
        job::Claimed,
    },
    planted::{Bug, planted},
};

use crate::telephony::{CarrierMessage, ListQuery};
use super::{AttemptState, MessageStatus, ResolvedBy, SendAttempt, send::load};

/// When the list is searched, counted from the moment of doubt.
const LOOKS: [Duration; 4] =
    [Duration::from_secs(60), Duration::from_secs(120), Duration::from_secs(300), Duration::from_secs(900)];
/// The carrier's clock and ours may differ by this much.
const CLOCK_SLACK: Duration = Duration::from_secs(5);
/// The carrier may take this long after our timeout to make the text.
const LATE_ACCEPT: Duration = Duration::from_secs(60);

impl Hum {
    /// Runs a `sms.resolve` job.
    pub(crate) async fn run_resolve(&self, job: &Claimed) -> Result<(), Error> {
        let mut listed: Option<Result<Vec<CarrierMessage>, String>> = None;
        let mut tries = Tries::new();
        loop {
            let reads = self.reads(job.org);
            let Some((mut message, mut conversation)) = load(&*reads, job).await? else {
                return self.finish(job, Finished::Done).await;
            };
            let Some(mut attempt) = reads.last_attempt(message.id).await? else { return self.finish(job, Finished::Done).await };
            let AttemptState::InDoubt { since, looked, .. } = attempt.state else {
                return self.finish(job, Finished::Done).await;
            };
            if message.status != MessageStatus::InDoubt {
                return self.finish(job, Finished::Done).await;
            }
            let window = window(&attempt, self.settings.carrier_timeout);
            if listed.is_none() {
                let Some(account) = self.account_of(&*reads, &conversation).await? else {
                    return self.finish(job, Finished::Done).await;
                };
                let query = ListQuery {
                    from: conversation.number_e164.clone(),
                    to: conversation.contact.clone(),
                    since: window.0,
                    until: window.1,
                };
                listed = Some(self.telephony.list(&account, &query).await.map_err(|error| error.to_string()));
            }
            let now = self.clock.now();
            let mut batch = Batch::for_org(job.org);
            match listed.as_ref() {
                Some(Ok(found)) => {
                    let mut candidates = Vec::new();
                    for candidate in found {
                        let fits = candidate.body == message.body
                            && candidate.created_at >= window.0
                            && candidate.created_at <= window.1;
                        let loose = planted(Bug::MatchByRecipientOnly);
                        if (loose || fits) && (!reads.carrier_sid_taken(&candidate.sid).await?) {
                            candidates.push(candidate);
                        }
                    }
                    let span = self.settings.carrier_timeout + LATE_ACCEPT + CLOCK_SLACK;
                    let open = reads.open_attempts_like(&message, attempt.started_at - span, attempt.started_at + span).await?;
                    let only = match candidates[..] {
                        [only] if open == 1 => Some(only),
                        [first, ..] if planted(Bug::MatchByRecipientOnly) => Some(first),
                        // Several that fit, or several texts in doubt that they could be: nobody can say which is which.
                        _ => None,
                    };
                    if let Some(found) = only {
                        attempt.state = AttemptState::Confirmed { sid: found.sid.clone(), by: ResolvedBy::Listing };
                        self.learn(&mut message, &mut conversation, &found.sid, found.status, found.error_code, &mut batch);
                        batch.put(message);
                        batch.put(conversation);
                        batch.put(attempt);
                        batch.finish(job.id, job.fence, Finished::Done);
                    } else {
                        let looked = looked + 1;
                        let next = usize::try_from(looked).ok().and_then(|looked| LOOKS.get(looked));
                        let presumed_absent = next.is_none() && candidates.is_empty();
                        attempt.state = AttemptState::InDoubt { since, presumed_absent, looked };
                        batch.put(attempt);
                        if presumed_absent {
                            // A label for people: still in doubt, and a later callback still confirms it.
                            message.detail = Some("the carrier lists no such text: presumed absent".into());
                            message.updated_at = now;
                            batch.put(message);
                        }
                        let how =
                            next.map_or(Finished::Done, |after| Finished::Again { at: (since + *after).max(now), error: None });
                        batch.finish(job.id, job.fence, how);
                    }
                }
                // The carrier is not healthy: this look does not count.
                Some(Err(error)) => {
                    batch.finish(
                        job.id,
                        job.fence,
                        Finished::Again { at: now + Duration::from_secs(60), error: Some(error.clone()) },
                    );
                }
                None => unreachable!("listed above"),
            }
            match self.commit(batch).await {
                Ok(_) => return Ok(()),
                Err(error) => tries.again(error)?,
            }
        }
    }
}

/// When the carrier can have made the text of an attempt.
fn window(attempt: &SendAttempt, timeout: Duration) -> (crate::kernel::clock::Timestamp, crate::kernel::clock::Timestamp) {
    // The carrier's times have whole seconds.
    (attempt.started_at - CLOCK_SLACK - Duration::from_secs(1), attempt.started_at + timeout + LATE_ACCEPT)
}
