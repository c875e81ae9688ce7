//! How many statements a second a server sends to Postgres while no job can be claimed.

use std::{io, thread, time::Duration};

use crate::{
    database::{Database, DatabaseKind},
    endpoint::{Endpoint, Manner},
    load::Load,
    report::Goal,
    server::Server,
    stage::Stage,
    texts,
};

use super::Bench;

/// What starts up is over, and what a text caused besides is done.
const SETTLE: Duration = Duration::from_secs(3);
/// For the first request to the model.
const PATIENCE: Duration = Duration::from_secs(20);

/// What Postgres counts.
#[derive(Clone, Copy)]
enum Count {
    /// `pg_stat_statements`.
    Statements,
    /// `pg_stat_database`: a transaction of several statements counts as one.
    Transactions,
}

pub fn measure(bench: &Bench<'_>) -> io::Result<Vec<Goal>> {
    let (stage, count) = stage(bench)?;
    println!(
        "{} of a server with {} loops",
        count.name(),
        bench.options.workers
    );
    let model = Endpoint::start(Manner::Hang)?;
    let organization = stage.organization("bench")?;
    let url = format!("http://{}/v1", model.address);
    let server = stage.serve(&[
        ("HUM_WORKERS", &bench.options.workers.to_string()),
        ("HUM_MODEL_PROVIDER", "chat"),
        ("OPENAI_BASE_URL", &url),
    ])?;
    organization.number(texts::NUMBER, 0)?;
    let idle = bench.rate(count, &stage)?;
    println!("idle                  {idle:>8.1} a second");
    block_a_twin(&stage, &server, &model)?;
    let blocked = bench.rate(count, &stage)?;
    still_blocked(&stage.database)?;
    println!("with a blocked twin   {blocked:>8.1} a second");
    let goal = |when: &str, rate: f64| {
        (
            format!("at most 5 statements/s {when}: {rate:.1}"),
            rate <= 5.0,
        )
    };
    Ok(vec![
        goal("idle", idle),
        goal("with a blocked twin", blocked),
    ])
}

/// A database that counts statements, or only transactions if it cannot.
fn stage(bench: &Bench<'_>) -> io::Result<(Stage, Count)> {
    let counting = ["shared_preload_libraries=pg_stat_statements"];
    if let Ok(stage) = bench.site.stage(DatabaseKind::Postgres, &counting) {
        stage
            .database
            .execute("CREATE EXTENSION pg_stat_statements")?;
        return Ok((stage, Count::Statements));
    }
    let stage = bench.site.stage(DatabaseKind::Postgres, &[])?;
    Ok((stage, Count::Transactions))
}

/// A conversation waits for its model, and a second text of it has come meanwhile.
fn block_a_twin(stage: &Stage, server: &Server, model: &Endpoint) -> io::Result<()> {
    let load = Load::new(1, texts::signed(2, 1).into(), 200)?;
    load.sample(stage.address, 1)?;
    model
        .wait_for(1, PATIENCE)
        .ok_or_else(|| server.said("the model was not asked"))?;
    load.sample(stage.address, 1)?;
    still_blocked(&stage.database)
}

fn still_blocked(database: &Database) -> io::Result<()> {
    let states = "SELECT count(DISTINCT state) FROM job WHERE kind = 'sms.ai_turn'";
    match database.number(states)? {
        2 => Ok(()),
        _ => Err(io::Error::other("no job waits for its twin")),
    }
}

impl Count {
    fn name(self) -> &'static str {
        match self {
            Self::Statements => "statements (pg_stat_statements)",
            Self::Transactions => "transactions (pg_stat_database)",
        }
    }

    /// Until now, without those that look.
    fn read(self, database: &Database) -> io::Result<u64> {
        database.number(match self {
            Self::Statements => {
                "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements \
                 WHERE query NOT LIKE '%pg_stat_statements%'"
            }
            Self::Transactions => {
                "SELECT xact_commit + xact_rollback FROM pg_stat_database \
                 WHERE datname = current_database()"
            }
        })
    }
}

impl Bench<'_> {
    /// A second.
    #[expect(clippy::cast_precision_loss, reason = "counts of statements")]
    fn rate(&self, count: Count, stage: &Stage) -> io::Result<f64> {
        thread::sleep(SETTLE);
        let before = count.read(&stage.database)?;
        thread::sleep(Duration::from_secs_f64(self.options.idle));
        let done = count.read(&stage.database)? - before;
        Ok(done as f64 / self.options.idle)
    }
}
