use std::collections::BTreeMap;

/// What falls due, in the order of time; of what falls due at once, what was put in first comes
/// first.
#[derive(Debug)]
pub struct Schedule<At, T> {
    due: BTreeMap<(At, u64), T>,
    scheduled: u64,
}

impl<At: Ord, T> Default for Schedule<At, T> {
    fn default() -> Self {
        Self {
            due: BTreeMap::new(),
            scheduled: 0,
        }
    }
}

impl<At: Ord + Copy, T> Schedule<At, T> {
    /// Puts something in.
    pub fn put(&mut self, at: At, item: T) {
        self.scheduled += 1;
        self.due.insert((at, self.scheduled), item);
    }

    /// Takes out what is due.
    pub fn take_due(&mut self, now: At) -> Vec<T> {
        let later = self.due.split_off(&(now, u64::MAX));
        std::mem::replace(&mut self.due, later)
            .into_values()
            .collect()
    }

    /// When the next thing is due.
    pub fn next_due(&self) -> Option<At> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }
}
