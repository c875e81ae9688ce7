//! Everything outside hum, and hum itself, as often as there are processes.

mod builder;
mod post;
mod shared;
mod tenant;

use std::{
    future::Future,
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use hum_core::{
    broadband::BroadbandMap, clock::Clock as _, flow::FlowDefinition, geocode::Geocoder,
    language_model::LanguageModel, number::E164, organization::KeywordReplies,
};
use tokio::sync::oneshot;

use crate::{executor::Executor, options::Options};

pub use builder::WorldBuilder;
pub(crate) use shared::FEED_POLL;
pub use shared::Shared;
pub use tenant::{Tenant, fresh};

/// A world that needs more steps than this runs in circles.
const MAX_POLLS: u64 = 200_000;

/// A world. The same options give the same world, step by step.
pub struct World {
    executor: Executor,
    shared: Shared,
    polls: u64,
}

impl World {
    /// Starts making a world. Without anything else it is a calm one of seed 1.
    pub fn builder() -> WorldBuilder {
        WorldBuilder::default()
    }

    /// The world that follows from a seed, with the faults that follow from it too.
    pub fn from_seed(seed: u64) -> Self {
        Self::builder()
            .options(Options::from_seed(seed, 48))
            .build()
    }

    /// A world without faults, with an agent's model of your choice: for testing agents. Every
    /// address is somewhere, and has a provider.
    pub fn calm(seed: u64, model: Arc<dyn LanguageModel>) -> Self {
        Self::builder().seed(seed).language_model(model).build()
    }

    /// The same with facts about addresses of your choice.
    pub fn calm_with(
        seed: u64,
        model: Arc<dyn LanguageModel>,
        geocoder: impl Geocoder + 'static,
        broadband_map: impl BroadbandMap + 'static,
    ) -> Self {
        Self::builder()
            .seed(seed)
            .language_model(model)
            .geocoder(geocoder)
            .broadband_map(broadband_map)
            .build()
    }

    /// What everybody in the world can reach.
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Runs until nothing more happens before `until`, from the start of the world.
    pub fn run_until(&mut self, until: Duration) {
        loop {
            self.bury_the_dead();
            let state = &self.shared.0;
            if self
                .executor
                .step(&state.chance, |process| !state.fate.is_paused(process))
            {
                self.polls += 1;
                if self.polls > MAX_POLLS {
                    break;
                }
                continue;
            }
            self.shared.deliver_due();
            let next = [
                state.clock.next_timer(),
                state.carrier.next_due(),
                state.fate.next_resume(),
            ];
            match next.into_iter().flatten().min() {
                Some(next) if next <= until => state.clock.advance_to(next),
                _ => break,
            }
        }
        self.shared.0.clock.advance_to(until);
    }

    /// Runs until no job, no webhook of the carrier and no actor is left, at most for `limit`;
    /// whether that came to pass.
    pub fn settle(&mut self, limit: Duration) -> bool {
        let end = self.shared.0.clock.elapsed() + limit;
        loop {
            let now = self.shared.0.clock.elapsed();
            // Everything that is due now, then a small step, so that a calm world does not run
            // ahead of its user.
            self.run_until(now + Duration::from_millis(500));
            let state = &self.shared.0;
            let idle =
                state.carrier.next_due().is_none() && state.busy.load(Ordering::Relaxed) == 0;
            match state.monitor.mirror(|mirror| mirror.queue.next_run()) {
                None if idle => return true,
                _ if state.clock.elapsed() >= end || self.polls > MAX_POLLS => return false,
                Some(at) => {
                    let wait = at.since(state.clock.now()).min(Duration::from_secs(600));
                    let carrier = state.carrier.next_due().unwrap_or(end);
                    let now = state.clock.elapsed();
                    self.run_until((now + wait).min(carrier.max(now)).min(end));
                }
                None => {}
            }
        }
    }

    /// How many steps the world has taken.
    pub fn polls(&self) -> u64 {
        self.polls
    }

    /// Runs a future that belongs to no process until it is done.
    ///
    /// # Panics
    /// When it is not done within a simulated day.
    pub fn block_on<T: Send + 'static>(
        &mut self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let (answer, mut answered) = oneshot::channel();
        self.shared.0.spawner.spawn(None, async move {
            let _ = answer.send(work.await);
        });
        for _ in 0..24 * 3600 * 10 {
            if let Ok(result) = answered.try_recv() {
                return result;
            }
            let now = self.shared.0.clock.elapsed();
            self.run_until(now + Duration::from_millis(100));
        }
        panic!("not done within a simulated day")
    }

    /// Sets up a tenant with an account, a number and an agent.
    ///
    /// # Panics
    /// When the definition is not valid.
    pub fn set_up_tenant(
        &mut self,
        index: u64,
        definition: FlowDefinition,
        keyword_replies: KeywordReplies,
    ) -> Tenant {
        let shared = self.shared.clone();
        self.block_on(async move {
            shared
                .set_up_tenant(index, definition, keyword_replies)
                .await
        })
        .expect("a calm world sets a tenant up")
    }

    /// A handset writes to a tenant's number, and the carrier delivers it.
    pub fn text(&mut self, tenant: &Tenant, from: &E164, body: &str) {
        let state = &self.shared.0;
        let form = state.carrier.text_in(
            &tenant.account,
            (from, &tenant.number.e164),
            body,
            &state.chance,
        );
        state.carrier.deliver(form);
    }

    /// What arrived on a handset so far, oldest first.
    pub fn received(&self, handset: &E164) -> Vec<String> {
        self.shared.0.carrier.received(handset)
    }

    /// Compares the queue with the commits: a job that was not finished must still be there.
    pub fn count_jobs(&mut self) {
        let storage = self.shared.0.storage.clone();
        let Ok(counts) = self.block_on(async move { storage.system().counts().await }) else {
            return;
        };
        let stored: i64 = counts.jobs.iter().map(|(.., count)| *count).sum();
        let expected = self
            .shared
            .0
            .monitor
            .mirror(|mirror| mirror.queue.jobs().count());
        if usize::try_from(stored).ok() != Some(expected) {
            let detail = format!("{expected} jobs are not done, but the queue has {stored}");
            self.shared.0.monitor.violate("INV-19", detail);
        }
    }

    fn bury_the_dead(&mut self) {
        for process in self.shared.0.fate.take_doomed() {
            self.executor.kill(process);
            self.shared
                .0
                .processes
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .retain(|(id, _)| *id != process);
            let shared = self.shared.clone();
            self.shared.act(async move {
                let wait = shared.0.chance.between(1, 60);
                shared.0.clock.sleep(Duration::from_secs(wait)).await;
                shared.start_process();
            });
        }
    }
}
