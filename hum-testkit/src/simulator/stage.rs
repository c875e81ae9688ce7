use std::{future::Future, sync::Arc, time::Duration};

use hum_core::Hum;

use crate::{
    capability::Scene,
    chance::Chance,
    invariant::Mirrored,
    world::{Shared, Tenant},
};

/// The world, and whom there is to act with.
#[derive(Clone)]
pub struct Stage {
    /// The world.
    pub shared: Shared,
    /// Every tenant.
    pub tenants: Arc<[Tenant]>,
}

impl Stage {
    /// Most things happen close together, as in life.
    pub fn some_time(&self, span: Duration) -> Duration {
        let chance = self.shared.chance();
        let span = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        if chance.below(3) == 0 {
            Duration::from_millis(chance.below(span))
        } else {
            Duration::from_millis(chance.below(span.min(3 * 3_600_000)))
        }
    }

    /// The key of one of the records that fit.
    pub fn some<T: Mirrored>(&self, fits: impl Fn(&T) -> bool) -> Option<T::Key> {
        let keys: Vec<T::Key> = self.shared.monitor().mirror(|mirror| {
            mirror
                .all::<T>()
                .filter(|record| fits(record))
                .map(Mirrored::key)
                .collect()
        });
        if keys.is_empty() {
            None
        } else {
            Some(self.shared.chance().pick(&keys).clone())
        }
    }
}

impl Scene {
    /// The world.
    pub fn shared(&self) -> &Shared {
        &self.stage.shared
    }

    /// The world's dice.
    pub fn chance(&self) -> &Chance {
        self.stage.shared.chance()
    }

    /// Sends a request; `None` when nobody answered.
    pub async fn request<T, F>(&self, work: impl FnOnce(Hum) -> F) -> Option<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        self.stage.shared.request(work).await
    }
}
