//! From the feed to deliveries. Compares how far each webhook is with how far the feed is, so a
//! lost wake-up loses nothing.

use async_trait::async_trait;

use crate::kernel::{
    batch::Batch,
    decide::{Moment, Verdict},
    error::Error,
    event::Event,
    id::{JobId, OrgId, WebhookId},
    job::{Claimed, Job, JobKind, Merge, NewJob},
};

use super::{Delivery, Webhook, Webhooks, deliver::deliver_job};

/// Makes deliveries of new events. Key: organization.
pub const FAN_OUT: JobKind = JobKind::new("webhook.fan_out");

/// How many events, or held deliveries, one commit takes up.
const STEP: u32 = 100;

/// Takes new events to the webhooks. The id is the event's, so that no extra chance is drawn.
pub(crate) fn follow(event: &Event) -> NewJob {
    NewJob {
        id: JobId::from(event.id),
        org: event.org,
        kind: FAN_OUT,
        key: event.org.to_string(),
        queue: String::new(),
        run_at: event.at,
        ready: true,
        merge: Merge::Sooner,
    }
}

/// Takes new events to the webhooks, without an event: after a webhook was enabled.
pub(super) fn fan_out_job(org: OrgId, moment: Moment<'_>) -> NewJob {
    NewJob::new(FAN_OUT, org, org, moment.now, moment)
}

pub(super) struct FanOut(pub Webhooks);

#[async_trait]
impl Job for FanOut {
    fn kind(&self) -> JobKind {
        FAN_OUT
    }

    /// Step by step, each webhook in its turn, until none of them has anything new: then nothing is
    /// loaded, and the job is done.
    async fn run(&self, job: &Claimed) -> Result<(), Error> {
        let mut last = None;
        loop {
            let load = || self.next_step(job.org, last);
            let decide = |step: Step, moment: Moment<'_>| {
                Ok(Verdict::proceed(take_up(&step, moment), step.webhook.id))
            };
            match self.0.kernel.claimed(job).decide(load, decide).await? {
                Some(webhook) => last = Some(webhook),
                None => return Ok(()),
            }
        }
    }
}

/// What one webhook gets in one commit.
struct Step {
    webhook: Webhook,
    /// New in the feed.
    events: Vec<Event>,
    /// What waited because the webhook was disabled.
    held: Vec<Delivery>,
}

impl FanOut {
    /// The step of the first webhook after `last` that has anything to take up, then from the
    /// oldest one on.
    async fn next_step(&self, org: OrgId, last: Option<WebhookId>) -> Result<Option<Step>, Error> {
        let reads = self.0.reads.of(org);
        let mut webhooks = reads.enabled_webhooks().await?;
        let before = webhooks
            .iter()
            .take_while(|webhook| last.is_some_and(|last| webhook.id <= last))
            .count();
        webhooks.rotate_left(before);
        for webhook in webhooks {
            let events = reads.events_after(webhook.delivered_seq(), STEP).await?;
            let held = reads.held_deliveries(webhook.id, STEP).await?;
            if !events.is_empty() || !held.is_empty() {
                return Ok(Some(Step {
                    webhook,
                    events,
                    held,
                }));
            }
        }
        Ok(None)
    }
}

fn take_up(step: &Step, moment: Moment<'_>) -> Batch {
    let Step {
        webhook,
        events,
        held,
    } = step;
    let mut batch = Batch::for_org(webhook.org);
    for event in events
        .iter()
        .filter(|event| webhook.events().contains(&event.kind))
    {
        let delivery = Delivery::of(webhook.id, event, moment);
        batch.enqueue(deliver_job(&delivery, moment));
        batch.insert(&delivery);
    }
    for delivery in held {
        batch.enqueue(deliver_job(delivery, moment));
        batch.put(&delivery.clone().take_up());
    }
    let last = events
        .last()
        .map_or(webhook.delivered_seq(), |event| event.seq);
    batch.put(&webhook.clone().advance(last));
    batch
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kernel::{batch::Write, event::EventKind},
        webhook::fixture::{endpoint, event, moment},
    };

    fn keys(batch: &Batch) -> Vec<String> {
        let jobs = batch.writes.iter().filter_map(|write| match write {
            Write::Enqueue(job) => Some((job.kind, job.key.clone())),
            _ => None,
        });
        jobs.map(|(kind, key)| format!("{kind:?} {key}")).collect()
    }

    #[test]
    fn an_event_orders_one_job_of_its_organization_and_draws_nothing() {
        let event = event(1, EventKind::SmsReceived);
        let (one, other) = (follow(&event), follow(&event));
        assert_eq!(
            (one.kind, &one.key, one.run_at, one.merge),
            (FAN_OUT, &event.org.to_string(), event.at, Merge::Sooner)
        );
        assert_eq!(one, other);
    }

    #[test]
    fn only_what_is_subscribed_is_delivered_and_the_feed_is_passed_over() {
        let events = vec![
            event(4, EventKind::SmsReceived),
            event(5, EventKind::SmsSent),
        ];
        let step = Step {
            webhook: endpoint(),
            events,
            held: Vec::new(),
        };
        let batch = take_up(&step, moment());
        let made = batch.inserted::<Delivery>();
        assert_eq!(
            made.iter()
                .map(|delivery| delivery.event_seq)
                .collect::<Vec<_>>(),
            [Some(4)]
        );
        assert_eq!(keys(&batch), [format!("webhook.deliver {}", made[0].id)]);
        assert_eq!(batch.changed::<Webhook>()[0].delivered_seq(), 5);
    }

    #[test]
    fn what_was_held_is_tried_and_the_feed_stays() {
        let webhook = endpoint();
        let held = Delivery::of(webhook.id, &event(2, EventKind::SmsReceived), moment()).hold();
        let before = webhook.delivered_seq();
        let batch = take_up(
            &Step {
                webhook,
                events: Vec::new(),
                held: vec![held.clone()],
            },
            moment(),
        );
        assert_eq!(batch.changed::<Delivery>(), [held.clone().take_up()]);
        assert_eq!(keys(&batch), [format!("webhook.deliver {}", held.id)]);
        assert_eq!(batch.changed::<Webhook>()[0].delivered_seq(), before);
    }
}
