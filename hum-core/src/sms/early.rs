use std::sync::{Mutex, PoisonError};

/// What was read before a decision is made, for its first try: a request of the carrier is verified with it, and it is not
/// read twice.
pub(super) struct Early<T>(Mutex<Option<T>>);

impl<T> Early<T> {
    pub fn new(read: T) -> Self {
        Self(Mutex::new(Some(read)))
    }

    /// It, once.
    pub fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
