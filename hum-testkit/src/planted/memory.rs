//! The store does something else than it was told, and the witness does not see it.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use hum_core::{
    Storage,
    batch::{Batch, Finished, Write},
    clock::Timestamp,
    id::{ConversationId, TurnId},
    job::{Claimed, JobKind, Look, Want},
    record::{Row, Value},
    sms::{Conversation, Turn, TurnState},
    store::StoreError,
    tool::BUILT_IN,
};
use serde_json::json;

use super::{
    Site, Wrong,
    storage::{StorageFault, inserts, int, puts, rows, says},
};

/// In microseconds, as times are stored.
const DAY: i64 = 24 * 3600 * 1_000_000;

/// A job ends for whoever asks, in the name of whoever holds its claim.
pub(super) fn finish_by_id(batch: &mut Batch, site: &Site) {
    for write in &mut batch.writes {
        if let Write::Finish(finish) = write {
            let claim = site
                .monitor
                .mirror(|mirror| mirror.queue.job(finish.job).and_then(|job| job.claim));
            finish.fence = claim.map_or(finish.fence, |(fence, _)| fence);
        }
    }
}

/// Leaves what ran out for the second time.
struct SweepsOnce(Site);

#[async_trait]
impl StorageFault for SweepsOnce {
    async fn sweep(&self, right: &dyn Storage, now: Timestamp) -> Result<u64, StoreError> {
        let tried_before = self.0.monitor.mirror(|mirror| {
            let mut expired = mirror.queue.jobs().filter(|(_, job)| job.is_expired(now));
            expired.any(|(_, job)| job.claim.is_some_and(|(fence, _)| fence > 1))
        });
        if tried_before {
            Ok(0)
        } else {
            right.sweep(now).await
        }
    }
}

pub(super) fn sweep_once(storage: Arc<dyn Storage>, site: &Site) -> Arc<dyn Storage> {
    Wrong::new(storage, SweepsOnce(site.clone()))
}

/// A claim takes whatever stands in a line.
struct TakesAll;

#[async_trait]
impl StorageFault for TakesAll {
    async fn claim(
        &self,
        right: &dyn Storage,
        wants: &[Want],
        lease_until: Timestamp,
    ) -> Result<Vec<Claimed>, StoreError> {
        let all = |want: &Want| Want {
            line: want.line.clone(),
            limit: u32::MAX,
        };
        let all: Vec<Want> = wants.iter().map(all).collect();
        right.claim(&all, lease_until).await
    }
}

pub(super) fn take_all(storage: Arc<dyn Storage>, _: &Site) -> Arc<dyn Storage> {
    Wrong::new(storage, TakesAll)
}

/// Nobody else may know of the kinds that one worker does not ask for.
struct Discards(Site);

#[async_trait]
impl StorageFault for Discards {
    async fn before_look(&self, right: &dyn Storage, looks: &[Look]) -> Result<(), StoreError> {
        // Seldom, or it is another queue altogether.
        if !self.0.fate.strikes(20) {
            return Ok(());
        }
        let waiting: BTreeSet<JobKind> = self
            .0
            .monitor
            .mirror(|mirror| mirror.queue.jobs().map(|(_, job)| job.kind).collect());
        let unknown: Vec<Look> = waiting
            .into_iter()
            .filter(|kind| !looks.iter().any(|look| look.kind == *kind))
            .map(|kind| Look { kind, after: None })
            .collect();
        let lines = right.lines(&unknown, 1).await?;
        let wants: Vec<Want> = lines
            .into_iter()
            .map(|line| Want { line, limit: 1 })
            .take(1)
            .collect();
        for job in right.claim(&wants, Timestamp::from_micros(0)).await? {
            let mut batch = Batch::for_org(job.org);
            batch.finish(job.id, job.fence, Finished::Done);
            let _ = right.commit(batch).await;
        }
        Ok(())
    }
}

pub(super) fn discard_unknown(storage: Arc<dyn Storage>, site: &Site) -> Arc<dyn Storage> {
    Wrong::new(storage, Discards(site.clone()))
}

/// Some of what is counted is not stored.
pub(super) fn lose_counts(batch: &mut Batch, site: &Site) {
    batch
        .writes
        .retain(|write| !matches!(write, Write::Count(_)) || !site.fate.strikes(100));
}

/// What could be sent when it was queued passes the gate for ever, as a confirmation does.
pub(super) fn pass_the_gate(batch: &mut Batch, _: &Site) {
    let by_people = |row: &&mut Row| says(row, "source", "api") || says(row, "source", "human");
    for row in inserts(batch, "message")
        .filter(by_people)
        .filter(|row| says(row, "status", "queued"))
    {
        row.set("source", "confirmation");
    }
}

/// Every organization confirms keywords by itself, whatever its carrier does.
pub(super) fn always_confirm(batch: &mut Batch, _: &Site) {
    rows(batch, "organization").for_each(|row| row.set("keyword_replies", "hum"));
}

/// Each agent has every tool.
pub(super) fn allow_all_tools(batch: &mut Batch, _: &Site) {
    for row in inserts(batch, "flow_version") {
        let Value::Text(definition) = row.get("definition") else {
            continue;
        };
        let mut definition: serde_json::Value =
            serde_json::from_str(definition).unwrap_or_default();
        definition["tools"] = BUILT_IN.iter().map(|tool| json!(tool.name())).collect();
        row.set("definition", definition.to_string());
    }
}

/// While a turn runs, the conversation does not show what comes in.
pub(super) fn hide_newer_texts(batch: &mut Batch, site: &Site) {
    for row in puts(batch, "conversation") {
        if let Some(turn) = running(row, site) {
            row.set(
                "last_inbound_seq",
                int(row, "last_inbound_seq").min(turn.upto_seq),
            );
        }
    }
}

/// While a turn runs, nobody takes its conversation over, save the agent itself hands it over.
pub(super) fn ignore_takeovers(batch: &mut Batch, site: &Site) {
    let ended: Vec<TurnId> = batch
        .changed::<Turn>()
        .into_iter()
        .map(|turn| turn.id)
        .collect();
    for row in puts(batch, "conversation") {
        if running(row, site).is_some_and(|turn| !ended.contains(&turn.id)) {
            row.set("ai_paused", false);
            row.set("assignee", Value::Null);
        }
    }
}

/// The turn that runs in a conversation.
fn running(conversation: &Row, site: &Site) -> Option<Turn> {
    let id: ConversationId = conversation.record::<Conversation>()?.ok()?.id;
    let runs = |turn: &&Turn| turn.conversation == id && *turn.state() == TurnState::Running;
    site.monitor
        .mirror(|mirror| mirror.all::<Turn>().find(runs).cloned())
}

/// Turns began so long ago that they count for no cap.
pub(super) fn forget_turns(batch: &mut Batch, _: &Site) {
    inserts(batch, "turn").for_each(|row| row.set("started_at", int(row, "started_at") - 3 * DAY));
}

/// Closing an address session leaves it open.
pub(super) fn leave_open(batch: &mut Batch, _: &Site) {
    puts(batch, "address_session").for_each(|row| row.set("closed_at", Value::Null));
}

/// An address session lives a day longer than was said.
pub(super) fn expire_late(batch: &mut Batch, _: &Site) {
    rows(batch, "address_session")
        .for_each(|row| row.set("expires_at", int(row, "expires_at") + DAY));
}
