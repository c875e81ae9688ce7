//! Processes that serve one store, and die.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hum_core::clock::Clock as _;

use crate::{chance::Chance, clock::VirtualClock, executor::give_way, options::Options};

/// One incarnation of one process; a restart gets a new id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProcessId(pub u64);

/// What the world knows of its processes: shared by every port of every process.
#[derive(Clone)]
pub struct Fate(Arc<FateState>);

struct FateState {
    options: Options,
    chance: Chance,
    clock: VirtualClock,
    calm: Mutex<bool>,
    doomed: Mutex<Vec<ProcessId>>,
    paused: Mutex<Vec<(ProcessId, Duration)>>,
}

impl Fate {
    /// Nobody is doomed yet.
    pub fn new(options: Options, chance: Chance, clock: VirtualClock) -> Self {
        Self(Arc::new(FateState {
            options,
            chance,
            clock,
            calm: Mutex::new(true),
            doomed: Mutex::default(),
            paused: Mutex::default(),
        }))
    }

    /// Turns all faults off, or on.
    pub fn set_calm(&self, calm: bool) {
        *self.0.calm.lock().unwrap_or_else(PoisonError::into_inner) = calm;
    }

    /// Whether faults are off.
    pub fn is_calm(&self) -> bool {
        *self.0.calm.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a fault with this rate strikes now.
    pub fn strikes(&self, per_mille: u64) -> bool {
        !self.is_calm() && self.0.chance.one_in_thousand(per_mille)
    }

    /// The faults of this world.
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// The world's dice, for sizes of faults.
    pub fn chance(&self) -> &Chance {
        &self.0.chance
    }

    /// A place between two effects: others may go first, and the process may die or stop here.
    pub async fn point(&self, process: ProcessId) {
        give_way().await;
        if self.strikes(self.0.options.crash) {
            self.0
                .doomed
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(process);
            // Dies before it is polled again.
            std::future::pending::<()>().await;
        }
        if self.strikes(self.0.options.pause) {
            let until =
                self.0.clock.monotonic() + Duration::from_secs(self.0.chance.between(1, 600));
            self.0
                .paused
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((process, until));
            give_way().await;
        }
    }

    /// Who died since the last question.
    pub fn take_doomed(&self) -> Vec<ProcessId> {
        std::mem::take(&mut *self.0.doomed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a process stands still now.
    pub fn is_paused(&self, process: ProcessId) -> bool {
        let now = self.0.clock.monotonic();
        self.0
            .paused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .any(|(paused, until)| *paused == process && now < *until)
    }

    /// When the next pause ends.
    pub fn next_resume(&self) -> Option<Duration> {
        let now = self.0.clock.monotonic();
        let mut paused = self.0.paused.lock().unwrap_or_else(PoisonError::into_inner);
        paused.retain(|(_, until)| *until > now);
        paused.iter().map(|(_, until)| *until).min()
    }
}
