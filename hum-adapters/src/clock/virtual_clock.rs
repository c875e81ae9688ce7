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
    /// How far the wall clock is off, in microseconds, and since when; the latest last.
    jumps: Vec<(Duration, i64)>,
}

impl State {
    fn offset(&self) -> i64 {
        self.jumps.last().map_or(0, |(_, offset)| *offset)
    }
}

/// A clock that starts at a fixed time and only moves when it is told to: for simulations, demos
/// and tests. Clones share the time.
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

    /// Sets the wall clock off by `micros` from now on, as somebody does who corrects a server's
    /// clock. Time itself and timers go on as before.
    pub fn set_wall_offset(&self, micros: i64) {
        let mut state = self.state();
        let now = state.elapsed;
        state.jumps.push((now, micros));
    }

    /// How far the wall clock is off, in microseconds.
    pub fn wall_offset(&self) -> i64 {
        self.state().offset()
    }

    /// The earliest and the latest time that the wall clock showed from `start` until now. Without
    /// jumps, the first and the last.
    pub fn walls_since(&self, start: Duration) -> (Timestamp, Timestamp) {
        let state = self.state();
        let (mut earliest, mut latest) = (None::<Timestamp>, None::<Timestamp>);
        let ends = state
            .jumps
            .iter()
            .skip(1)
            .map(|(at, _)| *at)
            .chain([state.elapsed]);
        let before = (
            Duration::ZERO,
            0,
            state.jumps.first().map_or(state.elapsed, |(at, _)| *at),
        );
        let after = state
            .jumps
            .iter()
            .zip(ends)
            .map(|((from, offset), to)| (*from, *offset, to));
        for (from, offset, to) in [before]
            .into_iter()
            .chain(after)
            .filter(|(_, _, to)| *to >= start)
        {
            let (first, last) = (wall(from.max(start), offset), wall(to, offset));
            earliest = Some(earliest.map_or(first, |known| known.min(first)));
            latest = Some(latest.map_or(last, |known| known.max(last)));
        }
        let now = wall(state.elapsed, state.offset());
        (earliest.unwrap_or(now), latest.unwrap_or(now))
    }

    /// Moves to an instant of the wall clock and wakes what is due. Never goes back.
    pub fn move_to(&self, at: Timestamp) {
        let now = self.now();
        self.advance_to(self.elapsed() + at.since(now));
    }

    /// Moves to `at`, from the start of the world, and wakes what is due. Never goes back.
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

fn wall(elapsed: Duration, offset: i64) -> Timestamp {
    Timestamp::from_micros((EPOCH + elapsed).as_micros().saturating_add(offset))
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let state = self.state();
        wall(state.elapsed, state.offset())
    }

    fn monotonic(&self) -> Duration {
        self.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        let deadline = self.elapsed() + duration;
        Sleep {
            clock: self,
            deadline,
            timer: None,
        }
        .await;
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
        state
            .timers
            .insert((self.deadline, timer), context.waker().clone());
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

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);
    const HOUR_BACK: i64 = -3_600_000_000;

    #[test]
    fn a_jump_moves_the_wall_clock_only() {
        let clock = VirtualClock::default();
        clock.advance_to(HOUR);
        clock.set_wall_offset(HOUR_BACK);
        assert_eq!((clock.now(), clock.monotonic()), (EPOCH, HOUR));
    }

    #[test]
    fn it_is_moved_forward_only() {
        let clock = VirtualClock::default();
        clock.move_to(EPOCH + HOUR);
        clock.move_to(EPOCH);
        assert_eq!((clock.now(), clock.elapsed()), (EPOCH + HOUR, HOUR));
    }

    #[test]
    fn what_the_wall_clock_showed_includes_both_sides_of_a_jump() {
        let clock = VirtualClock::default();
        clock.advance_to(HOUR);
        assert_eq!(
            clock.walls_since(HOUR / 2),
            (EPOCH + HOUR / 2, EPOCH + HOUR)
        );
        clock.set_wall_offset(HOUR_BACK);
        assert_eq!(clock.walls_since(HOUR / 2), (EPOCH, EPOCH + HOUR));
        clock.advance_to(HOUR * 3);
        assert_eq!(
            clock.walls_since(HOUR * 2),
            (EPOCH + HOUR, EPOCH + HOUR * 2)
        );
    }
}
