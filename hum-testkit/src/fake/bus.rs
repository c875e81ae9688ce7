//! Wake-ups within and between the processes of a world, on the world's executor; some are lost and
//! some come twice.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Poll, Waker},
};

use async_trait::async_trait;
use hum_core::{
    id::OrgId,
    live_bus::{LiveBus, Subscription},
};

use crate::process::Fate;

/// What all processes are connected by. Clones are the same.
#[derive(Clone, Default)]
pub struct SimBus(Arc<Mutex<Vec<Weak<Node>>>>);

/// The bus as one process sees it.
pub struct SimBusNode {
    all: SimBus,
    own: Arc<Node>,
    fate: Fate,
}

#[derive(Default)]
struct Node(Mutex<State>);

/// Remembers a wake-up that nobody waited for.
#[derive(Default)]
struct State {
    /// How many signals about jobs were not heard yet.
    due: u32,
    waiting: Vec<Waker>,
    listeners: BTreeMap<u64, Listening>,
    next_listener: u64,
}

struct Listening {
    org: OrgId,
    newest: i64,
    /// How many signals were not heard yet.
    signals: u32,
    waiting: Option<Waker>,
}

/// A signal: about jobs, or about a feed.
#[derive(Clone, Copy)]
enum Signal {
    Jobs,
    Feed(OrgId, i64),
}

impl SimBus {
    /// The bus of one more process.
    pub fn join(&self, fate: Fate) -> SimBusNode {
        let own = Arc::<Node>::default();
        let mut nodes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.retain(|node| node.strong_count() > 0);
        nodes.push(Arc::downgrade(&own));
        drop(nodes);
        SimBusNode {
            all: self.clone(),
            own,
            fate,
        }
    }

    fn nodes(&self) -> Vec<Arc<Node>> {
        let nodes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.iter().filter_map(Weak::upgrade).collect()
    }
}

impl SimBusNode {
    /// Each process hears it, or does not, or twice.
    fn give(&self, signal: Signal) {
        let options = self.fate.options();
        for node in self.all.nodes() {
            if self.fate.strikes(options.signal_lost) {
                continue;
            }
            node.hear(signal);
            if self.fate.strikes(options.signal_repeated) {
                node.hear(signal);
            }
        }
    }
}

impl Node {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, signal: Signal) {
        let wakers = {
            let mut state = self.state();
            match signal {
                Signal::Jobs => state.jobs_due(),
                Signal::Feed(org, event_seq) => state.published(org, event_seq),
            }
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl State {
    fn jobs_due(&mut self) -> Vec<Waker> {
        // A second one is only worth remembering when it comes twice.
        self.due = (self.due + 1).min(2);
        std::mem::take(&mut self.waiting)
    }

    fn published(&mut self, org: OrgId, event_seq: i64) -> Vec<Waker> {
        let listening = self.listeners.values_mut();
        listening
            .filter(|listening| listening.org == org)
            .filter_map(|listening| {
                listening.newest = listening.newest.max(event_seq);
                listening.signals = (listening.signals + 1).min(2);
                listening.waiting.take()
            })
            .collect()
    }
}

#[async_trait]
impl LiveBus for SimBusNode {
    fn jobs_due(&self) {
        self.give(Signal::Jobs);
    }

    async fn wait_for_jobs(&self) {
        std::future::poll_fn(|context| {
            let mut state = self.own.state();
            if state.due > 0 {
                state.due -= 1;
                return Poll::Ready(());
            }
            state.waiting.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn publish(&self, org: OrgId, event_seq: i64) {
        self.give(Signal::Feed(org, event_seq));
    }

    fn subscribe(&self, org: OrgId) -> Box<dyn Subscription> {
        let mut state = self.own.state();
        state.next_listener += 1;
        let id = state.next_listener;
        let listening = Listening {
            org,
            newest: 0,
            signals: 0,
            waiting: None,
        };
        state.listeners.insert(id, listening);
        Box::new(Listener {
            node: Arc::clone(&self.own),
            id,
        })
    }
}

struct Listener {
    node: Arc<Node>,
    id: u64,
}

#[async_trait]
impl Subscription for Listener {
    async fn next(&mut self) -> i64 {
        std::future::poll_fn(|context| {
            let mut state = self.node.state();
            let Some(listening) = state.listeners.get_mut(&self.id) else {
                return Poll::Pending;
            };
            if listening.signals > 0 {
                listening.signals -= 1;
                return Poll::Ready(listening.newest);
            }
            listening.waiting = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.node.state().listeners.remove(&self.id);
    }
}
