//! Wake-ups between processes on one Postgres, by `LISTEN` and `NOTIFY`.
//!
//! It has a connection of its own and is no part of any commit: a notification waits for a lock
//! that all commits with one share. So what a process has to say is gathered: the first signal is
//! told at once, those of the next [`WINDOW`] together.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use hum_core::{
    entropy::Entropy,
    id::OrgId,
    live_bus::{LiveBus, Subscription},
    store::StoreError,
};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::{
    sync::Notify,
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    InProcessBus,
    signals::{Feeds, Signals},
};
use crate::entropy::SystemEntropy;

const CHANNEL: &str = "hum_bus";
/// Between two notifications of one process: at most 20 a second.
const WINDOW: Duration = Duration::from_millis(50);
/// Between two tries to connect, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long a notification, or a connection, may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Wakes loops of this process at once, and those of other processes on the same database within
/// moments.
pub struct PostgresBus {
    local: InProcessBus,
    outbox: Arc<Outbox>,
    talk: JoinHandle<()>,
}

/// What this process has to say to the others.
#[derive(Default)]
struct Outbox {
    signals: Mutex<Signals>,
    is_filled: Notify,
}

impl Outbox {
    fn put(&self, change: impl FnOnce(&mut Signals)) {
        change(&mut self.signals.lock().unwrap_or_else(PoisonError::into_inner));
        self.is_filled.notify_one();
    }

    fn take(&self) -> Signals {
        std::mem::take(&mut *self.signals.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The signals to tell; waits until there are some. May be dropped at any moment.
    async fn filled(&self) -> Signals {
        loop {
            let signals = self.take();
            if !signals.is_empty() {
                return signals;
            }
            self.is_filled.notified().await;
        }
    }
}

impl PostgresBus {
    /// Talks with the other processes on the database at `url`, from now on and in the background:
    /// while it cannot be reached only this process hears of its signals.
    ///
    /// # Errors
    /// A sentence for people: the address is wrong.
    pub fn start(url: &str) -> Result<Self, StoreError> {
        let options: PgConnectOptions = url.parse().map_err(|_| {
            StoreError::Unavailable("not an address such as postgres://user@host/database".into())
        })?;
        let (local, outbox) = (InProcessBus::new(), Arc::<Outbox>::default());
        let entropy: &dyn Entropy = &SystemEntropy;
        let node = Node {
            name: entropy.token(),
            options: options.application_name("hum bus"),
            local: local.clone(),
            outbox: Arc::clone(&outbox),
        };
        Ok(Self {
            local,
            outbox,
            talk: tokio::spawn(node.run()),
        })
    }
}

impl Drop for PostgresBus {
    fn drop(&mut self) {
        self.talk.abort();
    }
}

#[async_trait]
impl LiveBus for PostgresBus {
    fn jobs_due(&self) {
        self.local.jobs_due();
        self.outbox.put(|signals| signals.jobs = true);
    }

    async fn wait_for_jobs(&self) {
        self.local.wait_for_jobs().await;
    }

    fn publish(&self, org: OrgId, event_seq: i64) {
        self.local.publish(org, event_seq);
        self.outbox.put(|signals| signals.published(org, event_seq));
    }

    fn subscribe(&self, org: OrgId) -> Box<dyn Subscription> {
        self.local.subscribe(org)
    }
}

/// This process among the others.
struct Node {
    /// Unlike that of any other; a process hears its own notifications too, and leaves them.
    name: String,
    options: PgConnectOptions,
    local: InProcessBus,
    outbox: Arc<Outbox>,
}

impl Node {
    async fn run(self) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.listen().await {
                Ok(listener) => {
                    pause = FIRST_PAUSE;
                    let error = self.converse(listener).await;
                    tracing::warn!(%error, "the bus lost its connection to Postgres");
                }
                Err(error) => tracing::warn!(%error, "the bus cannot reach Postgres"),
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Connects. Whatever was said meanwhile is lost, here and to those who could not be told, so
    /// everybody looks once.
    async fn listen(&self) -> Result<PgListener, sqlx::Error> {
        // A listener wants a pool. A new one each time: the last connection may hang for long.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(PATIENCE)
            .connect_lazy_with(self.options.clone());
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.eager_reconnect(false);
        in_time(listener.listen(CHANNEL)).await?;
        self.local.wake_all();
        self.outbox.put(|signals| signals.add(Signals::all()));
        Ok(listener)
    }

    /// Hears and tells until the connection is lost.
    async fn converse(&self, mut listener: PgListener) -> sqlx::Error {
        let mut quiet = None;
        loop {
            let next_to_tell = async {
                if let Some(end) = quiet {
                    sleep_until(end).await;
                }
                self.outbox.filled().await
            };
            tokio::select! {
                heard = listener.try_recv() => match heard {
                    Ok(Some(notification)) => self.hear(notification.payload()),
                    Ok(None) => return lost(),
                    Err(error) => return error,
                },
                signals = next_to_tell => {
                    quiet = Some(Instant::now() + WINDOW);
                    if let Err(error) = self.tell(&mut listener, &signals).await {
                        self.outbox.put(|waiting| waiting.add(signals));
                        return error;
                    }
                }
            }
        }
    }

    async fn tell(&self, listener: &mut PgListener, signals: &Signals) -> Result<(), sqlx::Error> {
        let payload = format!("{} {signals}", self.name);
        let notify = sqlx::query("SELECT pg_notify($1, $2)")
            .bind(CHANNEL)
            .bind(payload);
        in_time(notify.execute(&mut *listener)).await.map(drop)
    }

    fn hear(&self, payload: &str) {
        let (from, text) = payload.split_once(' ').unwrap_or((payload, ""));
        if from == self.name {
            return;
        }
        let signals = Signals::parse(text);
        if signals.jobs {
            self.local.jobs_due();
        }
        match signals.feeds {
            Feeds::All => self.local.wake_followers(),
            Feeds::Of(feeds) => feeds
                .into_iter()
                .for_each(|(org, event_seq)| self.local.publish(org, event_seq)),
        }
    }
}

/// A connection that is dead without having been closed says nothing.
async fn in_time<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|_| Err(lost()))
}

fn lost() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::ConnectionAborted.into())
}
