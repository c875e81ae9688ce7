//! Consent of contacts.

use async_trait::async_trait;
use hum_core::{
    clock::Timestamp,
    consent::{Consent, ConsentReads, ConsentSource, ConsentState},
    number::E164,
    page::{Page, Paged},
    store::StoreError,
};

use super::{
    query::{OrgStore, after, sql},
    table::{Stored, Table, Type::*, column, fixed},
    value::{Row, Value},
};

pub(crate) static CONSENT: Table = Table::new(
    "consent",
    &["org_id", "contact"],
    &[
        fixed("org_id", Text),
        fixed("contact", Text),
        column("state", Text),
        column("since", Int),
        column("source", Text),
        column("version", Int),
    ],
);

impl Stored for Consent {
    fn table() -> &'static Table {
        &CONSENT
    }

    fn to_row(&self) -> Vec<Value> {
        let (state, said): (&str, Option<(Timestamp, ConsentSource)>) = match self.state {
            ConsentState::Unsaid => ("unsaid", None),
            ConsentState::OptedOut { at, source } => ("opted_out", Some((at, source))),
            ConsentState::OptedIn { at, source } => ("opted_in", Some((at, source))),
        };
        vec![
            Value::text(self.org),
            Value::text(&self.contact),
            Value::text(state),
            Value::opt_time(said.map(|(at, _)| at)),
            Value::opt_text(said.map(|(_, source)| source.as_str())),
            Value::Int(self.version),
        ]
    }

    fn from_row(row: &mut Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            org: row.parsed("org_id")?,
            contact: row.parsed("contact")?,
            state: match row.text("state")?.as_str() {
                "unsaid" => ConsentState::Unsaid,
                "opted_out" => {
                    ConsentState::OptedOut { at: row.time("since")?, source: row.named("source", ConsentSource::parse)? }
                }
                "opted_in" => {
                    ConsentState::OptedIn { at: row.time("since")?, source: row.named("source", ConsentSource::parse)? }
                }
                _ => return Err(row.corrupt("state", "unknown name")),
            },
            version: row.int("version")?,
        })
    }
}

#[async_trait]
impl ConsentReads for OrgStore {
    async fn consent(&self, contact: &E164) -> Result<Option<Consent>, StoreError> {
        let sql = sql!("SELECT {} FROM consent WHERE org_id = $1 AND contact = $2", CONSENT.columns());
        self.one(sql, [Value::text(contact)]).await
    }

    async fn list_opted_out(&self, page: &Page) -> Result<Paged<Consent>, StoreError> {
        let after: Option<E164> = after(page)?;
        let further = if after.is_some() { " AND contact > $2" } else { "" };
        let sql = format!(
            "SELECT {} FROM consent WHERE org_id = $1 AND state = 'opted_out'{further} ORDER BY contact",
            CONSENT.columns()
        );
        self.page(sql, after.map(Value::text).into_iter().collect(), page, |consent: &Consent| consent.contact.to_string()).await
    }
}
