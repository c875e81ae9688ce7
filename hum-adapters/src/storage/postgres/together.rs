//! Reads of one kind that wait are asked together: one statement, one round trip, for all of them.

use std::sync::Arc;

use hum_core::{record::Value, store::StoreError};
use sqlx::{AssertSqlSafe, PgPool, postgres::PgRow};
use tokio::sync::{
    Mutex,
    mpsc::{self, Receiver, Sender},
    oneshot,
};

use super::{
    super::{query::SharedRead, room::too_many_reads},
    error::{again_if_lost, store_error},
    statement::{bind_rows, values},
};

/// How many statements are under way at once. Whoever comes meanwhile waits for the next one.
const AT_ONCE: usize = 2;
/// How many reads are one statement.
const MOST: usize = 64;
/// How many reads may wait.
const WAITING: usize = 4_096;

struct Waiting {
    params: Vec<Value>,
    to: oneshot::Sender<Result<Option<Vec<Value>>, StoreError>>,
}

/// The way to those who ask, who end with its last handle.
#[derive(Clone)]
pub(super) struct Together(Sender<Waiting>);

impl Together {
    pub(super) fn start(pool: &PgPool, read: &'static SharedRead) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..AT_ONCE {
            tokio::spawn(ask_all(pool.clone(), read, Arc::clone(&waiting)));
        }
        Self(queue)
    }

    /// The row of these parameters.
    pub(super) async fn row(&self, params: Vec<Value>) -> Result<Option<Vec<Value>>, StoreError> {
        let (to, answer) = oneshot::channel();
        self.0
            .try_send(Waiting { params, to })
            .map_err(|_| too_many_reads())?;
        answer
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("the readers stopped".into())))
    }
}

async fn ask_all(pool: PgPool, read: &'static SharedRead, waiting: Arc<Mutex<Receiver<Waiting>>>) {
    loop {
        let mut group = Vec::new();
        if waiting.lock().await.recv_many(&mut group, MOST).await == 0 {
            return;
        }
        // Whoever gave up need not be asked for.
        group.retain(|one| !one.to.is_closed());
        let answers = ask(&pool, read, &group).await;
        for (nth, one) in group.into_iter().enumerate() {
            let answer = match &answers {
                Ok(answers) => Ok(answers.get(nth).cloned().flatten()),
                Err(error) => Err(error.clone()),
            };
            let _ = one.to.send(answer);
        }
    }
}

/// The row of each, in their order.
async fn ask(
    pool: &PgPool,
    read: &SharedRead,
    group: &[Waiting],
) -> Result<Vec<Option<Vec<Value>>>, StoreError> {
    let params: Vec<&[Value]> = group.iter().map(|one| one.params.as_slice()).collect();
    let ask = || {
        let statement = sqlx::query(AssertSqlSafe(read.many.as_str()));
        bind_rows(statement, read.params, &params).fetch_all(pool)
    };
    let rows = again_if_lost(ask).await;
    let mut answers = vec![None; group.len()];
    for row in rows.map_err(|error| store_error(&error))? {
        let (nth, values) = numbered(&row)?;
        if let Some(answer) = nth.and_then(|nth| answers.get_mut(nth)) {
            *answer = Some(values);
        }
    }
    Ok(answers)
}

/// A row, and whose it is: the last column counts from 1.
fn numbered(row: &PgRow) -> Result<(Option<usize>, Vec<Value>), StoreError> {
    let mut values = values(row)?;
    let nth = match values.pop() {
        Some(Value::Int(nth)) => usize::try_from(nth - 1).ok(),
        _ => None,
    };
    Ok((nth, values))
}
