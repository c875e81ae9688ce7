use std::{sync::LazyLock, time::Duration};

use hum_core::{
    consent::Consent,
    number::{E164, Number},
    organization::{CarrierAccount, KeywordReplies},
    sms::{Conversation, InboundState},
    store::StoreError,
};

use super::super::{
    query::{Database, Sql},
    table::{Stored, Table, Type::*, column},
    value::{Row, Value},
};

/// What the read has besides whole records.
static FACTS: Table =
    Table::new("inbound", &[], &[column("keyword_replies", Text), column("debounce_ms", Int), column("seen", Bool)]);

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
        Number::table().columns_of("n"),
        CarrierAccount::table().columns_of("a"),
        Conversation::table().columns_of("c"),
        Consent::table().columns_of("s"),
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
    let params = [account_sid.into(), Value::text(to), Value::text(from), message_sid.into()];
    let mut rows = database.rows(Sql::Borrowed(SQL.as_str()), &params).await?;
    let Some(row) = rows.first_mut() else { return Ok(None) };
    let mut rest = row.as_mut_slice();
    let number = part(&mut rest)?;
    let account = part(&mut rest)?;
    let conversation = part(&mut rest)?;
    let consent = part(&mut rest)?;
    let mut facts = Row::new(&FACTS, rest);
    let keyword_replies = facts.named("keyword_replies", KeywordReplies::parse)?;
    let debounce = match facts.opt_int("debounce_ms")? {
        None => None,
        Some(millis) => {
            let millis = u64::try_from(millis).map_err(|_| facts.corrupt("debounce_ms", "out of range"))?;
            Some(Duration::from_millis(millis))
        }
    };
    let seen = facts.bool("seen")?;
    let Some(number) = number else { return Ok(None) };
    Ok(Some(InboundState { number, keyword_replies, account, debounce, conversation, consent, seen }))
}

/// The next record of a joined row; `None` when the join found nothing.
fn part<T: Stored>(rest: &mut &mut [Value]) -> Result<Option<T>, StoreError> {
    let columns = T::table().columns.len();
    let (values, tail) = std::mem::take(rest).split_at_mut_checked(columns).unwrap_or_default();
    *rest = tail;
    match values.first() {
        None | Some(Value::Null) => Ok(None),
        Some(_) => T::from_row(&mut Row::new(T::table(), values)).map(Some),
    }
}
