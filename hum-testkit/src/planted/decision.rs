//! hum decides wrongly: its batch is rewritten before the witness sees it.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use hum_core::{
    Storage,
    address_session::AddressSession,
    batch::{Batch, Committed, Count, Finish, Finished, Write},
    clock::Clock as _,
    consent::{Consent, ConsentSource},
    id::{ConversationId, MessageId, OrgId},
    organization::Organization,
    record::{Record as _, Value},
    sms::{Conversation, Direction, Message, Source},
    store::CommitError,
};

use super::{
    Site, Wrong,
    storage::{StorageFault, before, int, promised, puts, rows, says},
};

/// Now and then a message of the API is answered, and forgotten.
struct Forgets(Site);

#[async_trait]
impl StorageFault for Forgets {
    async fn commit(&self, right: &dyn Storage, batch: Batch) -> Result<Committed, CommitError> {
        let by_people = batch
            .inserted::<Message>()
            .iter()
            .any(|new| matches!(new.source, Source::Api | Source::Human));
        if by_people && self.0.fate.chance().below(16) == 0 {
            return Ok(promised(&batch));
        }
        right.commit(batch).await
    }
}

pub(super) fn forget_messages(storage: Arc<dyn Storage>, site: &Site) -> Arc<dyn Storage> {
    Wrong::new(storage, Forgets(site.clone()))
}

/// Opens the rows of another organization, now and then.
struct Astray(Site);

impl StorageFault for Astray {
    fn scope(&self, org: OrgId) -> OrgId {
        let Site { fate, monitor, .. } = &self.0;
        if !fate.strikes(125) {
            return org;
        }
        let organizations: Vec<OrgId> =
            monitor.mirror(|mirror| mirror.all::<Organization>().map(|any| any.id).collect());
        *fate.chance().pick(&organizations)
    }
}

pub(super) fn go_astray(storage: Arc<dyn Storage>, site: &Site) -> Arc<dyn Storage> {
    Wrong::new(storage, Astray(site.clone()))
}

/// The first error code stays the only one.
pub(super) fn keep_first_error(batch: &mut Batch, site: &Site) {
    for row in puts(batch, "message") {
        let Some(known) = before::<Message>(row, site).map(|message| message.to_row()) else {
            continue;
        };
        if !says(&known, "error_codes", "[]") {
            row.set("error_codes", known.get("error_codes").clone());
        }
    }
}

/// A callback that comes before the answer is of a message of its own.
pub(super) fn callback_inserts(batch: &mut Batch, site: &Site) {
    let confirms = puts(batch, "attempt")
        .any(|row| says(row, "state", "confirmed") && says(row, "confirmed_by", "callback"));
    let Some(mut second) = puts(batch, "message").next().filter(|_| confirms).cloned() else {
        return;
    };
    for conversation in puts(batch, "conversation") {
        let seq = int(conversation, "last_seq") + 1;
        conversation.set("last_seq", seq);
        second.set("seq", seq);
    }
    second.set(
        "id",
        MessageId::new(site.clock.now(), site.fate.chance()).to_string(),
    );
    // One sid, one message: the store would refuse it.
    second.set("carrier_sid", Value::Null);
    batch.writes.push(Write::Insert(second));
}

/// What was unread before a conversation was closed is forgotten when a text opens it again.
pub(super) fn reset_unread(batch: &mut Batch, site: &Site) {
    let texts = inbound(batch).len();
    for row in puts(batch, "conversation") {
        let was_closed = before::<Conversation>(row, site).is_some_and(|before| !before.is_open());
        if was_closed && texts > 0 {
            row.set("unread_count", 1);
        }
    }
}

/// From the second event of a conversation on, one number is left out.
pub(super) fn skip_event_numbers(batch: &mut Batch, _: &Site) {
    let mut last: BTreeMap<ConversationId, i64> = BTreeMap::new();
    for write in &mut batch.writes {
        if let Write::Emit(event) = write
            && let Some((conversation, seq)) = &mut event.conversation
        {
            *seq += i64::from(last.contains_key(conversation));
            last.insert(*conversation, *seq);
        }
    }
    for row in rows(batch, "conversation") {
        let seq = row
            .record::<Conversation>()
            .and_then(Result::ok)
            .and_then(|conversation| last.get(&conversation.id));
        if let Some(seq) = seq {
            row.set("event_seq", *seq);
        }
    }
}

/// A failed delivery is tried again at once.
pub(super) fn retry_at_once(batch: &mut Batch, site: &Site) {
    if puts(batch, "delivery").next().is_none() {
        return;
    }
    for write in &mut batch.writes {
        if let Write::Finish(Finish {
            how: Finished::Again { at, .. },
            ..
        }) = write
        {
            *at = site.clock.now();
        }
    }
}

/// A delivery whose webhook is disabled is not kept for later.
pub(super) fn drop_held(batch: &mut Batch, _: &Site) {
    batch.writes.retain(|write| !matches!(write, Write::Put(row) if row.table.name == "delivery" && says(row, "state", "held")));
}

/// Three failures in a row are enough.
pub(super) fn disable_early(batch: &mut Batch, site: &Site) {
    for row in puts(batch, "webhook").filter(|row| int(row, "failing_count") >= 3) {
        row.set("enabled", false);
        row.set("disabled_reason", "failing");
        row.set("disabled_at", site.clock.now().as_micros());
    }
}

/// What a text does to consent is committed after the text.
struct OptsOutLater;

#[async_trait]
impl StorageFault for OptsOutLater {
    async fn commit(
        &self,
        right: &dyn Storage,
        mut batch: Batch,
    ) -> Result<Committed, CommitError> {
        let mut later = Batch::for_org(batch.org);
        if !inbound(&batch).is_empty() {
            later
                .writes
                .extend(batch.writes.extract_if(.., |write| opts_out(write)));
        }
        let committed = right.commit(batch).await?;
        if !later.writes.is_empty() {
            // The text is answered whatever becomes of this.
            let _ = right.commit(later).await;
        }
        Ok(committed)
    }
}

pub(super) fn opt_out_later(storage: Arc<dyn Storage>, _: &Site) -> Arc<dyn Storage> {
    Wrong::new(storage, OptsOutLater)
}

/// A keyword that is not spelt in capitals does nothing.
pub(super) fn only_capitals(batch: &mut Batch, _: &Site) {
    let is_plain = |text: &Message| text.body.chars().all(|char| char.is_ascii_uppercase());
    if !inbound(batch).iter().all(is_plain) {
        batch.writes.retain(|write| !opts_out(write));
    }
}

/// Whoever writes wants to be written to.
pub(super) fn any_text_opts_in(batch: &mut Batch, site: &Site) {
    if inbound(batch).is_empty() || rows(batch, "consent").next().is_some() {
        return;
    }
    let contacts: Vec<_> = batch
        .changed::<Conversation>()
        .into_iter()
        .map(|changed| (changed.org, changed.contact))
        .collect();
    for key in contacts {
        let Some(mut consent) = site
            .monitor
            .mirror(|mirror| mirror.get::<Consent>(&key).cloned())
        else {
            continue;
        };
        if consent.opt_in(ConsentSource::Keyword, site.clock.now()) {
            batch.put(&consent);
        }
    }
}

/// What was found outlives its session.
pub(super) fn keep_found(batch: &mut Batch, site: &Site) {
    for row in puts(batch, "address_session").filter(|row| *row.get("closed_at") != Value::Null) {
        if let Some(before) = before::<AddressSession>(row, site) {
            row.set("found", before.to_row().get("found").clone());
        }
    }
}

/// Some of what is counted is counted twice.
pub(super) fn count_twice(batch: &mut Batch, site: &Site) {
    let counts: Vec<Count> = batch
        .writes
        .iter()
        .filter_map(|write| match write {
            Write::Count(count) => Some(count.clone()),
            _ => None,
        })
        .collect();
    for Count { metric, delta } in counts {
        if site.fate.strikes(100) {
            batch.count(metric, delta);
        }
    }
}

/// The texts that come in with a batch.
fn inbound(batch: &Batch) -> Vec<Message> {
    batch
        .inserted::<Message>()
        .into_iter()
        .filter(|message| message.direction == Direction::Inbound)
        .collect()
}

/// Whether it takes the consent of somebody who was known before.
fn opts_out(write: &Write) -> bool {
    matches!(write, Write::Put(row) if row.table.name == "consent" && says(row, "state", "opted_out"))
}
