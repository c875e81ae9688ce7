//! Who runs jobs that do nothing: hum on either database, and graphile-worker in two settings.

use std::{io, path::PathBuf, process::Command};

use clap::ValueEnum;

use crate::{
    database::DatabaseKind,
    rows::{Jobs, id},
    server::{self, Server},
    stage::Stage,
};

use super::Bench;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Side {
    HumSqlite,
    HumPostgres,
    /// graphile-worker as it is.
    Graphile,
    /// graphile-worker with the settings that its makers measure with.
    GraphileTuned,
}

impl Side {
    pub const ALL: [Self; 4] = [
        Self::HumSqlite,
        Self::HumPostgres,
        Self::Graphile,
        Self::GraphileTuned,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::HumSqlite => "hum, SQLite",
            Self::HumPostgres => "hum, Postgres",
            Self::Graphile => "graphile",
            Self::GraphileTuned => "graphile tuned",
        }
    }

    fn is_hum(self) -> bool {
        matches!(self, Self::HumSqlite | Self::HumPostgres)
    }

    /// How many jobs are left.
    pub fn left(self) -> &'static str {
        if self.is_hum() {
            "SELECT count(*) FROM job"
        } else {
            "SELECT count(*) FROM graphile_worker._private_jobs"
        }
    }

    /// A database in which `count` jobs are due.
    pub fn fill(self, bench: &Bench<'_>, count: u64) -> io::Result<Stage> {
        let kind = match self {
            Self::HumSqlite => DatabaseKind::Sqlite,
            _ => DatabaseKind::Postgres,
        };
        let stage = bench.site.stage(kind, &[])?;
        if self.is_hum() {
            // Makes the schema.
            stage.organization("bench")?;
            let jobs = Jobs {
                // Of a text that is not there: it is looked for, and the job is done.
                kind: "sms.resolve",
                org: &id("org_", &format!("n % {}", bench.options.organizations)),
                key: &id("msg_", "n"),
                queue: "''",
            };
            let insert = jobs.insert(&stage.database, count)?;
            stage.database.execute(&insert)?;
        } else {
            let mut fill = node("fill.js", &stage);
            server::run(fill.env("COUNT", count.to_string()))?;
        }
        stage.database.tidy()?;
        Ok(stage)
    }

    /// Starts whoever runs them.
    pub fn start(self, stage: &Stage) -> io::Result<Server> {
        if self.is_hum() {
            return stage.serve(&[]);
        }
        let mut command = node("worker.js", stage);
        if self == Self::GraphileTuned {
            command.env("MODE", "tuned").env("NO_LOG_SUCCESS", "1");
        }
        stage.start(&command)
    }
}

pub fn peer_folder() -> PathBuf {
    server::repository().join("bench/peers/queue")
}

fn node(script: &str, stage: &Stage) -> Command {
    let mut command = Command::new("node");
    command
        .arg(script)
        .current_dir(peer_folder())
        .env("NODE_ENV", "production")
        .env("PORT", stage.address.port().to_string())
        .env("DATABASE", stage.database.url());
    command
}
