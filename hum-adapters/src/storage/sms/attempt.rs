use hum_core::{
    sms::{AttemptState, ResolvedBy, SendAttempt},
    store::StoreError,
};

use super::super::{
    table::{Stored, Table, Type::*, column, fixed},
    value::{Row, Value},
};

pub(crate) static ATTEMPT: Table = Table::new(
    "attempt",
    &["org_id", "id"],
    &[
        fixed("org_id", Text),
        fixed("id", Text),
        fixed("message_id", Text),
        fixed("token", Text),
        fixed("started_at", Int),
        column("state", Text),
        column("sid", Text),
        column("confirmed_by", Text),
        column("reason", Text),
        column("in_doubt_since", Int),
        column("presumed_absent", Bool),
        column("looked", Int),
        column("version", Int),
    ],
)
.unique(&[&["token"]]);

impl Stored for SendAttempt {
    fn table() -> &'static Table {
        &ATTEMPT
    }

    fn to_row(&self) -> Vec<Value> {
        let none = || Value::Null;
        let [state, sid, by, reason, since, absent, looked] = match &self.state {
            AttemptState::Dispatching => ["dispatching".into(), none(), none(), none(), none(), none(), none()],
            AttemptState::Confirmed { sid, by } => {
                ["confirmed".into(), Value::text(sid), by.as_str().into(), none(), none(), none(), none()]
            }
            AttemptState::NotSent { reason } => ["not_sent".into(), none(), none(), Value::text(reason), none(), none(), none()],
            AttemptState::InDoubt { since, presumed_absent, looked } => {
                ["in_doubt".into(), none(), none(), none(), Value::time(*since), (*presumed_absent).into(), (*looked).into()]
            }
        };
        vec![
            Value::text(self.org),
            Value::text(self.id),
            Value::text(self.message),
            Value::text(&self.token),
            Value::time(self.started_at),
            state,
            sid,
            by,
            reason,
            since,
            absent,
            looked,
            Value::Int(self.version),
        ]
    }

    fn from_row(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            org: row.parsed("org_id")?,
            id: row.parsed("id")?,
            message: row.parsed("message_id")?,
            token: row.text("token")?,
            started_at: row.time("started_at")?,
            state: match row.text("state")?.as_str() {
                "dispatching" => AttemptState::Dispatching,
                "confirmed" => {
                    AttemptState::Confirmed { sid: row.text("sid")?, by: row.named("confirmed_by", ResolvedBy::parse)? }
                }
                "not_sent" => AttemptState::NotSent { reason: row.text("reason")? },
                "in_doubt" => AttemptState::InDoubt {
                    since: row.time("in_doubt_since")?,
                    presumed_absent: row.bool("presumed_absent")?,
                    looked: row.int("looked")?,
                },
                _ => return Err(row.corrupt("state", "unknown name")),
            },
            version: row.int("version")?,
        })
    }
}
