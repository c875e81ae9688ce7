//! Chance from a seed.

use std::sync::{Arc, Mutex, PoisonError};

use hum_core::entropy::Entropy;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

/// A seeded generator that clones share. The same seed gives the same draws, on every platform.
#[derive(Clone)]
pub struct Chance(Arc<Mutex<ChaCha8Rng>>);

impl Chance {
    /// From a seed; `stream` keeps independent uses of one seed apart.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(Arc::new(Mutex::new(rng)))
    }

    /// A number in `0..bound`; zero when `bound` is zero.
    pub fn below(&self, bound: u64) -> u64 {
        let drawn = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .next_u64();
        if bound == 0 { 0 } else { drawn % bound }
    }

    /// A number in `low..=high`.
    pub fn between(&self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True `per_mille` times of a thousand. Exact ratios, no floats.
    pub fn one_in_thousand(&self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// One of several.
    pub fn pick<'a, T>(&self, items: &'a [T]) -> &'a T {
        let index = usize::try_from(self.below(items.len() as u64)).unwrap_or(0);
        &items[index]
    }
}

impl Entropy for Chance {
    fn fill(&self, bytes: &mut [u8]) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill_bytes(bytes);
    }
}
