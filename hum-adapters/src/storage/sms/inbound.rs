use std::{sync::LazyLock, time::Duration};

use hum_core::{
    consent::Consent,
    number::{E164, Number},
    organization::{CarrierAccount, KeywordReplies},
    record::{Column, Record as _, Table, Value},
    sms::{Conversation, InboundState},
    store::StoreError,
};

use super::super::{
    joined::Joined,
    query::{Database, Sql},
    table,
};

/// What the read has besides whole records.
static FACTS: Table = Table {
    name: "inbound",
    columns: &[
        Column::of::<KeywordReplies>("keyword_replies"),
        Column::of::<Option<u32>>("debounce_ms"),
        Column::of::<bool>("seen"),
    ],
    unique: &[],
    indexes: &[],
};

/// One statement for everything: every row but the number's own may be missing.
static SQL: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {}, {}, {}, {}, o.keyword_replies, f.debounce_ms, \
           EXISTS (SELECT 1 FROM message m WHERE m.org_id = n.org_id AND m.carrier_sid = $4) AS seen \
         FROM number n \
         JOIN organization o ON o.org_id = n.org_id \
         LEFT JOIN carrier_account a ON a.org_id = n.org_id \
         LEFT JOIN flow f ON f.org_id = n.org_id AND f.id = n.sms_flow_id AND n.sms_enabled AND f.deleted_at IS NULL \
         LEFT JOIN conversation c ON c.org_id = n.org_id AND c.number_id = n.id AND c.contact = $3 \
         LEFT JOIN consent s ON s.org_id = n.org_id AND s.contact = $3 \
         WHERE n.carrier_account = $1 AND n.e164 = $2",
        table::of(Number::table()).columns_of("n"),
        table::of(CarrierAccount::table()).columns_of("a"),
        table::of(Conversation::table()).columns_of("c"),
        table::of(Consent::table()).columns_of("s"),
    )
});

/// Everything that deciding about one inbound text needs.
pub(crate) async fn load_inbound(
    database: &Database,
    account_sid: &str,
    to: &E164,
    from: &E164,
    message_sid: &str,
) -> Result<Option<InboundState>, StoreError> {
    let params = [
        account_sid.into(),
        Value::text(to),
        Value::text(from),
        message_sid.into(),
    ];
    let rows = database.rows(Sql::Borrowed(SQL.as_str()), &params).await?;
    let Some(row) = rows.into_iter().next() else {
        return Ok(None);
    };
    let mut row = Joined::new(row);
    let number = row.record()?;
    let account = row.record()?;
    let conversation = row.record()?;
    let consent = row.record()?;
    let mut facts = row.rest(&FACTS);
    let keyword_replies = facts.take()?;
    let debounce: Option<u32> = facts.take()?;
    let seen = facts.take()?;
    let Some(number) = number else {
        return Ok(None);
    };
    let debounce = debounce.map(|millis| Duration::from_millis(millis.into()));
    Ok(Some(InboundState {
        number,
        keyword_replies,
        account,
        debounce,
        conversation,
        consent,
        seen,
    }))
}
