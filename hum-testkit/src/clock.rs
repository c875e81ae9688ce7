//! Time that only moves when the world says so.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use hum_core::clock::{Clock, Timestamp};

/// 2026-03-02T15:00:00Z: a Monday morning in the United States, and never "now".
const EPOCH: Timestamp = Timestamp::from_micros(1_772_463_600_000_000);

#[derive(Default)]
struct State {
    elapsed: Duration,
    timers: BTreeMap<(Duration, u64), Waker>,
    next_timer: u64,
}

/// A clock that starts at a fixed time and moves to the next timer when nothing else can happen. Clones share the time.
#[derive(Clone, Default)]
pub struct VirtualClock(Arc<Mutex<State>>);

impl VirtualClock {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the next timer is due, from the start of the world.
    pub fn next_timer(&self) -> Option<Duration> {
        self.state().timers.keys().next().map(|(at, _)| *at)
    }

    /// Time since the start of the world.
    pub fn elapsed(&self) -> Duration {
        self.state().elapsed
    }

    /// Moves to `at` and wakes what is due. Never goes back.
    pub fn advance_to(&self, at: Duration) {
        let due = {
            let mut state = self.state();
            state.elapsed = state.elapsed.max(at);
            let first_later = (state.elapsed + Duration::from_nanos(1), 0);
            let later = state.timers.split_off(&first_later);
            std::mem::replace(&mut state.timers, later)
        };
        due.into_values().for_each(Waker::wake);
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        EPOCH + self.elapsed()
    }

    fn monotonic(&self) -> Duration {
        self.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        let deadline = self.elapsed() + duration;
        Sleep { clock: self, deadline, timer: None }.await;
    }
}

struct Sleep<'a> {
    clock: &'a VirtualClock,
    deadline: Duration,
    timer: Option<u64>,
}

impl Future for Sleep<'_> {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.state();
        if state.elapsed >= self.deadline {
            return Poll::Ready(());
        }
        let timer = self.timer.unwrap_or_else(|| {
            state.next_timer += 1;
            state.next_timer
        });
        state.timers.insert((self.deadline, timer), context.waker().clone());
        drop(state);
        self.timer = Some(timer);
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(timer) = self.timer {
            self.clock.state().timers.remove(&(self.deadline, timer));
        }
    }
}
