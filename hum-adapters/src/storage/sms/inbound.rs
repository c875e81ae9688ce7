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
    joined::{Join, Joined, lateral, plain},
    query::{Database, SharedRead},
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

/// Everything at once: every row but the number's own may be missing.
static INBOUND: SharedRead = SharedRead {
    one: LazyLock::new(|| {
        let columns = columns();
        let joins = joins("$3", plain);
        format!(
            "SELECT {columns}, {} FROM number n {joins} WHERE n.carrier_account = $1 AND n.e164 = $2",
            seen("$4"),
        )
    }),
    many: LazyLock::new(|| {
        let columns = columns();
        let joins = joins("u.contact", lateral);
        format!(
            "SELECT {columns}, {}, u.nth \
             FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY \
             AS u (carrier_account, e164, contact, carrier_sid, nth) \
             JOIN number n ON n.carrier_account = u.carrier_account AND n.e164 = u.e164 {joins}",
            seen("u.carrier_sid"),
        )
    }),
    params: &[
        Column::of::<String>("carrier_account"),
        Column::of::<E164>("e164"),
        Column::of::<E164>("contact"),
        Column::of::<String>("carrier_sid"),
    ],
};

fn columns() -> String {
    format!(
        "{}, {}, {}, {}, o.keyword_replies, f.debounce_ms",
        table::of(Number::table()).columns_of("n"),
        table::of(CarrierAccount::table()).columns_of("a"),
        table::of(Conversation::table()).columns_of("c"),
        table::of(Consent::table()).columns_of("s"),
    )
}

fn seen(sid: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM message m WHERE m.org_id = n.org_id AND m.carrier_sid = {sid}) AS seen"
    )
}

/// What may be missing, each found by `join`.
fn joins(contact: &str, join: Join) -> String {
    [
        "JOIN organization o ON o.org_id = n.org_id".to_owned(),
        join("carrier_account", "a", "a.org_id = n.org_id"),
        join(
            "flow",
            "f",
            "f.org_id = n.org_id AND f.id = n.sms_flow_id AND n.sms_enabled AND f.deleted_at IS NULL",
        ),
        join(
            "conversation",
            "c",
            &format!("c.org_id = n.org_id AND c.number_id = n.id AND c.contact = {contact}"),
        ),
        join(
            "consent",
            "s",
            &format!("s.org_id = n.org_id AND s.contact = {contact}"),
        ),
    ]
    .join(" ")
}

/// Everything that deciding about one inbound text needs.
pub(crate) async fn load_inbound(
    database: &Database,
    account_sid: &str,
    to: &E164,
    from: &E164,
    message_sid: &str,
) -> Result<Option<InboundState>, StoreError> {
    let params = vec![
        account_sid.into(),
        Value::text(to),
        Value::text(from),
        message_sid.into(),
    ];
    let Some(row) = database.shared_row(&INBOUND, params).await? else {
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
