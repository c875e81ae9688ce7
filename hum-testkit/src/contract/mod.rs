//! What every adapter of a port promises, as ordinary functions: one sentence each, with the
//! sentence as its name.
//!
//! An adapter joins by giving a [`StoreWorld`] to [`store_contract!`](crate::store_contract), which
//! makes one test of each sentence. A new sentence is added to its file and to the list below.

pub mod address_session;
pub mod batch;
pub mod bus;
pub mod counter;
pub mod job_queue;
pub mod list;
pub mod record;
pub mod routing;
pub mod sample;
pub mod selector;
pub mod store;

use std::sync::Arc;

use async_trait::async_trait;
use hum_adapters::storage::{SchemaColumn, SchemaIndex};
use hum_core::{
    Storage,
    batch::{Batch, Committed},
    clock::Timestamp,
    entropy::Entropy,
    job::JobQueue,
    store::{CommitError, Conflict},
};

/// An adapter under test, empty at first.
#[async_trait]
pub trait StoreWorld: Send + Sync {
    /// The store.
    fn store(&self) -> Arc<dyn Storage>;
    /// The columns of its database.
    async fn schema(&self) -> Vec<SchemaColumn>;
    /// The indexes of its database.
    async fn indexes(&self) -> Vec<SchemaIndex>;
    /// The queue on the same database.
    fn jobs(&self) -> Arc<dyn JobQueue>;
    /// When the test takes place.
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_767_225_600_123_456)
    }
    /// Chance of this test.
    fn entropy(&self) -> &dyn Entropy;
}

/// Makes a test of every sentence about stores and their queues. `$world` is an expression that
/// opens a new world.
#[macro_export]
macro_rules! store_contract {
    ($world:expr) => {
        $crate::store_contract! { $world;
            record: every_record_comes_back, every_record_that_changes_comes_back_changed,
                every_record_refuses_a_stale_change, every_record_is_there_once, every_record_stays_in_its_organization,
                every_record_with_an_id_is_listed, the_schema_is_what_the_records_declare;
            batch: a_stale_version_changes_nothing, a_record_that_is_not_there_cannot_be_changed,
                a_taken_key_or_unique_column_leaves_nothing, a_guard_holds_only_at_its_version,
                guards_do_not_let_two_batches_cross, a_write_for_another_organization_is_refused,
                events_are_numbered_without_gaps, concurrent_changes_of_one_conversation_happen_once_each,
                a_bad_batch_fails_alone, one_of_many_equal_inserts_wins, a_batch_is_as_large_as_it_may_be;
            counter: counts_of_many_add_up, a_refused_batch_counts_nothing, counters_are_found_by_their_names;
            selector: a_redaction_touches_what_its_selector_says,
                a_deletion_is_bounded_and_says_whether_there_is_more, a_selection_is_a_part_of_its_batch,
                a_redaction_and_changes_beside_it_do_not_mix, a_selector_without_an_index_is_refused,
                declared_indexes_are_there;
            store: what_is_inserted_is_read_with_version_one, what_is_changed_is_read_with_the_next_version,
                another_organization_sees_nothing, keys_and_replies_are_kept_up, the_operator_sees_counts,
                the_store_is_ready;
            routing: an_inbound_text_finds_everything_at_once, a_number_without_a_living_agent_has_no_debounce;
            list: pages_are_complete_and_in_order, filters_narrow_conversations, filters_narrow_messages, few_of_very_many_are_found,
                a_cursor_of_elsewhere_is_refused, messages_are_counted_and_recalled,
                the_try_that_is_not_over_is_the_last, turns_are_counted,
                deleted_things_are_not_found;
            address_session: an_address_session_comes_back_whole, a_bare_address_session_comes_back,
                a_taken_session_token_leaves_nothing, an_address_session_is_found_in_its_organization_only,
                address_sessions_are_listed_newest_first;
            job_queue: a_queued_twin_moves_or_keeps_the_sooner_time, only_due_jobs_of_known_kinds_are_claimed,
                two_claims_never_share_a_job, a_job_whose_twin_runs_waits, a_finished_job_is_gone,
                a_stale_fence_undoes_the_whole_batch, a_claim_can_be_guarded, a_job_can_be_queued_again, a_failed_job_stays_for_people,
                claims_are_renewed, lines_are_found_in_turn, a_job_is_promoted_when_it_is_due, a_released_job_has_not_run, an_expired_claim_is_swept,
                an_expired_claim_yields_to_its_twin, the_next_due_job_is_known;
        }
    };
    ($world:expr; $($file:ident: $($sentence:ident),+;)+) => {$($(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $sentence() {
            $crate::contract::$file::$sentence(&$world).await;
        }
    )+)+};
}

/// Commits what must go well.
pub(crate) async fn commit(world: &dyn StoreWorld, batch: Batch) -> Committed {
    world
        .store()
        .commit(batch)
        .await
        .expect("the batch is committed")
}

/// Commits what must be refused.
pub(crate) async fn refused(world: &dyn StoreWorld, batch: Batch) -> Conflict {
    conflict(world.store().commit(batch).await).expect("the batch is refused")
}

/// The conflict, if it was one; other failures are the test's.
pub(crate) fn conflict(result: Result<Committed, CommitError>) -> Option<Conflict> {
    match result {
        Ok(_) => None,
        Err(CommitError::Conflict(conflict)) => Some(conflict),
        Err(CommitError::Store(error)) => panic!("the store failed: {error}"),
    }
}
