//! A task that commits: it takes what waits into one transaction, and answers when that is durable.

use hum_core::{
    batch::Committed,
    store::{CommitError, Conflict, StoreError},
};
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::sync::{
    mpsc::{Receiver, Sender, channel, error::TrySendError},
    oneshot,
};

use super::{
    super::{
        op::Ops,
        room::{Cause, Room, too_many_batches},
    },
    error::{Class, class, store_error},
    group::{self, Refused},
    plan::{Fit, Plan},
};

/// How many batches share one transaction.
const GROUP: usize = 256;
/// How often transactions that get in each other's way are tried.
const TRIES: usize = 5;

/// A batch, and who waits for its commit.
pub(super) struct Waiting {
    pub(super) ops: Ops,
    pub(super) to: oneshot::Sender<Result<Committed, CommitError>>,
}

impl Waiting {
    fn answer(self, result: Result<Committed, CommitError>) {
        // Whoever asked may be gone; the commit stands.
        let _ = self.to.send(result);
    }
}

/// The way to one writer, which ends with its last handle.
pub(super) struct Writer {
    queue: Sender<Waiting>,
    room: Room,
}

impl Writer {
    pub(super) fn start(options: PgConnectOptions, room: Room) -> Self {
        let (queue, waiting) = channel(room.for_batches(Cause::Job).max(1));
        tokio::spawn(
            Session {
                options,
                connection: None,
            }
            .run(waiting),
        );
        Self { queue, room }
    }

    /// Refuses at once what there is no room for.
    pub(super) fn send(&self, cause: Cause, waiting: Waiting) -> Result<(), StoreError> {
        let before = self.queue.max_capacity() - self.queue.capacity();
        if before >= self.room.for_batches(cause) {
            return Err(too_many_batches());
        }
        self.queue.try_send(waiting).map_err(|error| match error {
            TrySendError::Full(_) => too_many_batches(),
            TrySendError::Closed(_) => StoreError::Unavailable("the writer stopped".into()),
        })
    }
}

/// A writer's own connection, made again when it is lost.
struct Session {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
}

/// Why a transaction came to nothing.
enum Failed {
    /// These batches (by position) are refused, and why.
    Refused(Vec<(usize, Conflict)>),
    /// The database said no to all of it, before the commit.
    Database(sqlx::Error),
    /// Nobody knows whether it was committed.
    Unknown(sqlx::Error),
}

impl Session {
    async fn run(mut self, mut queue: Receiver<Waiting>) {
        let mut later: Vec<Waiting> = Vec::new();
        loop {
            let mut waiting = std::mem::take(&mut later);
            if waiting.is_empty() && queue.recv_many(&mut waiting, 1).await == 0 {
                return;
            }
            while waiting.len() < GROUP
                && let Ok(next) = queue.try_recv()
            {
                waiting.push(next);
            }
            let mut plan = Plan::default();
            let mut group = Vec::with_capacity(waiting.len());
            let mut losers = Vec::new();
            for one in waiting {
                match plan.add(group.len(), &one.ops) {
                    Fit::Joins => group.push(one),
                    Fit::LosesTo(winner, conflict) => losers.push((winner, conflict, one)),
                    Fit::Waits => later.push(one),
                }
            }
            let committed = self.commit(group).await;
            for (winner, conflict, loser) in losers {
                if committed.contains(&winner) {
                    loser.answer(Err(CommitError::Conflict(conflict)));
                } else {
                    later.push(loser);
                }
            }
        }
    }

    /// Commits a group and answers each of its batches; says which were committed.
    async fn commit(&mut self, group: Vec<Waiting>) -> Vec<usize> {
        let mut group: Vec<(usize, Waiting)> = group.into_iter().enumerate().collect();
        let mut committed = Vec::with_capacity(group.len());
        let mut tries = 0;
        while !group.is_empty() {
            tries += 1;
            let error = match self.transaction(&mut group).await {
                Ok(results) => {
                    for ((position, waiting), result) in group.drain(..).zip(results) {
                        committed.push(position);
                        waiting.answer(Ok(result));
                    }
                    break;
                }
                Err(Failed::Refused(mut refused)) => {
                    // The others go on without them.
                    refused.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
                    for (at, conflict) in refused {
                        group
                            .remove(at)
                            .1
                            .answer(Err(CommitError::Conflict(conflict)));
                    }
                    continue;
                }
                Err(Failed::Unknown(error)) => store_error(&error).into(),
                Err(Failed::Database(error)) => {
                    let class = class(&error);
                    match class {
                        Class::InTheWay | Class::Lost if tries < TRIES => continue,
                        Class::Taken | Class::Other if group.len() > 1 => {
                            for (position, one) in group {
                                if !Box::pin(self.commit(vec![one])).await.is_empty() {
                                    committed.push(position);
                                }
                            }
                            return committed;
                        }
                        Class::Taken => CommitError::Conflict(Conflict::Exists),
                        Class::InTheWay => CommitError::Conflict(Conflict::Changed),
                        Class::Lost | Class::Other => store_error(&error).into(),
                    }
                }
            };
            for (_, waiting) in group.drain(..) {
                waiting.answer(Err(error.clone()));
            }
        }
        committed
    }

    async fn transaction(
        &mut self,
        group: &mut [(usize, Waiting)],
    ) -> Result<Vec<Committed>, Failed> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => PgConnection::connect_with(&self.options)
                .await
                .map_err(Failed::Database)?,
        };
        let mut batches: Vec<&mut Ops> = group
            .iter_mut()
            .map(|(_, waiting)| &mut waiting.ops)
            .collect();
        let failed = match group::apply(&mut connection, &mut batches).await {
            Ok(results) => match sqlx::raw_sql("COMMIT").execute(&mut connection).await {
                Ok(_) => {
                    self.connection = Some(connection);
                    return Ok(results);
                }
                // Not kept: whatever state it is in, a new one has none.
                Err(error) => return Err(Failed::Unknown(error)),
            },
            Err(Refused::Batches(refused)) => Failed::Refused(refused),
            Err(Refused::Database(error)) => Failed::Database(error),
        };
        if sqlx::raw_sql("ROLLBACK")
            .execute(&mut connection)
            .await
            .is_ok()
        {
            self.connection = Some(connection);
        }
        Err(failed)
    }
}
