//! Wrong behaviour on purpose: at least one bug per invariant, so that the simulator can prove that
//! it would notice.
//!
//! Nothing of hum knows of them. A bug is a wrong adapter, or one around a right adapter, and a
//! world is given it when it is made: what a seed draws does not depend on it. [`ALL`] is the list.
//!
//! ```text
//! hum -> other decisions -> SimStore, which the witness sees -> another memory -> SQLite
//!     -> a wrong carrier, a wrong world outside
//! ```

mod carrier_webhooks;
mod decision;
mod feed;
mod last_status;
mod memory;
mod outside;
mod storage;
mod texting;
mod write_behind;

use std::{fmt, sync::Arc};

use hum_core::Storage;

use crate::{
    clock::VirtualClock,
    monitor::Monitor,
    ports::Ports,
    process::{Fate, ProcessId},
};
use storage::{Rewrite, Rewriting};

/// A bug that can be planted.
#[derive(Clone, Copy)]
pub struct Bug {
    /// What it is called.
    pub name: &'static str,
    /// The invariant that must catch it.
    pub invariant: &'static str,
    /// What goes wrong.
    pub what: &'static str,
    place: Place,
}

/// Which port is wrong.
#[derive(Clone, Copy)]
enum Place {
    /// hum's batches are other ones, and the witness sees those.
    Decision(Rewrite),
    /// The store that hum sees is a wrong one, and the witness sees what is left of it.
    Storage(fn(Arc<dyn Storage>, &Site) -> Arc<dyn Storage>),
    /// Other batches are stored than the witness sees.
    Memory(Rewrite),
    /// The store beneath the witness is a wrong one.
    Database(fn(Arc<dyn Storage>, &Site) -> Arc<dyn Storage>),
    /// Another adapter, or several that conspire.
    Ports(fn(Ports, &Site) -> Ports),
}

/// Where in the world a bug is planted: the process, and what a bug may look at.
#[derive(Clone)]
pub struct Site {
    /// Which process.
    pub process: ProcessId,
    /// What was committed so far.
    pub monitor: Monitor,
    /// Whether faults are on; the world's dice.
    pub fate: Fate,
    /// The world's time.
    pub clock: VirtualClock,
}

/// A right adapter, and what goes wrong with it.
struct Wrong<P: ?Sized, F> {
    right: Arc<P>,
    fault: F,
}

impl<P: ?Sized, F> Wrong<P, F> {
    fn new(right: Arc<P>, fault: F) -> Arc<Self> {
        Arc::new(Self { right, fault })
    }
}

impl Bug {
    /// The bug of this name.
    pub fn named(name: &str) -> Option<Self> {
        ALL.iter().find(|bug| bug.name == name).copied()
    }

    /// Puts it between hum and its ports. The storage among them is the witness's.
    pub fn plant(self, ports: Ports, site: &Site) -> Ports {
        match self.place {
            Place::Decision(rewrite) => Ports {
                storage: rewriting(ports.storage, rewrite, site),
                ..ports
            },
            Place::Storage(wrap) => Ports {
                storage: wrap(ports.storage, site),
                ..ports
            },
            Place::Ports(wrap) => wrap(ports, site),
            Place::Memory(_) | Place::Database(_) => ports,
        }
    }

    /// Puts it between the witness and the store.
    pub fn plant_beneath(self, storage: Arc<dyn Storage>, site: &Site) -> Arc<dyn Storage> {
        match self.place {
            Place::Memory(rewrite) => rewriting(storage, rewrite, site),
            Place::Database(wrap) => wrap(storage, site),
            Place::Decision(_) | Place::Storage(_) | Place::Ports(_) => storage,
        }
    }
}

fn rewriting(storage: Arc<dyn Storage>, rewrite: Rewrite, site: &Site) -> Arc<dyn Storage> {
    Wrong::new(
        storage,
        Rewriting {
            rewrite,
            site: site.clone(),
        },
    )
}

impl fmt::Debug for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

macro_rules! bugs {
    ($($name:ident $invariant:literal $what:literal $Place:ident($plant:path);)+) => {
        &[$(Bug { name: stringify!($name), invariant: $invariant, what: $what, place: Place::$Place($plant) },)+]
    };
}

/// Every bug.
pub const ALL: &[Bug] = bugs! {
    ReplyBeforeCommit "INV-01" "the API answers, and forgets the intent" Storage(decision::forget_messages);
    RetryOnTimeout "INV-02" "a send without an answer is tried again" Ports(texting::retry_on_timeout);
    SendBeforeCommit "INV-03" "the carrier is called before `dispatching` is committed" Ports(write_behind::send_before_commit);
    ServerErrorIsFailure "INV-04" "a 500 from the carrier counts as a definite failure" Ports(texting::server_error_is_failure);
    MatchByRecipientOnly "INV-05" "any listed text to the same number is the one in doubt" Ports(texting::match_by_recipient_only);
    ResetIsNotSent "INV-06" "a reset after the request was written counts as not sent" Ports(texting::reset_is_not_sent);
    LastStatusWins "INV-09" "the status that was heard last overwrites the others" Ports(last_status::last_status_wins);
    KeepFirstErrorOnly "INV-10" "the shown error code depends on which callback came first" Decision(decision::keep_first_error);
    CallbackInserts "INV-11" "an early status callback makes a second message" Decision(decision::callback_inserts);
    NewIdEachDelivery "INV-12" "a text that is delivered again is another text" Ports(carrier_webhooks::new_id_each_delivery);
    UnreadReset "INV-13" "reopening a conversation resets its unread count" Decision(decision::reset_unread);
    FinishById "INV-17" "a job is finished by id, whoever holds the claim" Memory(memory::finish_by_id);
    SweepSkips "INV-18" "the sweep leaves expired claims that were tried before" Database(memory::sweep_once);
    DiscardUnknown "INV-19" "a job of a kind that nobody asked for is discarded" Database(memory::discard_unknown);
    RetryTooEarly "INV-20" "webhook retries ignore the schedule" Decision(decision::retry_at_once);
    EventGap "INV-21" "a second event of one commit leaves out a number in the conversation" Decision(decision::skip_event_numbers);
    DropOnDisable "INV-22" "deliveries of a disabled webhook are dropped" Decision(decision::drop_held);
    NewIdEachAttempt "INV-23a" "each delivery attempt has its own webhook-id" Ports(outside::new_id_each_attempt);
    DisableAtOnce "INV-23b" "a webhook is disabled after its first failures" Decision(decision::disable_early);
    GateAtEnqueue "INV-24" "opt-outs are checked when a message is queued, not when it is sent" Memory(memory::pass_the_gate);
    OptOutLater "INV-25" "the opt-out is recorded after the inbound commit" Storage(decision::opt_out_later);
    BothConfirm "INV-26" "hum confirms an opt-out that the carrier confirms already" Memory(memory::always_confirm);
    ExactKeywordOnly "INV-27" "keywords count only in capitals, without punctuation" Decision(decision::only_capitals);
    OptInByAnyText "INV-28" "any text from an opted-out contact opts them in" Decision(decision::any_text_opts_in);
    TrustToolName "INV-36" "a tool runs because the model named it" Memory(memory::allow_all_tools);
    TurnMissesInbound "INV-39" "a turn answers although a newer message came" Memory(memory::hide_newer_texts);
    NoTurnCap "INV-40" "turns are not counted" Memory(memory::forget_turns);
    PauseAtStartOnly "INV-43" "a pause during a turn is not noticed" Memory(memory::ignore_takeovers);
    UnscopedRead "INV-46" "rows are looked up in another organization" Storage(decision::go_astray);
    UnsignedIsFine "INV-51" "a wrong carrier signature is accepted" Ports(carrier_webhooks::unsigned_is_fine);
    BufferTrim "INV-61" "only the latest events of a feed are kept for who comes again" Storage(feed::keep_the_latest);
    BusIsTruth "INV-61" "a follower reads as far as the bus said, and not as far as the feed is" Ports(feed::believe_the_bus);
    AmbientChance "INV-56" "ids are drawn from outside the seed" Ports(outside::draw_from_the_air);
    ClaimsWithoutLimit "INV-62" "a worker takes whatever stands in a line" Database(memory::take_all);
    ClosedSessionWorks "INV-64" "a closed address session still answers" Memory(memory::leave_open);
    ExpiryIsASuggestion "INV-65" "an expired address session still answers" Memory(memory::expire_late);
    SessionOfAnyTenant "INV-66" "an address session is found in another organization" Storage(decision::go_astray);
    TokenInTheOpen "INV-67" "an address session's token is stored as it is" Ports(outside::seal_nothing);
    FindAfterClose "INV-68" "what was found outlives its session" Decision(decision::keep_found);
    KeepForever "INV-69" "answers of remote sources are used with other data" Ports(outside::never_other_data);
    CountsTwice "INV-70" "some of what is used is counted twice" Decision(decision::count_twice);
    LosesCounts "INV-71" "some of what is counted is not stored" Memory(memory::lose_counts);
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_bug_has_a_name_of_its_own() {
        assert_eq!(
            ALL.iter()
                .map(|bug| bug.name)
                .collect::<BTreeSet<_>>()
                .len(),
            ALL.len()
        );
    }

    #[test]
    fn each_documented_invariant_has_its_bug() {
        let documented: BTreeSet<(&str, &str)> = include_str!("../../../docs/invariants.md")
            .lines()
            .filter(|line| line.starts_with("| INV-"))
            .filter_map(|line| {
                let cells: Vec<&str> = line
                    .split('|')
                    .map(|cell| cell.trim().trim_matches('`'))
                    .collect();
                Some((*cells.get(1)?, *cells.get(4)?))
            })
            .collect();
        assert_eq!(
            ALL.iter()
                .map(|bug| (bug.invariant, bug.name))
                .collect::<BTreeSet<_>>(),
            documented
        );
    }
}
