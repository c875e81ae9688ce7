//! What a seed turns on: every seed enables another subset of faults, with other magnitudes.

use std::fmt;

use hum_core::job::JOBS_AT_ONCE;

use crate::chance::Chance;

/// The faults of one world. Rates are per mille of the occasions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The seed that everything follows from.
    pub seed: u64,
    /// How long actors act, simulated hours.
    pub hours: u64,
    /// How many processes serve one store.
    pub processes: u64,
    /// How many jobs of a lane a process runs at once.
    pub jobs_at_once: usize,
    /// How many tenants there are.
    pub organizations: u64,
    /// A process dies at a commit or an outside call.
    pub crash: u64,
    /// A process stops for up to ten minutes, and goes on.
    pub pause: u64,
    /// The store refuses a commit, or commits and loses the answer.
    pub store_fails: u64,
    /// The carrier does not answer properly.
    pub carrier_fails: u64,
    /// A receipt is lost.
    pub receipt_lost: u64,
    /// A receipt comes more than once.
    pub receipt_repeated: u64,
    /// The carrier answers slowly, sometimes too late.
    pub carrier_slow: u64,
    /// An inbound text is delivered several times, at once.
    pub inbound_repeated: u64,
    /// A wake-up between or within processes is lost; in some worlds each one is.
    pub signal_lost: u64,
    /// A wake-up comes twice.
    pub signal_repeated: u64,
    /// How many clients follow the feed of each tenant.
    pub followers: u64,
    /// The model does what it wants.
    pub hostile_model: bool,
    /// The model fails.
    pub model_fails: u64,
    /// Customers' endpoints fail.
    pub endpoint_fails: u64,
    /// Customers' endpoints answer late, or not at all.
    pub endpoint_hangs: u64,
    /// Handsets answer every text by themselves.
    pub autoresponder: bool,
    /// Somebody forges webhooks of the carrier.
    pub forgery: u64,
    /// How many texts handsets write in all.
    pub texts: u64,
    /// How many things operators do in all.
    pub acts: u64,
    /// How many address sessions are opened in all.
    pub sessions: u64,
    /// Which sources of facts are asked over a network.
    pub remote_sources: RemoteSources,
    /// A source of facts fails.
    pub sources_fail: u64,
    /// A remote source takes seconds, or longer than anybody waits, or never answers.
    pub sources_slow: u64,
    /// The sources get other data while one of them is asked.
    pub data_sets: u64,
    /// How often somebody sets the wall clock, by up to 26 hours. Texts and operators rest in such
    /// a world: what is right about a text is judged by a clock that goes steadily.
    pub clock_jumps: u64,
}

/// Which sources of facts are asked over a network; the others are on the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteSources {
    /// None.
    Neither,
    /// The geocoder.
    Geocoder,
    /// The geocoder and the map.
    Both,
}

impl Options {
    /// Everything that follows from a seed.
    pub fn from_seed(seed: u64, hours: u64) -> Self {
        let chance = Chance::new(seed, 1);
        // Half of the faults are off in every seed, so that rare combinations get their turn.
        let sometimes = |max: u64| {
            if chance.below(2) == 0 {
                0
            } else {
                chance.between(1, max)
            }
        };
        // In some worlds no receipt arrives at all, and only the carrier's list can tell.
        let receipts_lost_at_most = if chance.below(4) == 0 { 1000 } else { 200 };
        // In some worlds no wake-up arrives at all, and everybody must look by himself.
        let loses_every_signal = chance.below(8) == 0;
        let carrier_fails_at_most = if chance.below(4) == 0 { 800 } else { 300 };
        let options = Self {
            seed,
            hours,
            processes: chance.between(1, 3),
            jobs_at_once: *chance.pick(&[1, 2, 5, JOBS_AT_ONCE]),
            organizations: chance.between(2, 3),
            crash: sometimes(8),
            pause: sometimes(4),
            store_fails: sometimes(20),
            carrier_fails: sometimes(carrier_fails_at_most),
            receipt_lost: sometimes(receipts_lost_at_most),
            receipt_repeated: sometimes(300),
            carrier_slow: sometimes(300),
            inbound_repeated: sometimes(300),
            signal_lost: if loses_every_signal {
                1000
            } else {
                sometimes(500)
            },
            signal_repeated: sometimes(300),
            followers: chance.between(0, 2),
            hostile_model: chance.below(3) == 0,
            model_fails: sometimes(200),
            endpoint_fails: sometimes(400),
            endpoint_hangs: sometimes(400),
            autoresponder: chance.below(4) == 0,
            forgery: sometimes(200),
            texts: chance.between(20, 120),
            acts: chance.between(10, 80),
            sessions: chance.between(5, 20),
            remote_sources: *chance.pick(&[
                RemoteSources::Neither,
                RemoteSources::Geocoder,
                RemoteSources::Both,
            ]),
            sources_fail: sometimes(300),
            sources_slow: sometimes(300),
            data_sets: sometimes(60),
            clock_jumps: if chance.below(8) == 0 {
                chance.between(1, 8)
            } else {
                0
            },
        };
        if options.clock_jumps == 0 {
            // A carrier that breaks off and reports nothing: rare in both by chance, and the
            // hardest to tell texts apart by.
            let is_silent = chance.below(8) == 0;
            let (carrier_fails, receipt_lost) =
                (chance.between(300, 800), chance.between(800, 1000));
            return if is_silent {
                Self {
                    carrier_fails,
                    receipt_lost,
                    ..options
                }
            } else {
                options
            };
        }
        Self {
            sessions: options.sessions * 3,
            texts: 0,
            acts: 0,
            ..options
        }
    }

    /// A world in which nothing goes wrong and nobody acts by himself: for testing agents.
    pub fn calm(seed: u64) -> Self {
        Self {
            seed,
            hours: 0,
            processes: 1,
            jobs_at_once: JOBS_AT_ONCE,
            organizations: 1,
            crash: 0,
            pause: 0,
            store_fails: 0,
            carrier_fails: 0,
            receipt_lost: 0,
            receipt_repeated: 0,
            carrier_slow: 0,
            inbound_repeated: 0,
            signal_lost: 0,
            signal_repeated: 0,
            followers: 0,
            hostile_model: false,
            model_fails: 0,
            endpoint_fails: 0,
            endpoint_hangs: 0,
            autoresponder: false,
            forgery: 0,
            texts: 0,
            acts: 0,
            sessions: 0,
            remote_sources: RemoteSources::Neither,
            sources_fail: 0,
            sources_slow: 0,
            data_sets: 0,
            clock_jumps: 0,
        }
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}
