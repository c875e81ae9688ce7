//! The rule of [`super::gcra`] told in another way, to compare with: a waiting room with as many
//! seats as the quota, from which one after another is served, an even share of a minute each.

use std::collections::VecDeque;

pub(super) struct WaitingRoom {
    quota: u32,
    /// When each of those who sit leaves, in nanoseconds.
    leave: VecDeque<u64>,
}

impl WaitingRoom {
    pub fn new(quota: u32) -> Self {
        Self {
            quota,
            leave: VecDeque::new(),
        }
    }

    pub fn has_a_seat(&mut self, now: u64) -> bool {
        while self.leave.front().is_some_and(|at| *at <= now) {
            self.leave.pop_front();
        }
        self.seats() > 0
    }

    pub fn enter(&mut self, now: u64) {
        let begins = self.leave.back().map_or(now, |last| now.max(*last));
        self.leave
            .push_back(begins + 60_000_000_000 / u64::from(self.quota));
    }

    /// How many more may enter.
    pub fn seats(&self) -> u32 {
        self.quota - u32::try_from(self.leave.len()).unwrap()
    }
}
