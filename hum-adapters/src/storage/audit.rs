//! Audit rows. Nothing in hum reads them back: they are for people, with SQL.

use hum_core::audit::AuditRow;

use super::{
    table::{Table, Type::*, fixed},
    value::Value,
};

pub(crate) static AUDIT: Table = Table::new(
    "audit",
    &["org_id", "id"],
    &[
        fixed("org_id", Text),
        fixed("id", Text),
        fixed("at", Int),
        fixed("actor", Text),
        fixed("action", Text),
        fixed("subject", Text),
    ],
);

pub(crate) fn to_row(audit: &AuditRow) -> Vec<Value> {
    vec![
        Value::text(audit.org),
        Value::text(audit.id),
        Value::time(audit.at),
        Value::text(&audit.actor),
        Value::text(audit.action),
        Value::text(&audit.subject),
    ]
}
