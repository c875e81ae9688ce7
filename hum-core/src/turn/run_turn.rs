//! One AI turn: every text since the last one in, one reply out, or nothing if somebody was faster.

use std::time::Duration;

use async_trait::async_trait;

use crate::{
    flow::{FlowDefinition, FlowVersion},
    kernel::{
        batch::{Batch, Finished},
        decide::{Moment, Verdict},
        error::Error,
        id::ConversationId,
        job::{Claimed, Job, JobKind, Lane},
    },
    language_model::ModelError,
    sms::{AI_TURN, Conversation, Turn},
};

use super::{
    TurnTakingReads, Turns,
    ask::Outcome,
    begin::{Begun, Waiting, begin, may_begin},
    finish::finish,
};

/// The window of `max_turns_per_window`.
const WINDOW: Duration = Duration::from_secs(600);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// How many messages the model sees.
const HISTORY: u32 = 40;
/// How often a turn is tried when the model does not answer.
const MODEL_TRIES: i64 = 3;

pub(super) struct RunTurn(pub Turns);

#[async_trait]
impl Job for RunTurn {
    fn kind(&self) -> JobKind {
        AI_TURN
    }

    fn lane(&self) -> Lane {
        Lane::Reply
    }

    async fn run(&self, job: &Claimed) -> Result<(), Error> {
        let Ok(conversation) = job.key.parse::<ConversationId>() else {
            return self.0.kernel.claimed(job).finish(Finished::Done).await;
        };
        let Some(Begun {
            turn,
            definition,
            items,
        }) = self.begin(job, conversation).await?
        else {
            return Ok(());
        };
        match self.0.ask(&definition, items).await {
            Ok(outcome) => self.finish(job, &turn, &definition, &outcome).await,
            Err(ModelError::Unavailable(why)) if job.attempt < MODEL_TRIES => {
                self.try_again(job, &turn, &why).await
            }
            Err(error) => {
                tracing::warn!(%conversation, %error, "no usable reply");
                self.finish(job, &turn, &definition, &Outcome::default())
                    .await
            }
        }
    }
}

impl RunTurn {
    /// Commits that a turn begins, pinned to a flow version and to the texts so far. `None` when
    /// there is nothing to do.
    async fn begin(&self, job: &Claimed, id: ConversationId) -> Result<Option<Begun>, Error> {
        let reads = self.0.reads.of(job.org);
        let load = || self.waiting(&*reads, id);
        self.0
            .kernel
            .claimed(job)
            .decide(load, |waiting, moment| Ok(begin(waiting, moment)))
            .await
    }

    /// What waits for the agent of a conversation; `None` when nothing does, or it has no agent.
    async fn waiting(
        &self,
        reads: &dyn TurnTakingReads,
        id: ConversationId,
    ) -> Result<Option<Waiting>, Error> {
        let Some(conversation) = reads.conversation(id).await? else {
            return Ok(None);
        };
        let consent = reads.consent(&conversation.contact).await?;
        if !may_begin(&conversation, consent.as_ref()) {
            return Ok(None);
        }
        let Some(version) = version_of(reads, &conversation).await? else {
            return Ok(None);
        };
        let now = self.0.kernel.now();
        Ok(Some(Waiting {
            died: reads.running_turn(id).await?,
            in_window: reads.count_turns(id, now - WINDOW).await?,
            today: reads.count_turns(id, now - DAY).await?,
            messages: reads.recent_messages(id, HISTORY).await?,
            conversation,
            version,
        }))
    }

    /// Commits reply and effects, unless a newer text came, a person took over, or the contact
    /// opted out meanwhile.
    async fn finish(
        &self,
        job: &Claimed,
        turn: &Turn,
        flow: &FlowDefinition,
        outcome: &Outcome,
    ) -> Result<(), Error> {
        let reads = self.0.reads.of(job.org);
        let load = || async {
            let Some(conversation) = reads.conversation(turn.conversation).await? else {
                return Ok(None);
            };
            let consent = reads.consent(&conversation.contact).await?;
            Ok(Some((conversation, consent)))
        };
        let decide =
            |state, moment: Moment<'_>| Ok(finish(state, turn.clone(), flow, outcome, moment));
        self.0.kernel.claimed(job).decide(load, decide).await?;
        Ok(())
    }

    /// The model does not answer: nothing of the turn takes effect, and another one is taken later.
    async fn try_again(&self, job: &Claimed, turn: &Turn, why: &str) -> Result<(), Error> {
        let decide = |(), moment: Moment<'_>| Ok(try_again(turn.clone(), job.attempt, why, moment));
        self.0
            .kernel
            .claimed(job)
            .decide(|| async { Ok(Some(())) }, decide)
            .await?;
        Ok(())
    }
}

/// The newest version of the flow that answers a conversation.
async fn version_of(
    reads: &dyn TurnTakingReads,
    conversation: &Conversation,
) -> Result<Option<FlowVersion>, Error> {
    let number = reads
        .number(conversation.number)
        .await?
        .filter(|number| number.sms_enabled);
    let Some(flow) = number.and_then(|number| number.sms_flow_id) else {
        return Ok(None);
    };
    let Some(flow) = reads.flow(flow).await? else {
        return Ok(None);
    };
    Ok(reads.flow_version(flow.id, flow.latest()).await?)
}

fn try_again(turn: Turn, attempt: i64, why: &str, moment: Moment<'_>) -> Verdict<()> {
    let mut batch = Batch::for_org(turn.org);
    batch.put(&turn.discard(moment.now, "model_unavailable"));
    Verdict::again(batch, moment.now + backoff(attempt), Some(why.to_owned()))
}

/// How long the next run waits for the model; `attempt` counts from 1.
fn backoff(attempt: i64) -> Duration {
    Duration::from_secs(2 << (2 * attempt.clamp(0, 5)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_given_more_time_each_time() {
        for (attempt, seconds) in [(0, 2), (1, 8), (2, 32), (3, 128), (5, 2048), (99, 2048)] {
            assert_eq!(backoff(attempt), Duration::from_secs(seconds), "{attempt}");
        }
    }
}
