//! Wrong behaviour on purpose: one bug per invariant, so that the simulator can prove it would notice.
//!
//! Without the feature `planted-bugs` every question is answered `false` at compile time. A bug is chosen for the
//! current thread, so that simulations with different bugs can run side by side.

macro_rules! bugs {
    ($($(#[$doc:meta])* $name:ident $invariant:literal $what:literal;)*) => {
        /// A bug that can be planted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Bug {
            $($(#[$doc])* #[doc = $what] $name,)*
        }

        impl Bug {
            /// Every bug.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The invariant that must catch it.
            pub fn invariant(self) -> &'static str {
                match self { $(Self::$name => $invariant,)* }
            }

            /// What goes wrong.
            pub fn what(self) -> &'static str {
                match self { $(Self::$name => $what,)* }
            }
        }
    };
}

bugs! {
    ReplyBeforeCommit "INV-01" "the API answers before the intent is committed";
    RetryOnTimeout "INV-02" "a send without an answer is tried again";
    SendBeforeCommit "INV-03" "the carrier is called before `dispatching` is committed";
    ServerErrorIsFailure "INV-04" "a 500 from the carrier counts as a definite failure";
    MatchByRecipientOnly "INV-05" "the resolver takes any listed message to the same number";
    ResetIsNotSent "INV-06" "a connection reset after the request was written counts as not sent";
    LastStatusWins "INV-09" "the latest status callback overwrites the status";
    KeepFirstErrorOnly "INV-10" "the shown error code depends on which callback came first";
    CallbackInserts "INV-11" "an early status callback makes a second message";
    CheckThenMark "INV-12" "a repeated inbound message is looked for only before the commit, under a new id";
    UnreadReset "INV-13" "reopening a conversation resets its unread count";
    FinishById "INV-17" "a job is finished by id, whoever holds the claim";
    SweepSkips "INV-18" "the sweep leaves expired claims that were tried before";
    DiscardUnknown "INV-19" "a job of an unknown kind is discarded";
    RetryTooEarly "INV-20" "webhook retries ignore the schedule";
    EventGap "INV-21" "a second event of one commit loses its number in the conversation";
    DropOnDisable "INV-22" "deliveries of a disabled webhook are dropped";
    NewIdEachAttempt "INV-23a" "each delivery attempt has its own webhook-id";
    DisableAtOnce "INV-23b" "a webhook is disabled after its first failures";
    GateAtEnqueue "INV-24" "opt-outs are checked when a message is queued, not when it is sent";
    OptOutLater "INV-25" "the opt-out is recorded after the inbound commit";
    BothConfirm "INV-26" "hum confirms an opt-out that the carrier confirms already";
    ExactKeywordOnly "INV-27" "keywords count only in capitals, without punctuation";
    OptInByAnyText "INV-28" "any text from an opted-out contact opts them in";
    TrustToolName "INV-36" "a tool runs because the model named it";
    NoTurnCap "INV-40" "turns are not counted";
    TurnMissesInbound "INV-39" "a turn answers although a newer message came";
    PauseAtStartOnly "INV-43" "a pause during a turn is not noticed";
    UnscopedRead "INV-46" "conversations are looked up without the organization";
    UnsignedIsFine "INV-51" "a wrong carrier signature is only a warning";
    ClosedSessionWorks "INV-64" "a closed address session still answers";
    ExpiryIsASuggestion "INV-65" "an expired address session still answers";
    SessionOfAnyTenant "INV-66" "an address session is found with another organization's key";
    TokenInTheOpen "INV-67" "an address session's token is stored as it is";
    FindAfterClose "INV-68" "what was found comes back after the session was closed";
    KeepForever "INV-69" "answers of remote sources are used for ever";
    AmbientChance "INV-56" "an id is drawn from outside the seed";
}

#[cfg(feature = "planted-bugs")]
mod chosen {
    use std::cell::Cell;

    use super::Bug;

    thread_local! {
        static BUG: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Plants a bug, or none, on this thread.
    pub fn plant(bug: Option<Bug>) {
        BUG.set(bug);
    }

    /// Whether `bug` is planted on this thread.
    pub fn planted(bug: Bug) -> bool {
        BUG.get() == Some(bug)
    }
}

#[cfg(not(feature = "planted-bugs"))]
mod chosen {
    /// Always `false` in a build without planted bugs.
    #[inline(always)]
    pub const fn planted(_: super::Bug) -> bool {
        false
    }
}

pub use chosen::*;
