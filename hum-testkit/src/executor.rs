//! One thread, many futures, and the seed decides who goes next.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

use crate::{chance::Chance, process::ProcessId};

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;
type Id = u64;
type Spawned = Vec<(Option<ProcessId>, Work)>;

/// Where futures are handed in, also from inside of running ones.
#[derive(Clone, Default)]
pub struct Spawner(Arc<Mutex<Spawned>>);

impl Spawner {
    /// Adds a future; it dies with its process, if it has one.
    pub fn spawn(
        &self,
        process: Option<ProcessId>,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((process, Box::pin(work)));
    }
}

#[derive(Default)]
struct Ready(Mutex<BTreeSet<Id>>);

struct WakeOne {
    id: Id,
    ready: Arc<Ready>,
}

impl Wake for WakeOne {
    fn wake(self: Arc<Self>) {
        self.ready
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(self.id);
    }
}

struct Task {
    process: Option<ProcessId>,
    work: Work,
    waker: Waker,
}

/// Polls futures in an order that the seed decides.
#[derive(Default)]
pub struct Executor {
    spawner: Spawner,
    tasks: BTreeMap<Id, Task>,
    ready: Arc<Ready>,
    next: Id,
}

impl Executor {
    /// Where futures are handed in.
    pub fn spawner(&self) -> Spawner {
        self.spawner.clone()
    }

    /// Polls one future that can go on; `false` when there is none. Futures of processes that
    /// `may_run` denies wait.
    pub fn step(&mut self, chance: &Chance, may_run: impl Fn(ProcessId) -> bool) -> bool {
        let spawned = std::mem::take(
            &mut *self
                .spawner
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        for (process, work) in spawned {
            self.next += 1;
            let waker = Waker::from(Arc::new(WakeOne {
                id: self.next,
                ready: self.ready.clone(),
            }));
            waker.wake_by_ref();
            self.tasks.insert(
                self.next,
                Task {
                    process,
                    work,
                    waker,
                },
            );
        }
        let able: Vec<Id> = {
            let ready = self.ready.0.lock().unwrap_or_else(PoisonError::into_inner);
            let runs = |id: &Id| {
                self.tasks
                    .get(id)
                    .is_some_and(|task| task.process.is_none_or(&may_run))
            };
            ready.iter().copied().filter(runs).collect()
        };
        if able.is_empty() {
            return false;
        }
        let id = *chance.pick(&able);
        self.ready
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
        let Some(task) = self.tasks.get_mut(&id) else {
            return true;
        };
        let waker = task.waker.clone();
        if let Poll::Ready(()) = task.work.as_mut().poll(&mut Context::from_waker(&waker)) {
            self.tasks.remove(&id);
        }
        true
    }

    /// Drops every future of a process, wherever it stands: `kill -9`.
    pub fn kill(&mut self, process: ProcessId) {
        self.tasks.retain(|_, task| task.process != Some(process));
        self.spawner
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|(owner, _)| *owner != Some(process));
    }
}

/// Lets others go first, once.
pub async fn give_way() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
