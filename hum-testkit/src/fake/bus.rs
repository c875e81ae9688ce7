//! Wake-ups within one process, on the world's executor.

use std::{
    sync::{Arc, Mutex, PoisonError},
    task::{Poll, Waker},
};

use async_trait::async_trait;
use hum_core::live_bus::LiveBus;

/// Remembers a wake-up that nobody waited for.
#[derive(Clone, Default)]
pub struct SimBus(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    due: bool,
    waiting: Vec<Waker>,
}

#[async_trait]
impl LiveBus for SimBus {
    fn jobs_due(&self) {
        let wakers = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.due = true;
            std::mem::take(&mut state.waiting)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    async fn wait_for_jobs(&self) {
        std::future::poll_fn(|context| {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if std::mem::take(&mut state.due) {
                return Poll::Ready(());
            }
            state.waiting.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
