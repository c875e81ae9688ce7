//! From the feed to deliveries. Compares how far each webhook is with how far the feed is, so a lost wake-up loses nothing.

use crate::{
    app::Hum,
    kernel::{
        batch::{Batch, Finished},
        error::{Error, Tries},
        job::{Claimed, NewJob},
    },
};

use super::{Delivery, DeliveryState, Webhook};

/// How many events, or held deliveries, one commit takes up.
const STEP: u32 = 100;

impl Hum {
    /// Runs a `webhook.fan_out` job.
    pub(crate) async fn run_fan_out(&self, job: &Claimed) -> Result<(), Error> {
        let mut tries = Tries::new();
        loop {
            let mut more = false;
            for webhook in self.reads(job.org).enabled_webhooks().await? {
                more |= self.fan_out_to(job, webhook, &mut tries).await?;
            }
            if !more {
                return self.finish(job, Finished::Done).await;
            }
        }
    }

    /// One step for one webhook; whether there may be more.
    async fn fan_out_to(&self, job: &Claimed, mut webhook: Webhook, tries: &mut Tries) -> Result<bool, Error> {
        let reads = self.reads(job.org);
        let events = reads.events_after(webhook.delivered_seq, STEP).await?;
        let held = reads.held_deliveries(webhook.id, STEP).await?;
        let Some(last) = events.last().map(|event| event.seq).or((!held.is_empty()).then_some(webhook.delivered_seq)) else {
            return Ok(false);
        };
        let now = self.clock.now();
        let mut batch = Batch::for_org(job.org);
        for event in events.iter().filter(|event| webhook.events.contains(&event.kind)) {
            let delivery = Delivery::of(webhook.id, event, now, &*self.entropy);
            batch.enqueue(NewJob::deliver(delivery.id, job.org, now, now, &*self.entropy));
            batch.insert(delivery);
        }
        for mut delivery in held {
            delivery.state = DeliveryState::Pending;
            batch.enqueue(NewJob::deliver(delivery.id, job.org, now, now, &*self.entropy));
            batch.put(delivery);
        }
        webhook.delivered_seq = last;
        batch.put(webhook);
        match self.commit(batch).await {
            Ok(_) => Ok(true),
            Err(error) => tries.again(error).map(|()| true),
        }
    }
}
